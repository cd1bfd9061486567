// Calls with one request and one answer.
#ifndef VARSCOPE_SERVER_RPC_UNARY_H_
#define VARSCOPE_SERVER_RPC_UNARY_H_

#include <grpcpp/grpcpp.h>

#include <utility>

#include "server/rpc/owned_reactor.h"
#include "server/rpc/refusal.h"
#include "server/rpc/status.h"
#include "server/sync/durability.h"

namespace varscope::server {

// A unary call that one function answers. Deletes itself.
class UnaryReactor final : public OwnedReactor<grpc::ServerUnaryReactor> {
 public:
  template <typename Fn>
  UnaryReactor(Calls& calls, grpc::CallbackServerContext* context, Fn&& answer)
      : OwnedReactor(calls) {
    std::lock_guard lock(mutex_);
    Finish(ToGrpc(admitted().ok() ? answer() : admitted(), *context));
  }
};

// The same for a call that changes something: the answer leaves when the change is on the medium.
class DurableReactor final : public OwnedReactor<grpc::ServerUnaryReactor> {
 public:
  template <typename Fn>
  DurableReactor(Calls& calls, Durability& durability, grpc::CallbackServerContext* context,
                 Fn&& answer)
      : OwnedReactor(calls) {
    std::lock_guard lock(mutex_);
    absl::Status status = admitted();
    if (status.ok()) status = AdmitChange(durability);
    if (status.ok()) status = answer();
    if (status.ok()) {
      durability.OnceOnMedium([this](const absl::Status& durable) { Finish(ToGrpc(durable)); });
    } else {
      Finish(ToGrpc(status, *context));
    }
  }
};

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_RPC_UNARY_H_
