// The gRPC part of the server.
#ifndef VARSCOPE_SERVER_RPC_GRPC_SERVER_H_
#define VARSCOPE_SERVER_RPC_GRPC_SERVER_H_

#include <grpcpp/grpcpp.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "server/rpc/accept_loop.h"
#include "server/rpc/admin.h"
#include "server/rpc/call_queue.h"
#include "server/rpc/context.h"
#include "server/rpc/health.h"
#include "server/rpc/listen.h"
#include "server/rpc/service.h"

namespace varscope::server {

// Thread-safe.
class GrpcServer {
 public:
  // Serves both services of varscope.v1, health and reflection on each address, and on
  // context.local's target.
  static absl::StatusOr<std::unique_ptr<GrpcServer>> Start(
      const ServiceContext& context, const std::vector<std::string>& addresses);
  // Cuts off what is under way, and returns when nothing uses the context any more.
  ~GrpcServer();
  GrpcServer(const GrpcServer&) = delete;
  GrpcServer& operator=(const GrpcServer&) = delete;

  // One for each address; 0 for a Unix socket.
  const std::vector<int>& ports() const { return ports_; }
  // Of all Unix sockets, that of context.local among them: UnixNameOf.
  const std::vector<std::string>& unix_names() const { return unix_names_; }
  // What health says from now on; and no operator's call that waits for others begins.
  void StopServing() {
    health_.StopServing();
    admin_.Stop();
  }

 private:
  explicit GrpcServer(const ServiceContext& context)
      : service_(context), admin_(context), health_(context.durability) {}
  absl::Status Listen(const std::vector<std::string>& addresses, const std::string& local_target,
                      std::vector<shm::FileDescriptor>& sockets);

  ParameterServerService service_;
  AdminService admin_;
  HealthService health_;
  std::vector<int> ports_;
  std::vector<std::string> unix_names_;
  std::vector<Listening> unix_sockets_;  // their paths
  std::unique_ptr<grpc::Server> server_;
  std::optional<CallQueue> queue_;  // waits for the calls, which use all of the above
  std::unique_ptr<AcceptLoop> accepting_;
};

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_RPC_GRPC_SERVER_H_
