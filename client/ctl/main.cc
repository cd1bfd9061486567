// varscopectl: asks a running daemon.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <functional>
#include <iostream>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "client/checkpoint/tensors.h"
#include "client/checkpoint/transfer.h"
#include "client/ctl/client.h"
#include "client/ctl/print.h"
#include "proto/command_line/usage.h"
#include "proto/core/address.h"
#include "proto/core/names.h"
#include "proto/core/nearest.h"
#include "varscope/errors.h"

namespace varscope::ctl {
namespace {

constexpr const char* kMore =
    "Exit codes: 0 fine, 1 the daemon refused, nothing was found, or the output cannot be "
    "written,\n"
    "            2 wrong usage, 3 no daemon answers";

using Stub = v1::ParameterServer::Stub;

// What a command does: it prints to the stream and returns the exit code.
using Run = std::function<int(Client&, std::ostream&)>;

int Refuse(const std::string& why) {
  std::cerr << "varscopectl: " << why << "\n";
  return kExitRefused;
}

// A variable's name, also as TensorFlow writes its value, w:0.
CLI::Validator VariableName() {
  const auto read = [](std::string& text) {
    const absl::StatusOr<std::string> name = VariableOf(text);
    if (name.ok()) text = *name;
    return std::string(name.status().message());
  };
  return CLI::Validator(read, "");
}

// A scope's name, also as it begins the names in it, model/.
CLI::Validator ScopeName() {
  const auto read = [](std::string& text) {
    while (!text.empty() && text.back() == '/') text.pop_back();
    return std::string(text.empty() ? "it must not be empty" : "");
  };
  return CLI::Validator(read, "");
}

// Each adds one subcommand; `run` is set to what it does when the command line has it.
CLI::App* Command(CLI::App& app, const char* name, const char* about, Run& run, Run what) {
  CLI::App* const command = app.add_subcommand(name, about);
  command->callback([&run, what = std::move(what)] { run = what; });
  return command;
}

int List(Client& client, std::ostream& out, const std::string& prefix) {
  v1::ListRequest request;
  request.set_prefix(prefix);
  v1::ListResponse response;
  const grpc::Status status = client.Send(&Stub::List, request, &response, Patience::kLong);
  if (!status.ok()) return client.Failed(status);
  if (response.variables().empty() && !prefix.empty()) {
    return Refuse("no variable's name starts with '" + Printable(prefix) + "'");
  }
  PrintList(response, out);
  return kExitOk;
}

// The name of the store that is nearest to one that it has not; "" when none is near.
std::string NearestVariable(Client& client, const std::string& name) {
  v1::ListResponse all;
  client.Send(&Stub::List, v1::ListRequest(), &all, Patience::kLong);
  std::vector<std::string> names;
  for (const v1::VariableInfo& variable : all.variables()) names.push_back(variable.name());
  return Nearest(name, names);
}

int Describe(Client& client, std::ostream& out, const std::string& name) {
  v1::DescribeRequest request;
  request.set_name(name);
  v1::DescribeResponse response;
  const grpc::Status status = client.Send(&Stub::Describe, request, &response, Patience::kQuick);
  if (status.error_code() == grpc::StatusCode::NOT_FOUND) {
    return Refuse(status.error_message() + DidYouMean(NearestVariable(client, name)));
  }
  if (!status.ok()) return client.Failed(status);
  PrintDescription(response, out);
  return kExitOk;
}

void AddReading(CLI::App& app, std::string& name, Run& run) {
  Command(app, "health", "Does it serve?", run,
          [](Client& client, std::ostream& out) { return client.Health(out); });
  Command(app, "list", "Its variables: name, shape, version, definer", run,
          [&](Client& client, std::ostream& out) { return List(client, out, name); })
      ->add_option("prefix", name, "Only names that start with this")
      ->transform(VariableName());
  Command(app, "describe", "One variable and its slots", run,
          [&](Client& client, std::ostream& out) { return Describe(client, out, name); })
      ->add_option("name", name, "Its name, such as model/w")
      ->required()
      ->transform(VariableName())
      ->check(NotEmpty());
  Command(app, "workers", "Who is connected, since when silent, what each waits for", run,
          [](Client& client, std::ostream& out) {
            return client.Ask(&Stub::ListWorkers, v1::ListWorkersRequest(),
                              [&](const v1::ListWorkersResponse& r) { PrintWorkers(r, out); });
          });
  Command(app, "groups", "How variables are synchronized, and what steps wait for", run,
          [](Client& client, std::ostream& out) {
            return client.Ask(&Stub::ListGroups, v1::ListGroupsRequest(),
                              [&](const v1::ListGroupsResponse& r) { PrintGroups(r, out); });
          });
}

void AddSnapshots(CLI::App& app, std::string& name, Run& run) {
  Command(app, "snapshot", "Write everything to its data directory now", run,
          [&](Client& client, std::ostream& out) {
            v1::SnapshotRequest request;
            request.set_name(name);
            return client.Change("snapshot", &Stub::Snapshot, request,
                                 [&](const v1::SnapshotResponse& r) { out << r.path() << "\n"; });
          })
      ->add_option("name", name, "Keep it under this name");
  Command(app, "snapshots", "Which there are", run, [](Client& client, std::ostream& out) {
    return client.Ask(&Stub::ListSnapshots, v1::ListSnapshotsRequest(),
                      [&](const v1::ListSnapshotsResponse& r) { PrintSnapshots(r, out); });
  });
  Command(app, "rollback", "Go back to a snapshot; every worker is told", run,
          [&](Client& client, std::ostream& out) {
            v1::RollbackRequest request;
            request.set_name(name);
            return client.Change(
                "rollback", &Stub::Rollback, request, [&](const v1::RollbackResponse& r) {
                  out << "rolled back to " << name << ", global step " << r.global_step() << "\n";
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
              [&reason, set](Client& client, std::ostream&) { return set(client, reason); });
  quarantine->add_option("worker", name, "Its id")->required();
  quarantine->add_option("--reason", reason, "What the worker is told")
      ->check(NotEmpty())
      ->capture_default_str();
  Command(app, "release", "Take a worker's pushes again", run,
          [set](Client& client, std::ostream&) { return set(client, ""); })
      ->add_option("worker", name, "Its id")
      ->required();
}

std::pair<std::string, std::string> ReadRename(const std::string& text) {
  const size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0 || equals + 1 == text.size()) {
    throw CLI::ValidationError("--rename", "'" + Printable(text) + "' is not STORE=FILE");
  }
  std::string store = text.substr(0, equals);
  if (const std::string wrong = VariableName()(store); !wrong.empty()) {
    throw CLI::ValidationError("--rename", wrong);
  }
  return {store, text.substr(equals + 1)};
}

void AddTransferOptions(CLI::App* command, std::string& path,
                        checkpoint::TransferOptions& options) {
  command
      ->add_option("path", path,
                   "model.safetensors, model.npz, or a TensorFlow checkpoint's prefix")
      ->required()
      ->check(NotEmpty());
  command
      ->add_option("--scope", options.scopes,
                   "This scope or variable of the store alone; repeatable")
      ->transform(ScopeName())
      ->transform(VariableName());
  command->add_option_function<std::vector<std::string>>(
      "--rename",
      [&options](const std::vector<std::string>& renames) {
        for (const std::string& rename : renames) options.renames.push_back(ReadRename(rename));
      },
      "STORE=FILE: what the store calls STORE, a scope or a variable, the checkpoint calls "
      "FILE; repeatable");
}

// Before a connection, which would wait for a daemon.
int Answers(Client& client) {
  std::ostringstream unseen;
  return client.Health(unseen) == kExitNoAnswer ? kExitNoAnswer : kExitOk;
}

int Export(Client& client, std::ostream& out, const std::string& path,
           const checkpoint::TransferOptions& options) {
  if (const int code = Answers(client); code != kExitOk) return code;
  internal::Connection store = client.Connect();
  const checkpoint::Transferred done = checkpoint::Export(store, path, options);
  out << absl::StrFormat("wrote %d tensors, %d bytes, to %s\n", done.tensors, done.bytes, path);
  return kExitOk;
}

int Import(Client& client, std::ostream& out, const std::string& path,
           const checkpoint::TransferOptions& options) {
  if (const int code = Answers(client); code != kExitOk) return code;
  internal::Connection store = client.Connect();
  const checkpoint::Transferred done = checkpoint::Import(store, path, options);
  out << absl::StrFormat("assigned %d tensors, %d bytes, from %s\n", done.tensors, done.bytes,
                         path);
  for (const std::string& skipped : done.skipped) {
    std::cerr << "varscopectl: skipped " << skipped << "\n";
  }
  return kExitOk;
}

// What ends like a file of another kind would become two files of TensorFlow's.
std::string CheckFormat(const std::string& path) {
  const std::string extension = std::filesystem::path(path).extension();
  const bool known = checkpoint::FormatOf(path) != checkpoint::Format::kTensorBundle ||
                     extension.empty() || extension.rfind(".ckpt", 0) == 0;
  if (known) return "";
  return "'" + extension +
         "' is no format: write NAME.safetensors, NAME.npz, or NAME.ckpt for TensorFlow's";
}

void AddCheckpoints(CLI::App& app, std::string& path, checkpoint::TransferOptions& options,
                    Run& run) {
  CLI::App* const to = Command(
      app, "export", "Write variables to a checkpoint", run,
      [&](Client& client, std::ostream& out) { return Export(client, out, path, options); });
  AddTransferOptions(to, path, options);
  to->get_option("path")->check(CheckFormat);
  to->add_flag("!--no-slots", options.slots, "Without the optimizers' slots");
  CLI::App* const from = Command(
      app, "import", "Assign a checkpoint's tensors to variables", run,
      [&](Client& client, std::ostream& out) { return Import(client, out, path, options); });
  AddTransferOptions(from, path, options);
  from->add_flag("--create", options.create, "Create variables that the store does not have");
}

std::vector<std::string> CommandNames(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands({})) names.push_back(command->get_name());
  return names;
}

[[noreturn]] void ThrowWithoutCommand(const CLI::App& app) {
  throw CLI::RequiredError("a command is missing, one of " + absl::StrJoin(CommandNames(app), ", "),
                           CLI::ExitCodes::RequiredError);
}

// Of one command; without a name, of all.
std::string HelpOf(const CLI::App& app, const std::string& command) {
  // Not app.help(), which is that of the command `help`.
  if (command.empty()) {
    return app.get_formatter()->make_help(&app, app.get_name(), CLI::AppFormatMode::Normal);
  }
  const std::vector<std::string> names = CommandNames(app);
  if (std::find(names.begin(), names.end(), command) != names.end()) {
    return app.get_subcommand(command)->help("varscopectl");
  }
  throw CLI::ValidationError("there is no command '" + Printable(command) + "'" +
                             DidYouMean(Nearest(command, names)));
}

// All of it, or the exit code says so.
int WriteOut(const std::string& text, int code) {
  for (size_t written = 0; written < text.size();) {
    const ssize_t n = write(STDOUT_FILENO, text.data() + written, text.size() - written);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return Refuse(absl::StrCat("cannot write the output: ", std::strerror(errno)));
    written += static_cast<size_t>(n);
  }
  return code;
}

// What the command line asks for, printed to `out`. Returns the exit code.
int Main(int argc, char** argv, std::ostream& out) {
  std::string target = "127.0.0.1:7077";
  std::optional<double> timeout;
  std::string name;
  std::string reason = "by the operator";
  Run run;
  CLI::App app("varscopectl: asks a running varscoped.", "varscopectl");
  app.footer(kMore);
  const std::string version = absl::StrCat("varscopectl ", VARSCOPE_VERSION);
  app.set_version_flag("--version", version);
  app.add_option("--target", target, "The daemon's address: HOST:PORT or unix:PATH")
      ->check(Passes(ValidateTarget))
      ->envname("VARSCOPE_TARGET")
      ->capture_default_str();
  app.add_option("--timeout", timeout,
                 "Seconds to wait for an answer [5; for what may take long, 60]")
      ->check(NumberWithin(0.001, 86400));
  app.require_subcommand(0, 1);
  app.fallthrough();
  AddReading(app, name, run);
  AddSnapshots(app, name, run);
  AddQuarantine(app, name, reason, run);
  checkpoint::TransferOptions transfer;
  AddCheckpoints(app, name, transfer, run);
  CLI::App* const help = app.add_subcommand("help", "What a command does and takes");
  help->add_option("command", name, "Its name");
  const CLI::App* const which = app.add_subcommand("version", "Which varscopectl this is");
  try {
    app.parse(argc, argv);
    if (which->parsed()) throw CLI::CallForVersion(version, 0);
    if (help->parsed()) {
      out << HelpOf(app, name);
      return kExitOk;
    }
    if (!run) ThrowWithoutCommand(app);
  } catch (const CLI::ParseError& error) {
    return Exit(app, error, out, kExitUsage);
  }
  Client client(target, timeout);
  return run(client, out);
}

}  // namespace
}  // namespace varscope::ctl

int main(int argc, char** argv) {
  using namespace varscope::ctl;
  std::ostringstream out;
  int code = kExitRefused;
  try {
    code = Main(argc, argv, out);
  } catch (const varscope::UnavailableError& error) {
    Refuse(error.what());
    code = kExitNoAnswer;
  } catch (const varscope::DeadlineExceededError& error) {
    Refuse(std::string(error.what()) + "; what was asked may still happen, --timeout waits longer");
    code = kExitNoAnswer;
  } catch (const std::exception& error) {
    Refuse(error.what());
  }
  return WriteOut(out.str(), code);
}
