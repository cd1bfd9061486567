#include "server/rpc/service.h"

#include "server/rpc/barrier_call.h"
#include "server/rpc/grpc_stream.h"
#include "server/rpc/unary.h"
#include "server/rpc/worker_calls.h"

namespace varscope::server {

void ParameterServerService::Accept(CallQueue& queue) {
  grpc::ServerCompletionQueue* const calls = queue.queue();
  GrpcStream::Accept(
      context_, queue,
      [this, calls](grpc::ServerContext* context, GrpcStream::Stream* stream, void* tag) {
        RequestExchange(context, stream, calls, calls, tag);
      });
  BarrierCall::Accept(context_, queue,
                      [this, calls](grpc::ServerContext* context, v1::BarrierRequest* request,
                                    BarrierCall::Writer* writer, void* tag) {
                        RequestBarrier(context, request, writer, calls, calls, tag);
                      });
}

grpc::Status ParameterServerService::Connect(grpc::ServerContext* context,
                                             const v1::ConnectRequest* request,
                                             v1::ConnectResponse* response) {
  return AnswerDurably(context_, context, *request, [&](const Caller&) {
    return server::Connect(context_, *request, response);
  });
}

grpc::Status ParameterServerService::Resolve(grpc::ServerContext* context,
                                             const v1::ResolveRequest* request,
                                             v1::ResolveResponse* response) {
  return AnswerDurably(context_, context, *request, [&](const Caller& caller) {
    return server::Resolve(context_, caller, *request, response);
  });
}

grpc::Status ParameterServerService::Heartbeat(grpc::ServerContext* context,
                                               const v1::HeartbeatRequest* request,
                                               v1::HeartbeatResponse* response) {
  return Answer(context_, context, *request, [&](const Caller& caller) {
    return server::Heartbeat(context_, caller, response);
  });
}

grpc::Status ParameterServerService::Disconnect(grpc::ServerContext* context,
                                                const v1::DisconnectRequest* request,
                                                v1::DisconnectResponse*) {
  return Answer(context_, context, *request,
                [&](const Caller& caller) { return context_.workers.Disconnect(caller); });
}

}  // namespace varscope::server
