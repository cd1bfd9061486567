// varscope.v1.Admin over gRPC.
#ifndef VARSCOPE_SERVER_RPC_ADMIN_H_
#define VARSCOPE_SERVER_RPC_ADMIN_H_

#include <grpcpp/grpcpp.h>

#include "server/rpc/call_queue.h"
#include "server/rpc/context.h"
#include "varscope/v1/admin.grpc.pb.h"

namespace varscope::server {

// Quarantine waits for the log in a CallQueue; each of the others has one of gRPC's threads.
// Thread-safe.
class AdminService final : public v1::Admin::WithRawMethod_Quarantine<v1::Admin::Service> {
 public:
  explicit AdminService(const ServiceContext& context) : context_(context) {}

  // To be called when the server has started, once. `queue` is one of the server's.
  void Accept(CallQueue& queue);

  grpc::Status ListVariables(grpc::ServerContext* context, const v1::ListVariablesRequest* request,
                             grpc::ServerWriter<v1::ListVariablesResponse>* writer) override;
  grpc::Status DescribeVariable(grpc::ServerContext* context,
                                const v1::DescribeVariableRequest* request,
                                v1::DescribeVariableResponse* response) override;
  grpc::Status TakeSnapshot(grpc::ServerContext* context, const v1::TakeSnapshotRequest* request,
                            v1::TakeSnapshotResponse* response) override;
  grpc::Status ListSnapshots(grpc::ServerContext* context, const v1::ListSnapshotsRequest* request,
                             v1::ListSnapshotsResponse* response) override;
  grpc::Status Rollback(grpc::ServerContext* context, const v1::RollbackRequest* request,
                        v1::RollbackResponse* response) override;
  grpc::Status ListWorkers(grpc::ServerContext* context, const v1::ListWorkersRequest* request,
                           v1::ListWorkersResponse* response) override;
  grpc::Status ListGroups(grpc::ServerContext* context, const v1::ListGroupsRequest* request,
                          v1::ListGroupsResponse* response) override;

 private:
  const ServiceContext context_;
};

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_RPC_ADMIN_H_
