#include "server/rpc/service.h"

#include <utility>

#include "server/rpc/grpc_stream.h"
#include "server/rpc/worker_calls.h"

namespace varscope::server {

void ParameterServerService::Accept(CallQueue& queue) {
  grpc::ServerCompletionQueue* const calls = queue.queue();
  GrpcStream::Accept(
      context_, queue,
      [this, calls](grpc::ServerContext* context, GrpcStream::Stream* stream, void* tag) {
        RequestExchange(context, stream, calls, calls, tag);
      });
  // Of calls that go on when their caller no longer waits.
  const auto goes_on = [](const ServiceContext&, const Caller&, const auto& /*request*/) {};
  // `run` and `leave` are of worker_calls.h.
  const auto serve = [&]<typename Request, typename Response>(
                         auto ask,
                         void (*run)(const ServiceContext&, const Caller&, const Request&,
                                     Answer<Response>&, CallDone),
                         auto leave) {
    Serve<UnaryCall<Request, Response>>(
        *this, ask, context_, queue,
        UnaryHandler<Request, Response>{
            [this, run](const Caller& caller, const Request& request, Answer<Response>& answer,
                        CallDone done) { run(context_, caller, request, answer, std::move(done)); },
            [this, leave](const Caller& caller, const Request& request) {
              leave(context_, caller, request);
            }});
  };
  serve(&ParameterServerService::RequestConnect, server::Connect, goes_on);
  serve(&ParameterServerService::RequestResolve, server::Resolve, server::LeaveResolve);
  serve(&ParameterServerService::RequestHeartbeat, server::Heartbeat, goes_on);
  serve(&ParameterServerService::RequestBarrier, server::Barrier, server::LeaveBarrier);
  serve(&ParameterServerService::RequestDisconnect, server::Disconnect, goes_on);
}

}  // namespace varscope::server
