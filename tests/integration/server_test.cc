// The programs as their users run them: flags, configuration, signals, exit codes, health.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

#include "tests/support/programs.h"
#include "tests/support/server_process.h"
#include "varscope/varscope.h"

namespace varscope::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(ServerTest, HelpTeaches) {
  const Finished help = RunToEnd({Built("bin/varscoped"), "--help"});
  EXPECT_EQ(help.code, 0);
  EXPECT_THAT(help.output, AllOf(HasSubstr("--listen"), HasSubstr("Examples:"),
                                 HasSubstr("Exit codes:"), HasSubstr("VARSCOPE_LISTEN")));
  EXPECT_THAT(RunToEnd({Built("bin/varscoped"), "--version"}).output, HasSubstr("varscoped 0."));
}

TEST(ServerTest, WrongUsageSaysWhatIsWrong) {
  const Finished flag = RunToEnd({Built("bin/varscoped"), "--lisen", "x"});
  EXPECT_EQ(flag.code, 2);
  EXPECT_THAT(flag.error, HasSubstr("--lisen"));
  EXPECT_EQ(RunToEnd({Built("bin/varscoped"), "--grace-seconds", "soon"}).code, 2);
  EXPECT_EQ(RunToEnd({Built("bin/varscoped"), "--config", "/nowhere/varscoped.toml"}).code, 2);
  const Finished address = RunToEnd({Built("bin/varscoped"), "--listen", "nowhere.invalid:1"});
  EXPECT_EQ(address.code, 1);
  EXPECT_THAT(address.error, HasSubstr("cannot listen on nowhere.invalid:1"));
}

TEST(ServerTest, ATakenPortIsAnError) {
  const ServerProcess first;
  const Finished second = RunToEnd({Built("bin/varscoped"), "--listen", first.target()});
  EXPECT_EQ(second.code, 1);
  EXPECT_THAT(second.error, HasSubstr("is it in use"));
}

TEST(ServerTest, SigtermAndSigintStopItCleanly) {
  for (int signal : {SIGTERM, SIGINT}) {
    ServerProcess server;
    server.process().Signal(signal);
    EXPECT_EQ(server.process().Wait(), 0);
  }
}

TEST(ServerTest, StoppingReleasesAWorkerAtABarrier) {
  ServerProcess server;
  Graph graph(server.target(), {.worker_id = "waiting"});
  const auto use = graph.as_default();
  Session session;
  EXPECT_THROW(session.barrier("b", 2, std::chrono::milliseconds(50)), DeadlineExceededError);
  EXPECT_EQ(server.Stop(), 0);
  EXPECT_THROW(session.barrier("b", 2, std::chrono::milliseconds(50)), UnavailableError);
}

TEST(ServerTest, SettingsComeFromFileAndEnvironment) {
  const std::filesystem::path dir =
      std::filesystem::temp_directory_path() / ("varscope-" + std::to_string(getpid()));
  std::filesystem::create_directory(dir);
  std::ofstream(dir / "varscoped.toml") << "max-variable-bytes = \"1KiB\"\n";
  const ServerProcess server({"--config", (dir / "varscoped.toml").string()});
  std::filesystem::remove_all(dir);
  Graph graph(server.target());
  const auto use = graph.as_default();
  get_variable("small", {256});
  EXPECT_THROW(get_variable("large", {257}), InvalidArgumentError);

  setenv("VARSCOPE_MAX_STORE_BYTES", "1KiB", 1);
  const ServerProcess limited;
  unsetenv("VARSCOPE_MAX_STORE_BYTES");
  Graph second(limited.target());
  const auto use_second = second.as_default();
  get_variable("first", {200});
  EXPECT_THROW(get_variable("second", {200}), ResourceExhaustedError);
}

TEST(ServerTest, ServesOnAUnixSocket) {
  const std::string path = "/tmp/varscope-" + std::to_string(getpid()) + ".sock";
  const ServerProcess server({"--listen", "unix:" + path});
  Graph graph("unix:" + path);
  const auto use = graph.as_default();
  const Variable v = get_variable("v", {.shape = Shape{2}, .initializer = ones_initializer()});
  EXPECT_EQ(Summarize(Session().run(v)), "[1 1]");
  std::filesystem::remove(path);
}

TEST(CtlTest, HealthListDescribe) {
  ServerProcess server;
  EXPECT_EQ(server.Ctl({"health"}).output, "serving\n");
  {
    Graph graph(server.target(), {.worker_id = "maker"});
    const auto use = graph.as_default();
    const Variable w =
        get_variable("model/w", {.shape = Shape{2, 3}, .initializer = zeros_initializer()});
    Session session;
    session.run(train::AdamOptimizer().minimize(reduce_sum(w)));
  }
  EXPECT_THAT(server.Ctl({"list"}).output,
              AllOf(HasSubstr("model/w"), HasSubstr("(2, 3)"), HasSubstr("maker server_test.cc:"),
                    HasSubstr("5 variables")));
  EXPECT_THAT(server.Ctl({"list", "beta"}).output, HasSubstr("2 variables"));
  EXPECT_THAT(server.Ctl({"describe", "model/w"}).output,
              AllOf(HasSubstr("worker 'maker'"), HasSubstr("zeros()"), HasSubstr("model/w/Adam_1"),
                    HasSubstr("version        1")));
  const Finished missing = server.Ctl({"describe", "model/x"});
  EXPECT_EQ(missing.code, 1);
  EXPECT_THAT(missing.error, HasSubstr("variable 'model/x' is not in the store"));
  EXPECT_EQ(server.Ctl({"explode"}).code, 2);
  EXPECT_EQ(server.Stop(), 0);
  EXPECT_EQ(server.Ctl({"--timeout", "2", "health"}).code, 3);
}

TEST(ConnectTest, NobodyThereIsAClearErrorInTime) {
  try {
    Graph graph("127.0.0.1:1", {.timeout = std::chrono::milliseconds(300)});
    FAIL();
  } catch (const UnavailableError& error) {
    EXPECT_THAT(error.message(), AllOf(HasSubstr("127.0.0.1:1"), HasSubstr("within 0.3 s")));
  }
  EXPECT_THROW(Graph("127.0.0.1:1", {.worker_id = "two words"}), ValueError);
}

TEST(ConnectTest, AReconnectFencesTheEarlierIncarnation) {
  const ServerProcess server;
  Graph first(server.target(), {.worker_id = "w"});
  Graph second(server.target(), {.worker_id = "w"});
  const auto use = first.as_default();
  EXPECT_THROW(get_variable("v", {1}), AbortedError);
}

}  // namespace
}  // namespace varscope::testing
