// absl::Status inside, grpc::Status on the wire: the same codes and text.
#ifndef VARSCOPE_SERVER_RPC_STATUS_H_
#define VARSCOPE_SERVER_RPC_STATUS_H_

#include <grpcpp/support/status.h>

#include "absl/status/status.h"

namespace varscope::server {

inline grpc::Status ToGrpc(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  return {static_cast<grpc::StatusCode>(status.raw_code()), std::string(status.message())};
}

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_RPC_STATUS_H_
