// varscopectl: asks a running server; looks at the directory of one that does not run.
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <functional>
#include <iostream>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "client/checkpoint/tensors.h"
#include "client/checkpoint/transfer.h"
#include "client/ctl/client.h"
#include "client/ctl/print.h"
#include "client/ctl/verify.h"
#include "proto/command_line/command_line.h"
#include "proto/naming/names.h"
#include "proto/tensor/nearest.h"
#include "proto/wire/address.h"
#include "varscope/errors.h"

namespace varscope::ctl {
namespace {

constexpr const char* kMore =
    "Exit codes: 0 fine, 1 the server refused, nothing was found, or the output cannot be "
    "written,\n"
    "            2 wrong usage, 3 no server answers";

using Stub = v1::Admin::Stub;

// What a command does: it prints to the stream and returns the exit code.
using Run = std::function<int(Client&, std::ostream&)>;

// A variable's name, also as TensorFlow writes its value, w:0.
std::string ReadVariable(std::string& text) {
  const absl::StatusOr<std::string> name = VariableOf(text);
  if (name.ok()) text = *name;
  return std::string(name.status().message());
}

// A scope's name, also as it begins the names in it, model/.
std::string ReadScope(std::string& text) {
  while (!text.empty() && text.back() == '/') text.pop_back();
  return text.empty() ? "it must not be empty" : "";
}

// Each adds one subcommand; `run` is set to what it does when the command line has it.
CommandLine& Command(CommandLine& line, const char* name, const char* about, Run& run, Run what) {
  return line.AddCommand(name, about, [&run, what = std::move(what)] { run = what; });
}

int List(Client& client, std::ostream& out, const std::string& prefix) {
  v1::ListVariablesRequest request;
  request.set_prefix(Utf8(prefix));
  v1::ListVariablesResponse response;
  const grpc::Status status =
      client.List(&Stub::ListVariables, request, &response, Patience::kLong);
  if (!status.ok()) return client.Failed(status);
  if (response.variables().empty() && !prefix.empty()) {
    return Refuse("no variable's name starts with '" + Printable(prefix) + "'");
  }
  PrintList(response, out);
  return kExitOk;
}

// The name of the store that is nearest to one that it has not; "" when none is near.
std::string NearestVariable(Client& client, const std::string& name) {
  v1::ListVariablesResponse all;
  client.List(&Stub::ListVariables, v1::ListVariablesRequest(), &all, Patience::kLong);
  std::vector<std::string> names;
  for (const v1::VariableInfo& variable : all.variables()) names.push_back(variable.name());
  return Nearest(name, names);
}

int Describe(Client& client, std::ostream& out, const std::string& name) {
  v1::DescribeVariableRequest request;
  request.set_name(Utf8(name));
  v1::DescribeVariableResponse response;
  const grpc::Status status =
      client.Send(&Stub::DescribeVariable, request, &response, Patience::kQuick);
  if (status.error_code() == grpc::StatusCode::NOT_FOUND) {
    return Refuse(status.error_message() + DidYouMean(NearestVariable(client, name)));
  }
  if (!status.ok()) return client.Failed(status);
  PrintDescription(response, out);
  return kExitOk;
}

void AddReading(CommandLine& line, std::string& name, Run& run) {
  Command(line, "health", "Does it serve?", run,
          [](Client& client, std::ostream& out) { return client.Health(out); });
  Command(line, "list", "Its variables: name, shape, version, creator", run,
          [&](Client& client, std::ostream& out) { return List(client, out, name); })
      .Add("prefix", &name, "Only names that start with this")
      .Read(ReadVariable);
  Command(line, "describe", "One variable and its slots", run,
          [&](Client& client, std::ostream& out) { return Describe(client, out, name); })
      .Add("name", &name, "Its name, such as model/w")
      .Required()
      .Read(ReadVariable)
      .NotEmpty();
  Command(line, "workers", "Who is connected, since when silent, what each waits for", run,
          [](Client& client, std::ostream& out) {
            v1::ListWorkersResponse response;
            const grpc::Status status = client.List(&Stub::ListWorkers, v1::ListWorkersRequest(),
                                                    &response, Patience::kQuick);
            if (!status.ok()) return client.Failed(status);
            PrintWorkers(response, out);
            return kExitOk;
          });
  Command(line, "groups", "How variables are synchronized, and what steps wait for", run,
          [](Client& client, std::ostream& out) {
            return client.Ask(&Stub::ListGroups, v1::ListGroupsRequest(),
                              [&](const v1::ListGroupsResponse& r) { PrintGroups(r, out); });
          });
}

void AddSnapshots(CommandLine& line, std::string& name, Run& run) {
  Command(line, "snapshot", "Write everything to its data directory now", run,
          [&](Client& client, std::ostream& out) {
            v1::TakeSnapshotRequest request;
            request.set_name(Utf8(name));
            return client.Change(
                "snapshot", &Stub::TakeSnapshot, request,
                [&](const v1::TakeSnapshotResponse& r) { out << r.path() << "\n"; });
          })
      .Add("name", &name, "Keep it under this name");
  Command(line, "snapshots", "Which there are", run, [](Client& client, std::ostream& out) {
    return client.Ask(&Stub::ListSnapshots, v1::ListSnapshotsRequest(),
                      [&](const v1::ListSnapshotsResponse& r) { PrintSnapshots(r, out); });
  });
  Command(line, "rollback", "Go back to a snapshot; every worker is fenced off and connects again",
          run,
          [&](Client& client, std::ostream& out) {
            v1::RollbackRequest request;
            request.set_name(Utf8(name));
            return client.Change(
                "rollback", &Stub::Rollback, request, [&](const v1::RollbackResponse& r) {
                  out << "rolled back to " << name << ", global step " << r.global_step() << "\n";
                });
          })
      .Add("name", &name, "As varscopectl snapshots lists it")
      .Required();
}

void AddQuarantine(CommandLine& line, std::string& name, std::string& reason, Run& run) {
  const auto set = [&name](Client& client, const char* what, const std::string& why) {
    v1::QuarantineRequest request;
    request.set_worker_id(Utf8(name));
    request.set_reason(Utf8(why));
    return client.Change(what, &Stub::Quarantine, request, [](const v1::QuarantineResponse&) {});
  };
  CommandLine& quarantine = Command(
      line, "quarantine", "Refuse a worker's pushes from now on", run,
      [&reason, set](Client& client, std::ostream&) { return set(client, "quarantine", reason); });
  quarantine.Add("worker", &name, "Its id").Required();
  quarantine.Add("--reason", &reason, "What the worker is told").NotEmpty().ShowDefault();
  Command(line, "release", "Take a worker's pushes again", run,
          [set](Client& client, std::ostream&) { return set(client, "release", ""); })
      .Add("worker", &name, "Its id")
      .Required();
}

std::pair<std::string, std::string> SplitRename(const std::string& text) {
  const size_t equals = text.find('=');
  if (equals == std::string::npos) return {text, ""};
  return {text.substr(0, equals), text.substr(equals + 1)};
}

// "model/w:0=w" becomes "model/w=w".
std::string ReadRename(std::string& text) {
  auto [store, file] = SplitRename(text);
  if (store.empty() || file.empty()) return "'" + Printable(text) + "' is not STORE=FILE";
  if (std::string wrong = ReadVariable(store); !wrong.empty()) return wrong;
  text = absl::StrCat(store, "=", file);
  return "";
}

// What export and import are told.
struct Transfer {
  std::string path;
  std::vector<std::string> renames;
  checkpoint::TransferOptions options;
};

// Returns the argument that is the path.
Argument AddTransferOptions(CommandLine& command, Transfer& transfer) {
  command
      .Add("--scope", &transfer.options.scopes,
           "This scope or variable of the store alone; repeatable")
      .Read(ReadScope)
      .Read(ReadVariable);
  command
      .Add("--rename", &transfer.renames,
           "STORE=FILE: what the store calls STORE, a scope or a variable, the checkpoint calls "
           "FILE; repeatable")
      .Read(ReadRename);
  return command
      .Add("path", &transfer.path,
           "model.safetensors, model.npz, or a TensorFlow checkpoint's prefix")
      .Required()
      .NotEmpty();
}

// Before a connection, which would wait for a server.
int Answers(Client& client) {
  std::ostringstream unseen;
  return client.Health(unseen) == kExitNoAnswer ? kExitNoAnswer : kExitOk;
}

checkpoint::TransferOptions OptionsOf(const Transfer& transfer) {
  checkpoint::TransferOptions options = transfer.options;
  for (const std::string& rename : transfer.renames) options.renames.push_back(SplitRename(rename));
  return options;
}

int Export(Client& client, std::ostream& out, const Transfer& transfer) {
  if (const int code = Answers(client); code != kExitOk) return code;
  internal::Connection store = client.Connect();
  const checkpoint::Transferred done =
      checkpoint::Export(store, transfer.path, OptionsOf(transfer));
  out << absl::StrFormat("wrote %d tensors, %d bytes, to %s\n", done.tensors, done.bytes,
                         transfer.path);
  return kExitOk;
}

int Import(Client& client, std::ostream& out, const Transfer& transfer) {
  if (const int code = Answers(client); code != kExitOk) return code;
  internal::Connection store = client.Connect();
  const checkpoint::Transferred done =
      checkpoint::Import(store, transfer.path, OptionsOf(transfer));
  out << absl::StrFormat("assigned %d tensors, %d bytes, from %s\n", done.tensors, done.bytes,
                         transfer.path);
  for (const std::string& skipped : done.skipped) {
    std::cerr << "varscopectl: skipped " << skipped << "\n";
  }
  return kExitOk;
}

// What names no file would become hidden ones, and what ends like a file of another kind two files
// of TensorFlow's.
std::string CheckFormat(const std::string& path) {
  const std::string how = ": write NAME.safetensors, NAME.npz, or NAME.ckpt for TensorFlow's";
  const std::filesystem::path file(path);
  const std::string name = file.filename();
  std::error_code unknown;
  if (name.empty() || name == ".safetensors" || name == ".npz" || name == ".ckpt" ||
      std::filesystem::is_directory(file, unknown)) {
    return "'" + path + "' has no file's name" + how;
  }
  const std::string extension = file.extension();
  const bool known = checkpoint::FormatOf(path) != checkpoint::Format::kTensorBundle ||
                     extension.empty() || extension.rfind(".ckpt", 0) == 0;
  return known ? "" : "'" + extension + "' is no format" + how;
}

void AddCheckpoints(CommandLine& line, Transfer& transfer, Run& run) {
  CommandLine& to =
      Command(line, "export", "Write variables to a checkpoint", run,
              [&](Client& client, std::ostream& out) { return Export(client, out, transfer); });
  AddTransferOptions(to, transfer).Check(CheckFormat);
  to.AddFlag("!--no-slots", &transfer.options.slots, "Without the optimizers' slots");
  CommandLine& from =
      Command(line, "import", "Assign a checkpoint's tensors to variables", run,
              [&](Client& client, std::ostream& out) { return Import(client, out, transfer); });
  AddTransferOptions(from, transfer);
  from.AddFlag("--create", &transfer.options.create,
               "Create variables that the store does not have");
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
  CommandLine line("varscopectl: asks a running varscoped; verify looks at one that is stopped.",
                   "varscopectl", kMore);
  const std::string version = absl::StrCat("varscopectl ", VARSCOPE_VERSION);
  line.AddVersion(version);
  line.Add("--target", &target, "The server's address: HOST:PORT or unix:PATH")
      .Check(ValidateTarget)
      .FromEnvironment()
      .ShowDefault();
  line.Add("--timeout", &timeout, "Seconds to wait for an answer [5; for what may take long, 60]")
      .Within(0.001, 86400);
  AddReading(line, name, run);
  AddSnapshots(line, name, run);
  AddQuarantine(line, name, reason, run);
  Transfer transfer;
  AddCheckpoints(line, transfer, run);
  std::function<int()> answer;  // what needs no server
  line.AddCommand("verify",
                  "What a stopped server's data directory holds, and whether all of it is whole",
                  [&] { answer = [&] { return Verify(name, out); }; })
      .Add("directory", &name, "The server's --data-dir")
      .Required()
      .NotEmpty();
  const auto help = [&] {
    const absl::Status shown = line.Help(name, out);
    return shown.ok() ? kExitOk
                      : Refuse(absl::StrCat(shown.message(), " (varscopectl --help)"), kExitUsage);
  };
  line.AddCommand("help", "What a command does and takes", [&] { answer = help; })
      .Add("command", &name, "Its name");
  line.AddCommand("version", "Which varscopectl this is", [&] {
    answer = [&] {
      out << version << "\n";
      return kExitOk;
    };
  });
  if (const std::optional<int> code = line.Parse(argc, argv, out)) return *code;
  if (answer) return answer();
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
