// Where a run needs only rows of a variable.
#ifndef VARSCOPE_CLIENT_SESSION_LOOKUPS_H_
#define VARSCOPE_CLIENT_SESSION_LOOKUPS_H_

#include <functional>
#include <set>
#include <vector>

#include "client/graph/node.h"
#include "client/session/stages.h"

namespace varscope::internal {

struct Lookups {
  std::set<const Node*> gathers;      // of rows of a variable
  std::set<const Node*> reads;        // of variables that only those gathers use
  std::set<const Node*> before_pull;  // ops that need no pull of their stage, indices too
};

// Of a run of the ops `needed`, in creation order. A variable that in the same stage is fetched, or
// used by another op than a gather, or looked up by numbers that are computed from that stage's
// pull, is not among them; nor is one so small that naming rows costs more than sending it.
Lookups FindLookups(const std::vector<const Node*>& needed, const std::vector<NodeOutput>& fetches,
                    const Stages& stages, const std::function<bool(const NodeOutput&)>& is_fed);

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_SESSION_LOOKUPS_H_
