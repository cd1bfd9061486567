// Calls with one request and one answer, which may hold a thread.
#ifndef VARSCOPE_SERVER_RPC_UNARY_H_
#define VARSCOPE_SERVER_RPC_UNARY_H_

#include <grpcpp/grpcpp.h>

#include <future>

#include "absl/status/status.h"
#include "server/rpc/calls.h"
#include "server/rpc/refusal.h"
#include "server/rpc/status.h"
#include "server/sync/durability.h"

namespace varscope::server {

// A call that one function answers.
template <typename Fn>
grpc::Status Answer(Calls& calls, grpc::ServerContext* context, Fn&& answer) {
  const Calls::Call call(calls);
  return ToGrpc(call.admitted().ok() ? answer() : call.admitted(), *context);
}

// The same for a call that changes something: the answer leaves when the change is on the medium.
template <typename Fn>
grpc::Status AnswerDurably(Calls& calls, Durability& durability, grpc::ServerContext* context,
                           Fn&& answer) {
  return Answer(calls, context, [&]() -> absl::Status {
    if (absl::Status status = AdmitChange(durability); !status.ok()) return status;
    if (absl::Status status = answer(); !status.ok()) return status;
    std::promise<absl::Status> durable;
    durability.OnceOnMedium([&](absl::Status status) { durable.set_value(std::move(status)); });
    return durable.get_future().get();
  });
}

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_RPC_UNARY_H_
