// Wrong words, values and files given to the programs: an exit code, and one line with the cure.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <regex>

#include "proto/wire/protocol.h"
#include "tests/support/definition.h"
#include "tests/support/programs.h"
#include "tests/support/raw_worker.h"
#include "tests/support/sanitizer.h"
#include "tests/support/server_process.h"
#include "tests/support/temporary_directory.h"
#include "varscope/v1/types.pb.h"
#include "varscope/v1/worker.grpc.pb.h"
#include "varscope/varscope.h"

namespace varscope::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

using Words = std::vector<std::string>;

// A variable of the environment of the programs that start meanwhile.
class Environment {
 public:
  Environment(const char* name, const std::string& value) : name_(name) {
    setenv(name, value.c_str(), 1);
  }
  ~Environment() { unsetenv(name_); }
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

 private:
  const char* const name_;
};

struct Case {
  Words arguments;
  std::string cure;  // a part of the one line on standard error
};

void ExpectOneLine(const Finished& run, int code, const std::string& program, const Case& c) {
  const std::string shown = ::testing::PrintToString(c.arguments);
  EXPECT_EQ(run.code, code) << shown << run.error;
  EXPECT_EQ(run.output, "") << shown;
  EXPECT_THAT(run.error, AllOf(StartsWith(program + ": "), HasSubstr(c.cure))) << shown;
  EXPECT_EQ(std::count(run.error.begin(), run.error.end(), '\n'), 1) << shown << run.error;
}

Finished Ctl(const std::string& target, const Words& words) {
  return RunToEnd(CtlCommand(target, words));
}

TEST(CtlUsageTest, WrongWordsAndValues) {
  const std::vector<Case> cases = {
      {{}, "a command is missing, one of health, list, describe"},
      {{"lst"}, "no command 'lst'; did you mean 'list'?"},
      {{"lits", "model"}, "did you mean 'list'?"},
      {{"desc", "w"}, "did you mean 'describe'?"},
      {{"snapshto"}, "did you mean 'snapshot'?"},
      {{"rolback", "x"}, "did you mean 'rollback'?"},
      {{"explode"}, "no command 'explode' (varscopectl --help)"},
      {{"help", "lst"}, "no command 'lst'; did you mean 'list'?"},
      {{"--taget", "h:1", "list"}, "no flag --taget; did you mean '--target'?"},
      {{"list", "--time-out", "3"}, "no flag --time-out; did you mean '--timeout'?"},
      {{"import", "x.npz", "--creat"}, "did you mean '--create'?"},
      {{"list", "--timeout=soon"}, "--timeout: 'soon' is no number from"},
      {{"--timeout", "0", "list"}, "'0' is no number from 0.001 to 86400"},
      {{"--timeout", "-1", "list"}, "'-1' is no number"},
      {{"--timeout", "nan", "list"}, "'nan' is no number"},
      {{"--timeout", "inf", "list"}, "'inf' is no number"},
      {{"--timeout", "1e9", "list"}, "is no number"},
      {{"--target", "localhost", "list"}, "the port is missing, write HOST:PORT"},
      {{"--target", "http://h:7077", "list"}, "without http://"},
      {{"--target", "127.0.0.1:0", "list"}, "from 1 to 65535"},
      {{"--target", "", "list"}, "the port is missing"},
      {{"describe"}, "name is required"},
      {{"describe", "w:1"}, "'w:1' is no variable: its value is named 'w:0'"},
      {{"describe", "a", "b"}, "describe takes no further argument 'b'"},
      {{"export", "model.pt"}, "'.pt' is no format"},
      {{"export", "model.npy"}, "'.npy' is no format"},
      {{"export", ""}, "must not be empty"},
      {{"export", "folder/"}, "'folder/' has no file's name"},
      {{"export", "/tmp"}, "'/tmp' has no file's name"},
      {{"export", ".npz"}, "'.npz' has no file's name"},
      {{"export", "m.npz", "--rename", "nonsense"}, "'nonsense' is not STORE=FILE"},
      {{"export", "m.npz", "--rename", "=x"}, "'=x' is not STORE=FILE"},
      {{"export", "m.npz", "--rename", "x="}, "'x=' is not STORE=FILE"},
      {{"export", "m.npz", "--rename", "w:1=x"}, "'w:1' is no variable"},
      {{"export", "m.npz", "--scope", ""}, "must not be empty"},
      {{"export", "m.npz", "--scope", "w:1"}, "'w:1' is no variable"},
      {{"describe", ""}, "must not be empty"},
      {{"quarantine", "w", "--reason", ""}, "must not be empty"},
  };
  for (const Case& c : cases) {
    Words command = c.arguments;
    command.insert(command.begin(), Built("bin/varscopectl"));
    ExpectOneLine(RunToEnd(command), 2, "varscopectl", c);
  }
  const Environment target("VARSCOPE_TARGET", "nowhere");
  ExpectOneLine(RunToEnd({Built("bin/varscopectl"), "list"}), 2, "varscopectl",
                {{"list"}, "(from VARSCOPE_TARGET)"});
}

