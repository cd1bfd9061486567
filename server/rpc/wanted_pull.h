// What a pull wants.
#ifndef VARSCOPE_SERVER_RPC_WANTED_PULL_H_
#define VARSCOPE_SERVER_RPC_WANTED_PULL_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "proto/wire/frame_reader.h"
#include "server/push/stream_variables.h"
#include "varscope/v1/tensor_stream.pb.h"

namespace varscope::server {

struct WantedPull {
  struct Want {
    VariablePtr variable;
    uint64_t held = 0;  // 1 + the version that the worker holds; 0: it holds none
    wire::Encoding encoding = wire::Encoding::kNone;
    // Unless the whole variable is wanted: which tensor of the request has the row numbers.
    std::optional<uint32_t> rows;
  };
  std::vector<Want> wants;
  // Of the row numbers and of those rows.
  uint64_t row_bytes = 0;
  // Set for a pull that repeats the one before: Store::changes() then.
  std::optional<uint64_t> unchanged_since;

  bool WantsRows() const {
    return std::any_of(wants.begin(), wants.end(),
                       [](const Want& want) { return want.rows.has_value(); });
  }
};

// Its numbers are those of `variables`. Adds to `tensors` the row numbers that come with it.
// InvalidArgument for a number that the stream has not given, columns of different lengths, an
// encoding that values cannot have, more rows than the variable has; PermissionDenied as Authorize.
absl::StatusOr<WantedPull> ResolvePull(const StreamVariables& variables,
                                       const v1::PullRequest& pull, const Caller& caller,
                                       std::vector<wire::IncomingTensor>& tensors);

// What one stream knows of its requests so far.
struct StreamState {
  // A pull of more variables than this cannot be repeated.
  static constexpr size_t kMaxRepeated = 100'000;

  StreamVariables variables;
  WantedPull last_pull;  // with the versions that its answer had; empty: none that can be repeated
};

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_RPC_WANTED_PULL_H_
