// varscope.v1.ParameterServer over gRPC: thin, each call is one function or object.
#ifndef VARSCOPE_SERVER_RPC_SERVICE_H_
#define VARSCOPE_SERVER_RPC_SERVICE_H_

#include <grpcpp/grpcpp.h>

#include "server/rpc/call_queue.h"
#include "server/rpc/context.h"
#include "varscope/v1/worker.grpc.pb.h"

namespace varscope::server {

// The calls that may wait long do so in a CallQueue, Exchange as raw bytes; each of the others has
// one of gRPC's threads.
using HybridService = v1::ParameterServer::WithRawMethod_Exchange<
    v1::ParameterServer::WithAsyncMethod_Barrier<v1::ParameterServer::Service>>;

// Thread-safe.
class ParameterServerService final : public HybridService {
 public:
  explicit ParameterServerService(const ServiceContext& context) : context_(context) {}

  // To be called when the server has started, once. `queue` is one of the server's.
  void Accept(CallQueue& queue);

  grpc::Status Connect(grpc::ServerContext* context, const v1::ConnectRequest* request,
                       v1::ConnectResponse* response) override;
  grpc::Status Resolve(grpc::ServerContext* context, const v1::ResolveRequest* request,
                       v1::ResolveResponse* response) override;
  grpc::Status Heartbeat(grpc::ServerContext* context, const v1::HeartbeatRequest* request,
                         v1::HeartbeatResponse* response) override;
  grpc::Status Disconnect(grpc::ServerContext* context, const v1::DisconnectRequest* request,
                          v1::DisconnectResponse* response) override;

 private:
  const ServiceContext context_;
};

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_RPC_SERVICE_H_