TEST(CtlUsageTest, HelpAndVersionInEveryForm) {
  const auto output = [](Words words) {
    words.insert(words.begin(), Built("bin/varscopectl"));
    const Finished run = RunToEnd(words);
    EXPECT_EQ(run.code, 0) << run.error;
    return run.output;
  };
  EXPECT_THAT(output({"help"}), AllOf(HasSubstr("describe"), HasSubstr("Exit codes")));
  EXPECT_EQ(output({"help"}), output({"--help"}));
  EXPECT_THAT(output({"help", "import"}), HasSubstr("--create"));
  EXPECT_THAT(output({"import", "--help"}), HasSubstr("--create"));
  EXPECT_THAT(output({"version"}), StartsWith("varscopectl 0."));
  EXPECT_EQ(output({"version"}), output({"--version"}));
}

TEST(CtlUsageTest, NobodyThere) {
  const TemporaryDirectory directory;
  const std::vector<Words> commands = {{"health"},
                                       {"list"},
                                       {"describe", "w"},
                                       {"workers"},
                                       {"groups"},
                                       {"snapshot"},
                                       {"snapshots"},
                                       {"rollback", "s"},
                                       {"quarantine", "w"},
                                       {"release", "w"},
                                       {"export", directory / "x.npz"},
                                       {"import", directory / "x.npz"}};
  for (const Words& command : commands) {
    ExpectOneLine(Ctl("127.0.0.1:1", command), 3, "varscopectl",
                  {command, "no varscoped answers at 127.0.0.1:1: connection refused"});
  }
}

class CtlCommandTest : public ::testing::Test {
 protected:
  CtlCommandTest() : graph_(server_.target(), {.worker_id = "maker"}), use_(graph_.as_default()) {
    const variable_scope scope("model");
    get_variable("w", {.shape = Shape{2}, .initializer = ones_initializer()});
    get_variable("bias", {.shape = Shape{}, .initializer = zeros_initializer()});
  }
  Finished Run(const Words& arguments) { return Ctl(server_.target(), arguments); }
  // Of a command that the server or a file makes impossible.
  void ExpectRefused(const Words& arguments, const std::string& cure) {
    ExpectOneLine(Run(arguments), 1, "varscopectl", {arguments, cure});
  }

  ServerProcess server_;
  Graph graph_;
  const decltype(graph_.as_default()) use_;
  const TemporaryDirectory directory_;
};

TEST_F(CtlCommandTest, NamesAsTensorFlowPrintsThem) {
  EXPECT_EQ(Run({"describe", "model/w:0"}).output, Run({"describe", "model/w"}).output);
  EXPECT_THAT(Run({"list", "model/w:0"}).output, HasSubstr("1 variables"));
  Session session;
  EXPECT_EQ(Summarize(session.read("model/w:0")), "[1 1]");
  EXPECT_THROW(session.read("model/w:1"), ValueError);
}

