// varscope.v1.ParameterServer over gRPC's callback API: thin, each call one function or reactor.
#ifndef VARSCOPE_SERVER_RPC_SERVICE_H_
#define VARSCOPE_SERVER_RPC_SERVICE_H_

#include <grpcpp/grpcpp.h>

#include "server/rpc/calls.h"
#include "server/store/store.h"
#include "server/sync/barrier.h"
#include "server/sync/durability.h"
#include "server/sync/workers.h"
#include "varscope/v1/varscope.grpc.pb.h"

namespace varscope::server {

// The tensor streams are raw (byte buffers); everything else is ordinary protobuf.
using ServiceBase = v1::ParameterServer::WithRawCallbackMethod_Pull<
    v1::ParameterServer::WithRawCallbackMethod_Push<v1::ParameterServer::WithCallbackMethod_Connect<
        v1::ParameterServer::WithCallbackMethod_Resolve<
            v1::ParameterServer::WithCallbackMethod_Barrier<
                v1::ParameterServer::WithCallbackMethod_List<
                    v1::ParameterServer::WithCallbackMethod_Describe<
                        v1::ParameterServer::WithCallbackMethod_Snapshot<
                            v1::ParameterServer::Service>>>>>>>>;

struct ServiceLimits {
  uint64_t max_push_bytes = uint64_t{16} << 30;
  int max_definitions = 100000;  // in one Resolve; fits 20 bits, see ResolveAll
};

// Thread-safe. What it is given must outlive it.
class ParameterServerService final : public ServiceBase {
 public:
  ParameterServerService(Store& store, Workers& workers, Barriers& barriers, Durability& durability,
                         Calls& calls, ServiceLimits limits)
      : store_(store),
        workers_(workers),
        barriers_(barriers),
        durability_(durability),
        calls_(calls),
        limits_(limits) {}

  grpc::ServerUnaryReactor* Connect(grpc::CallbackServerContext* context,
                                    const v1::ConnectRequest* request,
                                    v1::ConnectResponse* response) override;
  grpc::ServerUnaryReactor* Resolve(grpc::CallbackServerContext* context,
                                    const v1::ResolveRequest* request,
                                    v1::ResolveResponse* response) override;
  grpc::ServerUnaryReactor* Barrier(grpc::CallbackServerContext* context,
                                    const v1::BarrierRequest* request,
                                    v1::BarrierResponse* response) override;
  grpc::ServerUnaryReactor* List(grpc::CallbackServerContext* context,
                                 const v1::ListRequest* request,
                                 v1::ListResponse* response) override;
  grpc::ServerUnaryReactor* Describe(grpc::CallbackServerContext* context,
                                     const v1::DescribeRequest* request,
                                     v1::DescribeResponse* response) override;
  grpc::ServerUnaryReactor* Snapshot(grpc::CallbackServerContext* context,
                                     const v1::SnapshotRequest* request,
                                     v1::SnapshotResponse* response) override;
  grpc::ServerWriteReactor<grpc::ByteBuffer>* Pull(grpc::CallbackServerContext* context,
                                                   const grpc::ByteBuffer* request) override;
  grpc::ServerReadReactor<grpc::ByteBuffer>* Push(grpc::CallbackServerContext* context,
                                                  grpc::ByteBuffer* response) override;

 private:
  Store& store_;
  Workers& workers_;
  Barriers& barriers_;
  Durability& durability_;
  Calls& calls_;
  const ServiceLimits limits_;
};

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_RPC_SERVICE_H_
