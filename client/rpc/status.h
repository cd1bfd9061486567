// gRPC's statuses as the client's exceptions.
#ifndef VARSCOPE_CLIENT_RPC_STATUS_H_
#define VARSCOPE_CLIENT_RPC_STATUS_H_

#include <grpcpp/support/status.h>

#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "client/graph/throw.h"
#include "client/rpc/reason.h"
#include "varscope/errors.h"

namespace varscope::internal {

// `call` and `target` tell what was tried when the failure is the network's rather than the
// server's answer.
inline void ThrowIfFailed(const grpc::Status& status, const char* call, const std::string& target) {
  if (status.ok()) return;
  const std::string where = NobodyAnswered(status)
                                ? absl::StrCat(call, " to varscoped at ", target, ": ")
                                : std::string();
  ThrowIfError(absl::Status(static_cast<absl::StatusCode>(status.error_code()),
                            absl::StrCat(where, ReasonOf(status).text)));
}

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_RPC_STATUS_H_