TEST_F(CtlCommandTest, WhatIsNotThere) {
  ExpectRefused({"describe", "model/v"}, "did you mean 'model/w'?");
  ExpectRefused({"describe", "modl/bias:0"}, "did you mean 'model/bias'?");
  ExpectRefused({"list", "nothing"}, "no variable's name starts with 'nothing'");
  ExpectRefused({"quarantine", "nobody"}, "no worker 'nobody'");
  ExpectRefused({"release", "nobody"}, "no worker 'nobody'");
  ExpectRefused({"rollback", "never"}, "");
  ExpectRefused({"snapshot"}, "");
  ExpectRefused({"import", directory_ / "none.npz"}, "there is no such file");
  ExpectRefused({"import", directory_ / "none.ckpt"}, "there is no such file");
  ExpectRefused({"export", directory_ / "no folder/x.npz"}, "No such file or directory");
  ExpectRefused({"export", directory_ / "no folder/x.safetensors"}, "No such file or directory");
  ExpectRefused({"export", directory_ / "no folder/x.ckpt"}, "No such file or directory");
  std::ofstream(directory_ / "model.h5") << "x";
  ExpectRefused({"import", directory_ / "model.h5"}, "no checkpoint that varscope reads");
  std::ofstream(directory_ / "text.npz") << "x";
  ExpectRefused({"import", directory_ / "text.npz"}, "it is no zip file");
  try {
    Session().read("model/v");
    ADD_FAILURE();
  } catch (const NotFoundError& error) {
    EXPECT_THAT(error.message(), HasSubstr("did you mean 'model/w'?"));
  }
}

TEST_F(CtlCommandTest, FiltersThatFitNothing) {
  const std::string path = directory_ / "x.npz";
  for (const Words& filter :
       {Words{"--scope", "nothing"}, Words{"--scope", "model", "--scope", "m"},
        Words{"--rename", "mdel=x"}, Words{"--scope", "mode"}}) {
    Words command = {"export", path};
    command.insert(command.end(), filter.begin(), filter.end());
    ExpectRefused(command, "the store has nothing that is");
    EXPECT_FALSE(std::filesystem::exists(path));
  }
  EXPECT_THAT(Run({"export", path, "--scope", "model/"}).output, HasSubstr("wrote 2 tensors"));
  ASSERT_EQ(Run({"export", path}).code, 0);
  ExpectRefused({"import", path, "--scope", "nothing"}, "x.npz has nothing that is 'nothing'");
  ExpectRefused({"import", path, "--scope", "model", "--scope", "modl"}, "did you mean");
  ExpectRefused({"import", path, "--rename", "a=b"}, "has nothing that is 'b'");
  ASSERT_EQ(Run({"export", path, "--rename", "model=other"}).code, 0);
  ExpectRefused({"import", path}, "left out 2, such as other/bias: the store has no such variable");
  EXPECT_EQ(Run({"import", path, "--scope", "model/w:0", "--rename", "model=other"}).code, 0);
}

// Every command that prints.
TEST_F(CtlCommandTest, AnOutputThatCannotBeWritten) {
  const std::string path = directory_ / "x.npz";
  const std::vector<Words> commands = {
      {"health"}, {"list"},    {"describe", "model/w"}, {"workers"}, {"groups"}, {"export", path},
      {"help"},   {"version"}, {"import", path},        {"--help"}};
  const int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
  const int error = open((directory_ / "error").c_str(), O_RDWR | O_CREAT | O_TRUNC, 0600);
  for (const Words& words : commands) {
    const Words command = CtlCommand(server_.target(), words);
    ASSERT_EQ(ftruncate(error, 0), 0);
    lseek(error, 0, SEEK_SET);
    EXPECT_EQ(Process(command, {.output = full, .error = error}).Wait(), 1) << command[3];
    std::string said(200, '\0');
    said.resize(pread(error, said.data(), said.size(), 0));
    EXPECT_THAT(said, HasSubstr("cannot write the output: No space left on device")) << command[3];
  }
  close(full);
  close(error);
}

