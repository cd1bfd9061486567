// Tables whose rows several tensors hold.
#ifndef VARSCOPE_CLIENT_GRAPH_OPS_SHARDS_H_
#define VARSCOPE_CLIENT_GRAPH_OPS_SHARDS_H_

#include <string>
#include <vector>

#include "varscope/graph.h"

namespace varscope::internal {

// For each shard, of the ids whose rows it has: which of its rows they are, and which places they
// have among all ids. Both are vectors of the ids' dtype.
struct IdsByShard {
  std::vector<Output> rows;
  std::vector<Output> places;
};

// `strategy`: "mod" (id i is row i / n of shard i % n), "div" (the shards have as many consecutive
// ids each, the first ones perhaps one more), or "joined" (as many as they have rows).
// InvalidArgumentError in a run for an id that no shard has.
IdsByShard SplitIds(const Output& ids, const std::vector<Output>& shards,
                    const std::string& strategy);

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_GRAPH_OPS_SHARDS_H_
