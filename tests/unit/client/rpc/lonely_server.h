// A gRPC server in this process, which nobody else can reach.
#ifndef VARSCOPE_TESTS_UNIT_CLIENT_RPC_LONELY_SERVER_H_
#define VARSCOPE_TESTS_UNIT_CLIENT_RPC_LONELY_SERVER_H_

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <memory>
#include <string>

#include "tests/support/temporary_directory.h"

namespace varscope::internal {

class LonelyServer {
 public:
  // `service` outlives it; null: it knows no method.
  explicit LonelyServer(grpc::Service* service = nullptr) {
    grpc::ServerBuilder builder;
    builder.AddListeningPort(target(), grpc::InsecureServerCredentials());
    if (service != nullptr) builder.RegisterService(service);
    server_ = builder.BuildAndStart();
  }
  ~LonelyServer() { server_->Shutdown(std::chrono::system_clock::now()); }

  std::string target() const { return "unix:" + (directory_ / "socket").string(); }
  std::shared_ptr<grpc::Channel> Connect() const {
    return grpc::CreateChannel(target(), grpc::InsecureChannelCredentials());
  }

 private:
  const testing::TemporaryDirectory directory_;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace varscope::internal

#endif  // VARSCOPE_TESTS_UNIT_CLIENT_RPC_LONELY_SERVER_H_
