// varscopectl: asks a running daemon.
#include <grpcpp/grpcpp.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <functional>
#include <iostream>

#include "absl/strings/str_format.h"
#include "client/checkpoint/transfer.h"
#include "client/ctl/print.h"
#include "client/rpc/connection.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "varscope/errors.h"
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
    int exit_code = kExitRefused;
    const int asked = Ask<grpc::health::v1::Health>(
        &grpc::health::v1::Health::Stub::Check, grpc::health::v1::HealthCheckRequest(),
        [&](const grpc::health::v1::HealthCheckResponse& response) {
          const bool serving = response.status() == response.SERVING;
          std::cout << (serving ? "serving" : "not serving") << "\n";
          exit_code = serving ? kExitOk : kExitRefused;
        });
    return asked == kExitOk ? exit_code : asked;
  }

  // Sends one request and gives the answer to `print`. Returns the exit code.
  template <typename Service = v1::ParameterServer, typename Method, typename Request,
            typename Print>
  int Ask(Method method, const Request& request, Print print) {
    const auto stub = Service::NewStub(channel_);
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + timeout_);
    return Call(*stub, method, context, request, std::function(print));
  }

 private:
  template <typename Stub, typename Method, typename Request, typename Response>
  int Call(Stub& stub, Method method, grpc::ClientContext& context, const Request& request,
           const std::function<void(const Response&)>& print) {
    Response response;
    const grpc::Status status = (stub.*method)(&context, request, &response);
    if (!status.ok()) return Failed(status);
    print(response);
    return kExitOk;
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

using Stub = v1::ParameterServer::Stub;

// Each adds one subcommand; `run` is set to what it does when the command line has it.
using Run = std::function<int(Client&)>;

CLI::App* Command(CLI::App& app, const char* name, const char* about, Run& run, Run what) {
  CLI::App* const command = app.add_subcommand(name, about);
  command->callback([&run, what = std::move(what)] { run = what; });
  return command;
}

void AddReading(CLI::App& app, std::string& name, Run& run) {
  Command(app, "health", "Does it serve?", run, [](Client& client) { return client.Health(); });
  Command(app, "list", "Its variables: name, shape, version, definer", run, [&](Client& client) {
    v1::ListRequest request;
    request.set_prefix(name);
    return client.Ask(&Stub::List, request,
                      [](const v1::ListResponse& r) { PrintList(r, std::cout); });
  })->add_option("prefix", name, "Only names that start with this");
  Command(app, "describe", "One variable and its slots", run,
          [&](Client& client) {
            v1::DescribeRequest request;
            request.set_name(name);
            return client.Ask(&Stub::Describe, request, [](const v1::DescribeResponse& r) {
              PrintDescription(r, std::cout);
            });
          })
      ->add_option("name", name, "Its name, such as model/w")
      ->required();
  Command(app, "workers", "Who is connected, since when silent, what each waits for", run,
          [](Client& client) {
            return client.Ask(&Stub::ListWorkers, v1::ListWorkersRequest(),
                              [](const v1::ListWorkersResponse& r) { PrintWorkers(r, std::cout); });
          });
  Command(app, "groups", "How variables are synchronized, and what steps wait for", run,
          [](Client& client) {
            return client.Ask(&Stub::ListGroups, v1::ListGroupsRequest(),
                              [](const v1::ListGroupsResponse& r) { PrintGroups(r, std::cout); });
          });
}

void AddSnapshots(CLI::App& app, std::string& name, Run& run) {
  Command(app, "snapshot", "Write everything to its data directory now", run, [&](Client& client) {
    v1::SnapshotRequest request;
    request.set_name(name);
    return client.Ask(&Stub::Snapshot, request,
                      [](const v1::SnapshotResponse& r) { std::cout << r.path() << "\n"; });
  })->add_option("name", name, "Keep it under this name");
  Command(app, "snapshots", "Which there are", run, [](Client& client) {
    return client.Ask(&Stub::ListSnapshots, v1::ListSnapshotsRequest(),
                      [](const v1::ListSnapshotsResponse& r) { PrintSnapshots(r, std::cout); });
  });
  Command(app, "rollback", "Go back to a snapshot; every worker is told", run,
          [&](Client& client) {
            v1::RollbackRequest request;
            request.set_name(name);
            return client.Ask(&Stub::Rollback, request, [&](const v1::RollbackResponse& r) {
              std::cout << "rolled back to " << name << ", global step " << r.global_step() << "\n";
            });
          })
      ->add_option("name", name, "As varscopectl snapshots lists it")
      ->required();
}

void AddQuarantine(CLI::App& app, std::string& name, std::string& reason, Run& run) {
  const auto set = [&name](Client& client, const std::string& why) {
    v1::QuarantineRequest request;
    request.set_worker_id(name);
    request.set_reason(why);
    return client.Ask(&Stub::Quarantine, request, [](const v1::QuarantineResponse&) {});
  };
  CLI::App* const quarantine =
      Command(app, "quarantine", "Refuse a worker's pushes from now on", run,
              [&reason, set](Client& client) { return set(client, reason); });
  quarantine->add_option("worker", name, "Its id")->required();
  quarantine->add_option("--reason", reason, "What the worker is told")->capture_default_str();
  Command(app, "release", "Take a worker's pushes again", run,
          [set](Client& client) { return set(client, ""); })
      ->add_option("worker", name, "Its id")
      ->required();
}

// A connection as a worker of its own, for what a checkpoint needs.
internal::Connection Connect(const std::string& target, double timeout) {
  return {target,
          {.worker_id = absl::StrCat("varscopectl-", getpid()),
           .timeout = std::chrono::milliseconds(static_cast<int64_t>(timeout * 1000))}};
}

void AddTransferOptions(CLI::App* command, std::string& path,
                        checkpoint::TransferOptions& options) {
  command
      ->add_option("path", path,
                   "model.safetensors, model.npz, or a TensorFlow checkpoint's prefix")
      ->required();
  command->add_option("--scope", options.scopes,
                      "This scope or variable of the store alone; repeatable");
  command->add_option_function<std::vector<std::string>>(
      "--rename",
      [&options](const std::vector<std::string>& renames) {
        for (const std::string& rename : renames) {
          const size_t equals = rename.find('=');
          if (equals == std::string::npos) {
            throw CLI::ValidationError("--rename", "'" + rename + "' is not STORE=FILE");
          }
          options.renames.emplace_back(rename.substr(0, equals), rename.substr(equals + 1));
        }
      },
      "STORE=FILE: what the store calls STORE, a scope or a variable, the checkpoint calls "
      "FILE; repeatable");
}

void AddCheckpoints(CLI::App& app, const std::string& target, const double& timeout,
                    std::string& path, checkpoint::TransferOptions& options, Run& run) {
  CLI::App* const out =
      Command(app, "export", "Write variables to a checkpoint", run, [&](Client&) {
        internal::Connection store = Connect(target, timeout);
        const checkpoint::Transferred done = checkpoint::Export(store, path, options);
        std::cout << absl::StrFormat("wrote %d tensors, %d bytes, to %s\n", done.tensors,
                                     done.bytes, path);
        return kExitOk;
      });
  AddTransferOptions(out, path, options);
  out->add_flag("!--no-slots", options.slots, "Without the optimizers' slots");
  CLI::App* const in =
      Command(app, "import", "Assign a checkpoint's tensors to variables", run, [&](Client&) {
        internal::Connection store = Connect(target, timeout);
        const checkpoint::Transferred done = checkpoint::Import(store, path, options);
        std::cout << absl::StrFormat("assigned %d tensors, %d bytes, from %s\n", done.tensors,
                                     done.bytes, path);
        for (const std::string& name : done.skipped) {
          std::cout << "skipped " << name << ": the store has no such variable (--create)\n";
        }
        return kExitOk;
      });
  AddTransferOptions(in, path, options);
  in->add_flag("--create", options.create, "Create variables that the store does not have");
}

int Main(int argc, char** argv) {
  std::string target = "127.0.0.1:7077";
  double timeout = 5;
  std::string name;
  std::string reason = "by the operator";
  Run run;
  CLI::App app("varscopectl: asks a running varscoped.");
  app.footer(kMore);
  app.add_option("--target", target, "The daemon's address")
      ->envname("VARSCOPE_TARGET")
      ->capture_default_str();
  app.add_option("--timeout", timeout, "Seconds to wait for an answer")->capture_default_str();
  app.require_subcommand(1);
  app.fallthrough();
  AddReading(app, name, run);
  AddSnapshots(app, name, run);
  AddQuarantine(app, name, reason, run);
  checkpoint::TransferOptions transfer;
  AddCheckpoints(app, target, timeout, name, transfer, run);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kExitOk : kExitUsage;
  }
  Client client(target, timeout);
  try {
    return run(client);
  } catch (const UnavailableError& error) {
    std::cerr << "varscopectl: " << error.what() << "\n";
    return kExitNoAnswer;
  } catch (const Error& error) {
    std::cerr << "varscopectl: " << error.what() << "\n";
    return kExitRefused;
  }
}

}  // namespace
}  // namespace varscope::ctl

int main(int argc, char** argv) { return varscope::ctl::Main(argc, argv); }