TEST_F(CtlCommandTest, AsManyVariablesAsThereAre) {
  constexpr int kVariables = 100000;
  constexpr int kAtOnce = 5000;
  const RawWorker raw(server_.target(), "raw");
  for (int first = 0; first < kVariables; first += kAtOnce) {
    v1::ResolveRequest request;
    request.set_sequence(first + 1);
    for (int i = first; i < first + kAtOnce; ++i) {
      *request.add_definitions() = ZerosOf("many/" + std::string(300, 'n') + std::to_string(i), {});
    }
    v1::ResolveResponse response;
    const grpc::Status created = raw.Call(&v1::ParameterServer::Stub::Resolve, request, &response);
    ASSERT_TRUE(created.ok()) << created.error_message();
  }
  const Finished listed = Run({"list"});
  EXPECT_THAT(listed.output, HasSubstr(std::to_string(kVariables + 2) + " variables"))
      << listed.error;
  // The library lists them too.
  const Finished exported = Run({"export", directory_ / "w.npz", "--scope", "model/w"});
  EXPECT_THAT(exported.output, HasSubstr("wrote 1 tensors")) << exported.error;
}

TEST(HttpProxyTest, IsNotAsked) {
  const ServerProcess server;
  for (const char* name : {"http_proxy", "https_proxy", "grpc_proxy", "all_proxy"}) {
    const Environment proxy(name, "http://127.0.0.1:9");
    EXPECT_EQ(Ctl(server.target(), {"health"}).output, "serving\n") << name;
    EXPECT_NO_THROW(Graph(server.target(), {.timeout = std::chrono::seconds(5)})) << name;
  }
}

