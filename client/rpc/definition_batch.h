// How many definitions one call defines.
#ifndef VARSCOPE_CLIENT_RPC_DEFINITION_BATCH_H_
#define VARSCOPE_CLIENT_RPC_DEFINITION_BATCH_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "client/graph/remote_store.h"
#include "proto/naming/contract.h"

namespace varscope::internal {

// The first ones, at least one, of as many variables as the largest definition may have parts: the
// server bounds what an answer takes, and each variable is told in it.
inline std::span<const Definition> FirstBatch(std::span<const Definition> definitions) {
  constexpr int64_t kMost = kMaxParts;
  int64_t variables = 0;
  size_t count = 0;
  for (const Definition& definition : definitions) {
    int64_t parts = 1;
    // At most one entry of valid partitions is above 1.
    if (definition.partitions) {
      for (const int64_t p : *definition.partitions) parts = std::max(parts, std::min(p, kMost));
    }
    variables += parts;
    if (count > 0 && variables > kMost) break;
    ++count;
  }
  return definitions.first(count);
}

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_RPC_DEFINITION_BATCH_H_
