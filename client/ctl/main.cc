// varscopectl: asks a running daemon.
#include <grpcpp/grpcpp.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <iostream>

#include "absl/strings/str_format.h"
#include "client/ctl/print.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "varscope/v1/varscope.grpc.pb.h"

namespace varscope::ctl {
namespace {

constexpr int kExitOk = 0;
constexpr int kExitRefused = 1;   // the daemon answered with an error
constexpr int kExitNoAnswer = 3;  // nobody answers
constexpr const char* kMore =
    "Exit codes: 0 fine, 1 the daemon refused, 2 wrong usage, 3 no daemon answers";
constexpr int kExitUsage = 2;

class Client {
 public:
  Client(const std::string& target, double timeout)
      : target_(target),
        timeout_(std::chrono::duration_cast<std::chrono::milliseconds>(
            std::chrono::duration<double>(timeout))),
        channel_(grpc::CreateChannel(target, grpc::InsecureChannelCredentials())) {}

  int Health() {
    grpc::health::v1::HealthCheckResponse response;
    const auto stub = grpc::health::v1::Health::NewStub(channel_);
    const grpc::Status status = Call([&](grpc::ClientContext* context) {
      return stub->Check(context, grpc::health::v1::HealthCheckRequest(), &response);
    });
    if (!status.ok()) return Failed(status);
    const bool serving = response.status() == grpc::health::v1::HealthCheckResponse::SERVING;
    std::cout << (serving ? "serving" : "not serving") << "\n";
    return serving ? kExitOk : kExitRefused;
  }

  int List(const std::string& prefix) {
    v1::ListRequest request;
    request.set_prefix(prefix);
    v1::ListResponse response;
    const auto stub = v1::ParameterServer::NewStub(channel_);
    const grpc::Status status =
        Call([&](grpc::ClientContext* context) { return stub->List(context, request, &response); });
    if (!status.ok()) return Failed(status);
    PrintList(response, std::cout);
    return kExitOk;
  }

  int Snapshot() {
    v1::SnapshotResponse response;
    const auto stub = v1::ParameterServer::NewStub(channel_);
    const grpc::Status status = Call([&](grpc::ClientContext* context) {
      return stub->Snapshot(context, v1::SnapshotRequest(), &response);
    });
    if (!status.ok()) return Failed(status);
    std::cout << response.path() << "\n";
    return kExitOk;
  }

  int Describe(const std::string& name) {
    v1::DescribeRequest request;
    request.set_name(name);
    v1::DescribeResponse response;
    const auto stub = v1::ParameterServer::NewStub(channel_);
    const grpc::Status status = Call(
        [&](grpc::ClientContext* context) { return stub->Describe(context, request, &response); });
    if (!status.ok()) return Failed(status);
    PrintDescription(response, std::cout);
    return kExitOk;
  }

 private:
  template <typename Fn>
  grpc::Status Call(Fn fn) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + timeout_);
    return fn(&context);
  }

  int Failed(const grpc::Status& status) const {
    const bool silent = status.error_code() == grpc::StatusCode::UNAVAILABLE ||
                        status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED;
    if (silent) {
      std::cerr << absl::StrFormat("varscopectl: no varscoped answers at %s: %s\n", target_,
                                   status.error_message());
      return kExitNoAnswer;
    }
    std::cerr << "varscopectl: " << status.error_message() << "\n";
    return kExitRefused;
  }

  const std::string target_;
  const std::chrono::milliseconds timeout_;
  const std::shared_ptr<grpc::Channel> channel_;
};

int Main(int argc, char** argv) {
  std::string target = "127.0.0.1:7077";
  double timeout = 5;
  std::string prefix;
  std::string name;
  CLI::App app("varscopectl: asks a running varscoped.");
  app.footer(kMore);
  app.add_option("--target", target, "The daemon's address")
      ->envname("VARSCOPE_TARGET")
      ->capture_default_str();
  app.add_option("--timeout", timeout, "Seconds to wait for an answer")->capture_default_str();
  app.require_subcommand(1);
  app.fallthrough();
  CLI::App* const health = app.add_subcommand("health", "Does it serve?");
  CLI::App* const list = app.add_subcommand("list", "Its variables: name, shape, version, definer");
  list->add_option("prefix", prefix, "Only names that start with this");
  CLI::App* const snapshot =
      app.add_subcommand("snapshot", "Write everything to its data directory now");
  CLI::App* const describe = app.add_subcommand("describe", "One variable and its slots");
  describe->add_option("name", name, "Its name, such as model/w")->required();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kExitOk : kExitUsage;
  }
  Client client(target, timeout);
  if (*health) return client.Health();
  if (*list) return client.List(prefix);
  if (*snapshot) return client.Snapshot();
  return client.Describe(name);
}

}  // namespace
}  // namespace varscope::ctl

int main(int argc, char** argv) { return varscope::ctl::Main(argc, argv); }
