// The caller of a call or stream over gRPC.
#ifndef VARSCOPE_SERVER_RPC_CALLER_OF_H_
#define VARSCOPE_SERVER_RPC_CALLER_OF_H_

#include <grpcpp/grpcpp.h>

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "proto/wire/session.h"
#include "server/auth/rights.h"
#include "server/rpc/context.h"
#include "server/rpc/method_rights.h"

namespace varscope::server {

// Of a session key, as Identify; Aborted when it is of a state that the
// server has lost, and another has taken its place; PermissionDenied when he may not make calls of
// that method, which its request names.
template <typename Request>
absl::StatusOr<Caller> CallerOf(const ServiceContext& service, absl::string_view session_key) {
  absl::StatusOr<Caller> caller = service.session_keys.Identify(session_key);
  if (!caller.ok()) return caller;
  if (service.workers.IsOfLostState(*caller)) {
    return absl::AbortedError(
        absl::StrCat(Who(*caller),
                     "another connected under this id after the server had lost its state; the "
                     "session from before that is fenced off"));
  }
  absl::Status may_call = Authorize(*caller, MethodRight<Request>::kRight, "");
  if (!may_call.ok()) return may_call;
  return caller;
}

// Without the port.
inline std::string AddressOf(const std::string& peer) { return peer.substr(0, peer.rfind(':')); }

// Of what has come with the call.
template <typename Request>
absl::StatusOr<Caller> CallerOf(const ServiceContext& service, const grpc::ServerContext& context) {
  const auto& metadata = context.client_metadata();
  const auto key = metadata.find(wire::kSessionMetadata);
  absl::StatusOr<Caller> caller = CallerOf<Request>(
      service, key == metadata.end() ? absl::string_view()
                                     : absl::string_view(key->second.data(), key->second.size()));
  if (caller.ok()) caller->peer = AddressOf(context.peer());
  return caller;
}

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_RPC_CALLER_OF_H_