TEST(ServerUsageTest, WrongWordsAndValues) {
  const std::vector<Case> cases = {
      {{"--lisen", "x:1"}, "no flag --lisen; did you mean '--listen'?"},
      {{"--data-dri=/tmp"}, "no flag --data-dri; did you mean '--data-dir'?"},
      {{"serve"}, "'serve' is no flag"},
      {{"--listen", "127.0.0.1:99999"}, "'99999' is no port"},
      {{"--listen", "127.0.0.1"}, "the port is missing"},
      {{"--listen", ":7077"}, "0.0.0.0:PORT"},
      {{"--listen", "http://127.0.0.1:1"}, "without http://"},
      {{"--listen", "unix:"}, "the socket's path is missing"},
      {{"--listen", "unix:" + std::string(200, 'p')}, "at most 107"},
      {{"--listen", "::1:7077"}, "in brackets"},
      {{"--listen", "127.0.0.1:0", "--listen", ""}, "the port is missing"},
      {{"--listen", "127.0.0.1:7078", "--listen", "127.0.0.1:7078"}, "is there twice"},
      {{"--data-dir", ""}, "--data-dir: it must not be empty"},
      {{"--port-file", " "}, "--port-file: it must not be empty"},
      {{"--max-store-bytes", "0"}, "at least 1 byte"},
      {{"--max-store-bytes", "-1"}, "--max-store-bytes"},
      {{"--max-store-bytes", "many"}, "--max-store-bytes"},
      {{"--max-store-bytes", "1 parsec"}, "--max-store-bytes"},
      {{"--max-store-bytes", "99999999999999999999"}, "--max-store-bytes"},
      {{"--max-store-bytes", "99999999TiB"}, "--max-store-bytes"},
      {{"--max-variable-bytes", "0KiB"}, "--max-variable-bytes"},
      {{"--max-push-bytes", "0"}, "--max-push-bytes"},
      {{"--max-inflight-bytes", "0"}, "--max-inflight-bytes"},
      {{"--lease-seconds", "nan"}, "--lease-seconds: 'nan' is no number"},
      {{"--lease-seconds", "-1"}, "--lease-seconds"},
      {{"--lease-seconds", "1e-9"}, "--lease-seconds"},
      {{"--lease-seconds", "1e9"}, "--lease-seconds"},
      {{"--lease-seconds", ""}, "--lease-seconds"},
      {{"--grace-seconds", "soon"}, "--grace-seconds"},
      {{"--grace-seconds", "-1"}, "--grace-seconds"},
      {{"--stall-seconds", "1.5"}, "--stall-seconds"},
      {{"--snapshot-seconds", "99999999"}, "--snapshot-seconds"},
      {{"--snapshots-kept", "0"}, "--snapshots-kept"},
      {{"--shared-memory-streams", "-1"}, "--shared-memory-streams"},
      {{"--log-level", "loud"}, "--log-level"},
      {{"--durability", "always"}, "is not none, sync, or async"},
      {{"--durability", "sync"}, "needs a --data-dir"},
      {{"--sync", ""}, "--sync"},
      {{"--sync", "bps"}, "is none of async, bsp, ssp, local"},
      {{"--sync", "bsp:workers=0"}, "workers=0"},
      {{"--sync", "bsp:workers=2,workers=3"}, "workers is there twice"},
      {{"--sync", "bsp:workers=2,backup=2"}, "backup must be less than workers"},
      {{"--sync", "bsp:workers=2,quorum=3,deadline=1s"}, "quorum at most workers, which is 2"},
      {{"--sync", "async:clip_norm=inf"}, "clip_norm=inf"},
      {{"--sync", "async:clip_norm=nan"}, "clip_norm=nan"},
      {{"--sync", "async", "--sync", "bsp"}, "two modes for all variables"},
      {{"--sync", "m=async", "--sync", "m=bsp"}, "two modes for 'm'"},
      {{"--config", "/nowhere/varscoped.toml"}, "/nowhere/varscoped.toml"},
      {{"--config", ""}, "--config: it must not be empty"},
      {{"--ready-fd", "-5"}, "--ready-fd"},
      {{"--config", "/dev/null", "--config", "/dev/null"}, "--config"},
  };
  for (const Case& c : cases) {
    Words command = c.arguments;
    command.insert(command.begin(), Built("bin/varscoped"));
    // Whatever it listens on by mistake is no other test's.
    if (c.arguments[0] != "--listen") command.insert(command.end(), {"--listen", "127.0.0.1:0"});
    ExpectOneLine(RunToEnd(command), 2, "varscoped", c);
  }
}

TEST(ServerUsageTest, WrongConfigurationFiles) {
  const TemporaryDirectory directory;
  const std::string path = directory / "varscoped.toml";
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"data-dri = \"/var/lib/x\"\n", "no setting 'data-dri'; did you mean 'data-dir'?"},
      {"data_dir = \"/var/lib/x\"\n", "did you mean 'data-dir'?"},
      {"unheard-of = 1\n", "no setting 'unheard-of'"},
      {"[server]\nlease-seconds = 1\n", "no setting 'server.lease-seconds'"},
      {"lease-seconds = 1\nlease-seconds = 2\n", "--lease-seconds: At Most 1"},
      {"lease-seconds = 1\nlog-level = \"info\"\nlease-seconds = 2\n",
       "lease-seconds is there twice"},
      {"data-dir = \"\"\n", "--data-dir"},
      {"lease-seconds = \"long\"\n", "--lease-seconds: 'long' is no number"},
      {"listen = [\"127.0.0.1:0\", \"127.0.0.1:99999\"]\n", "'99999' is no port"},
      {"sync = \"bps\"\n", "is none of async, bsp"},
      {"max-store-bytes = 0\n", "--max-store-bytes"},
      {"config = \"other.toml\"\n", "config"},
      {"what is this\n", "no setting"},
  };
  for (const auto& [text, cure] : cases) {
    std::ofstream(path) << text;
    ExpectOneLine(
        RunToEnd({Built("bin/varscoped"), "--config", path, "--port-file", directory / "p"}), 2,
        "varscoped", {{text}, cure});
  }
}

