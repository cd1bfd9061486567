// varscope.v1.ParameterServer over gRPC: each call is a function of worker_calls.h or a stream.
#ifndef VARSCOPE_SERVER_RPC_SERVICE_H_
#define VARSCOPE_SERVER_RPC_SERVICE_H_

#include <grpcpp/grpcpp.h>

#include "server/rpc/call_queue.h"
#include "server/rpc/context.h"
#include "server/rpc/unary_call.h"
#include "varscope/v1/worker.grpc.pb.h"

namespace varscope::server {

// As raw bytes, so that the memory of what comes is counted.
using RawWorkerCalls = v1::ParameterServer::WithRawMethod_Connect<
    v1::ParameterServer::WithRawMethod_Resolve<v1::ParameterServer::WithRawMethod_Heartbeat<
        v1::ParameterServer::WithRawMethod_Barrier<v1::ParameterServer::WithRawMethod_Disconnect<
            v1::ParameterServer::WithRawMethod_Exchange<v1::ParameterServer::Service>>>>>>;

// All calls are served in a CallQueue, where none holds a thread while it waits. Thread-safe.
class ParameterServerService final : public RawWorkerCalls {
 public:
  explicit ParameterServerService(const ServiceContext& context) : context_(context) {}

  // To be called when the server has started, once. `queue` is one of the server's.
  void Accept(CallQueue& queue);

 private:
  const ServiceContext context_;
};

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_RPC_SERVICE_H_
