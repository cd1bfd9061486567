// Calls with one request and one answer, which may hold a thread.
#ifndef VARSCOPE_SERVER_RPC_UNARY_H_
#define VARSCOPE_SERVER_RPC_UNARY_H_

#include <grpcpp/grpcpp.h>

#include <future>

#include "absl/status/status.h"
#include "server/rpc/caller_of.h"
#include "server/rpc/context.h"
#include "server/rpc/refusal.h"
#include "server/rpc/status.h"

namespace varscope::server {

// A call that one function answers: `answer` gets the caller and returns a Status.
template <typename Request, typename Fn>
grpc::Status Answer(const ServiceContext& service, grpc::ServerContext* context,
                    const Request& /*request*/, Fn&& answer) {
  const InFlightCalls::Call call(service.in_flight_calls);
  if (!call.admitted().ok()) return ToGrpc(call.admitted(), *context);
  const absl::StatusOr<Caller> caller = CallerOf<Request>(service, *context);
  return ToGrpc(caller.ok() ? answer(*caller) : caller.status(), *context);
}

// The same for a call that changes something: the answer leaves when the change is on stable
// storage.
template <typename Request, typename Fn>
grpc::Status AnswerDurably(const ServiceContext& service, grpc::ServerContext* context,
                           const Request& request, Fn&& answer) {
  return Answer(service, context, request, [&](const Caller& caller) -> absl::Status {
    if (absl::Status status = AdmitChange(service.durability); !status.ok()) return status;
    if (absl::Status status = answer(caller); !status.ok()) return status;
    std::promise<absl::Status> durable;
    service.durability.WhenOnStableStorage(
        [&](absl::Status status) { durable.set_value(std::move(status)); });
    return durable.get_future().get();
  });
}

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_RPC_UNARY_H_