TEST(ServerUsageTest, WrongEnvironments) {
  const std::vector<std::pair<const char*, const char*>> cases = {
      {"VARSCOPE_LISTEN", "127.0.0.1:0 127.0.0.1:99999"},
      {"VARSCOPE_LEASE_SECONDS", "long"},
      {"VARSCOPE_MAX_STORE_BYTES", "0"},
      {"VARSCOPE_SYNC", "bps"},
      {"VARSCOPE_SYNC", "async model=bsp:workers=0"},
      {"VARSCOPE_DURABILITY", "always"},
      {"VARSCOPE_LOG_LEVEL", "loud"},
      {"VARSCOPE_DATA_DIR", " "},
  };
  for (const auto& [name, value] : cases) {
    const Environment wrong(name, value);
    ExpectOneLine(RunToEnd({Built("bin/varscoped")}), 2, "varscoped",
                  {{name, value}, std::string("(from ") + name + ")"});
  }
}

TEST(ServerUsageTest, TheEnvironmentHoldsSeveralAddressesAndModes) {
  const TemporaryDirectory directory;
  const std::string socket = "unix:" + (directory / "s").string();
  const Environment listen("VARSCOPE_LISTEN", "127.0.0.1:0\n" + socket);
  const Environment sync("VARSCOPE_SYNC", "bsp:workers=2  model=ssp:bound=3");
  const Environment misspelt("VARSCOPE_DATA_DRI", "/nowhere");
  const Environment another("VARSCOPE_PORT", "tcp://10.0.0.1:7077");
  const std::string ready = directory / "port";
  const int error = open((directory / "log").c_str(), O_RDWR | O_CREAT, 0600);
  Process server({Built("bin/varscoped"), "--port-file", ready}, {.error = error});
  // Asks until it serves.
  const Graph worker(socket);
  const Finished groups = Ctl(socket, {"groups"});
  EXPECT_THAT(groups.output, AllOf(HasSubstr("bsp:workers=2"), HasSubstr("ssp:bound=3")));
  std::string log(4096, '\0');
  log.resize(pread(error, log.data(), log.size(), 0));
  EXPECT_THAT(log, HasSubstr("nothing reads VARSCOPE_DATA_DRI; did you mean 'VARSCOPE_DATA_DIR'?"));
  EXPECT_THAT(log, ::testing::Not(HasSubstr("VARSCOPE_PORT")));
  close(error);
}

// Of an address space half is for stacks and malloc's own, and half of the rest for the store.
TEST(ServerMemoryTest, IsAShareOfWhatTheProcessMayHave) {
  if (IsSanitized()) GTEST_SKIP() << "a sanitizer needs more address space";
  const TemporaryDirectory directory;
  const int error = open((directory / "log").c_str(), O_RDWR | O_CREAT, 0600);
  const std::string socket = "unix:" + (directory / "s").string();
  Process server({"/bin/sh", "-c", "ulimit -v 2097152 && exec \"$0\" --listen " + socket,
                  Built("bin/varscoped")},
                 {.error = error});
  const Graph worker(socket);
  std::string log(4096, '\0');
  log.resize(pread(error, log.data(), log.size(), 0));
  std::smatch megabytes;
  ASSERT_TRUE(std::regex_search(log, megabytes, std::regex("store up to ([0-9]+) MiB"))) << log;
  EXPECT_GT(std::stoi(megabytes[1]), 256);
  EXPECT_LE(std::stoi(megabytes[1]), 512);
  close(error);
}

}  // namespace
}  // namespace varscope::testing
