// absl::Status inside, grpc::Status on the wire: the same codes and text. A caller that may succeed
// later is told so in the trailing metadata.
#ifndef VARSCOPE_SERVER_RPC_STATUS_H_
#define VARSCOPE_SERVER_RPC_STATUS_H_

#include <grpcpp/support/status.h>

#include "absl/status/status.h"

namespace varscope::server {

inline grpc::Status ToGrpc(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  return {static_cast<grpc::StatusCode>(status.raw_code()), std::string(status.message())};
}

// A refusal for now: the client may ask again after this many milliseconds.
inline constexpr char kRetryAfterKey[] = "varscope-retry-after-ms";
inline constexpr char kRetryAfterMilliseconds[] = "200";

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_RPC_STATUS_H_
