// varscope.v1.ParameterServer over gRPC: thin, each call one function or object.
#ifndef VARSCOPE_SERVER_RPC_SERVICE_H_
#define VARSCOPE_SERVER_RPC_SERVICE_H_

#include <grpcpp/grpcpp.h>

#include "server/rpc/call_queue.h"
#include "server/rpc/context.h"
#include "varscope/v1/varscope.grpc.pb.h"

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
  grpc::Status List(grpc::ServerContext* context, const v1::ListRequest* request,
                    v1::ListResponse* response) override;
  grpc::Status Describe(grpc::ServerContext* context, const v1::DescribeRequest* request,
                        v1::DescribeResponse* response) override;
  grpc::Status Snapshot(grpc::ServerContext* context, const v1::SnapshotRequest* request,
                        v1::SnapshotResponse* response) override;
  grpc::Status Heartbeat(grpc::ServerContext* context, const v1::HeartbeatRequest* request,
                         v1::HeartbeatResponse* response) override;
  grpc::Status Disconnect(grpc::ServerContext* context, const v1::DisconnectRequest* request,
                          v1::DisconnectResponse* response) override;
  grpc::Status ListSnapshots(grpc::ServerContext* context, const v1::ListSnapshotsRequest* request,
                             v1::ListSnapshotsResponse* response) override;
  grpc::Status Rollback(grpc::ServerContext* context, const v1::RollbackRequest* request,
                        v1::RollbackResponse* response) override;
  grpc::Status ListWorkers(grpc::ServerContext* context, const v1::ListWorkersRequest* request,
                           v1::ListWorkersResponse* response) override;
  grpc::Status ListGroups(grpc::ServerContext* context, const v1::ListGroupsRequest* request,
                          v1::ListGroupsResponse* response) override;
  grpc::Status Quarantine(grpc::ServerContext* context, const v1::QuarantineRequest* request,
                          v1::QuarantineResponse* response) override;

 private:
  const ServiceContext context_;
};

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_RPC_SERVICE_H_
