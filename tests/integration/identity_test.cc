// Who is who: stores, workers, processes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/process.h"
#include "tests/support/programs.h"
#include "tests/support/server_process.h"
#include "tests/support/temporary_directory.h"
#include "varscope/varscope.h"

namespace varscope::testing {
namespace {

using ::testing::HasSubstr;

// A worker that adds 1 to `w`.
class Counter {
 public:
  explicit Counter(const std::string& target, const std::string& id = "")
      : graph_(target, With(id)) {
    const auto use = graph_.as_default();
    add_ = get_variable("w", {.shape = Shape{}, .initializer = zeros_initializer()})
               .assign_add(constant(1.0F));
    session_ = std::make_unique<Session>();
  }
  float Add() { return session_->run(add_).scalar<float>(); }
  std::string id() const { return graph_.worker_id(); }
  Session& session() { return *session_; }

 private:
  static ConnectOptions With(const std::string& id) {
    return {
        .worker_id = id, .sharing = SharingMode::kReplicated, .timeout = std::chrono::seconds(60)};
  }

  Graph graph_;
  Output add_;
  std::unique_ptr<Session> session_;
};

// Exactly one run of `worker` ends, with the news; from then on it is at home in the new store,
// where `other` has made the variable.
void ExpectToldOnce(Counter& worker, const std::string& target) {
  Counter other(target, "other");
  EXPECT_EQ(other.Add(), 1);
  try {
    worker.Add();
    ADD_FAILURE() << "it was not told";
  } catch (const AbortedError& error) {
    EXPECT_THAT(error.message(), HasSubstr("it has another store, or was started again without"));
  }
  EXPECT_EQ(worker.Add(), 2);
  EXPECT_EQ(other.Add(), 3);
  worker.session().barrier("alone", 1);
}

TEST(StoreIdentityTest, AfterARestartWithoutADirectoryAWorkerIsToldOnceAndGoesOn) {
  ServerProcess server;
  Counter worker(server.target(), "w");
  EXPECT_EQ(worker.Add(), 1);
  for (int restart = 0; restart < 2; ++restart) {
    server.Kill();
    server.Restart();
    ExpectToldOnce(worker, server.target());
  }
}

TEST(StoreIdentityTest, AWorkerThatMeetsAnotherDirectoryIsToldOnceAndGoesOn) {
  const TemporaryDirectory directory;
  ServerProcess server({"--data-dir", directory / "a"});
  Counter worker(server.target(), "w");
  EXPECT_EQ(worker.Add(), 1);
  server.Kill();
  server.Restart({"--data-dir", directory / "b"});
  ExpectToldOnce(worker, server.target());
  // The same directory is the same store.
  server.Kill();
  server.Restart({"--data-dir", directory / "b"});
  EXPECT_EQ(worker.Add(), 4);
}

// The same store, but as it was before the worker's last pushes, in the same life of the worker.
TEST(StoreIdentityTest, AWorkerThatMeetsAnEarlierCopyIsToldOnceAndGoesOn) {
  namespace fs = std::filesystem;
  const TemporaryDirectory directory;
  const std::vector<std::string> flags = {"--data-dir", directory / "a", "--durability", "sync"};
  ServerProcess server(flags);
  Counter worker(server.target(), "w");
  for (int i = 1; i <= 3; ++i) EXPECT_EQ(worker.Add(), i);
  server.Kill();
  fs::copy(directory / "a", directory / "copy", fs::copy_options::recursive);
  server.Restart();
  for (int i = 4; i <= 6; ++i) EXPECT_EQ(worker.Add(), i);
  server.Kill();
  server.Restart();
  EXPECT_EQ(worker.Add(), 7) << "what was kept is there after a crash";
  server.Kill();
  fs::remove_all(directory / "a");
  fs::rename(directory / "copy", directory / "a");
  server.Restart();
  try {
    worker.Add();
    ADD_FAILURE() << "it was not told";
  } catch (const AbortedError& error) {
    EXPECT_THAT(error.message(), HasSubstr("the server's state is older than this worker's push"));
  }
  EXPECT_EQ(worker.Add(), 4);
  EXPECT_EQ(worker.Add(), 5);
}

TEST(WorkerIdTest, GraphsOfOneProcessDoNotFenceEachOtherOff) {
  const ServerProcess server;
  ASSERT_EQ(setenv("VARSCOPE_WORKER", "env", 1), 0);
  {
    Counter first(server.target());
    auto second = std::make_unique<Counter>(server.target());
    const Counter third(server.target());
    EXPECT_EQ(first.id(), "env");
    EXPECT_EQ(second->id(), "env-1");
    EXPECT_EQ(third.id(), "env-2");
    EXPECT_EQ(first.Add(), 1);
    EXPECT_EQ(second->Add(), 2);
    EXPECT_EQ(first.Add(), 3);
    // One that follows another is the same worker.
    second.reset();
    EXPECT_EQ(Counter(server.target()).id(), "env-1");
  }
  EXPECT_EQ(Counter(server.target()).id(), "env");
  unsetenv("VARSCOPE_WORKER");
}

TEST(WorkerIdTest, WhatIsDrawnIsMoreThanHostAndProcess) {
  const ServerProcess server;
  const Counter first(server.target());
  const Counter second(server.target());
  const auto tail = [](const std::string& id) { return id.substr(id.rfind('-') + 1); };
  EXPECT_EQ(tail(first.id()).size(), 8U) << first.id();
  EXPECT_NE(tail(first.id()), tail(second.id()));
}

// The child ends, says at once that it cannot, and the parent goes on: see worker.cc. What gRPC's
// threads, which a child does not have, would free is no leak of ours.
TEST(ForkTest, AChildNeitherUsesNorEndsItsParentsConnection) {
  const ServerProcess server;
  for (const char* what : {"return", "run", "connect"}) {
    for (const char* transport : {"auto", "target"}) {
      Process program({"/usr/bin/env", "ASAN_OPTIONS=detect_leaks=0",
                       std::string("VARSCOPE_TRANSPORT=") + transport,
                       Built("bin/varscope_test_worker"), "fork", server.target(), what});
      EXPECT_EQ(program.Wait(), 0) << what << " over " << transport;
    }
  }
}

}  // namespace
}  // namespace varscope::testing
