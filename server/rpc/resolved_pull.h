// A pull, once its numbers are variables.
#ifndef VARSCOPE_SERVER_RPC_RESOLVED_PULL_H_
#define VARSCOPE_SERVER_RPC_RESOLVED_PULL_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "proto/memory/idle_memory.h"
#include "proto/wire/frame_reader.h"
#include "server/push/stream_variables.h"
#include "varscope/v1/tensor_stream.pb.h"

namespace varscope::server {

struct ResolvedPull {
  struct Item {
    uint64_t held = 0;  // 1 + the version that the worker holds; 0: it holds none
    wire::Encoding encoding = wire::Encoding::kNone;
    // Unless the pull asks for the whole variable: which tensor of the request has the indices.
    std::optional<uint32_t> indices;
  };
  std::vector<Variable*> variables;
  std::shared_ptr<const void> owner;  // of the variables
  std::vector<Item> items;            // of each variable
  // Of what it takes beside the values themselves: indices, their rows, what is encoded.
  uint64_t copied_bytes = 0;
  IdleMemory::Hold held = {};  // of all this: a stream keeps it for a pull that repeats it
  // Set for a pull that repeats the one before: Changes::count() then.
  std::optional<uint64_t> unchanged_since;

  bool HasIndices() const {
    return std::any_of(items.begin(), items.end(),
                       [](const Item& item) { return item.indices.has_value(); });
  }
};

// Its numbers are those of `variables`. Adds to `tensors` the indices that come with it.
// InvalidArgument for a number that the stream has not given, columns of different lengths, an
// encoding that values cannot have, more rows than the variable has; PermissionDenied as Authorize.
absl::StatusOr<ResolvedPull> ResolvePull(const StreamVariables& variables,
                                         const v1::PullRequest& pull, const Caller& caller,
                                         std::vector<wire::IncomingTensor>& tensors);

// What one stream knows of its requests so far.
struct StreamState {
  // A pull of more variables than this cannot be repeated.
  static constexpr size_t kMaxRepeated = 100'000;

  StreamVariables variables;
  ResolvedPull last_pull;  // as its answer was; empty: none can be repeated
};

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_RPC_RESOLVED_PULL_H_
