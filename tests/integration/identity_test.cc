// Who is who: stores, workers, processes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <functional>
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

// Whether `run` is told, once, that the store is another one.
bool IsTold(const std::function<void()>& run) {
  try {
    run();
    return false;
  } catch (const AbortedError& error) {
    return error.message().find("it has another store, or was started again") != std::string::npos;
  }
}

TEST(StoreIdentityTest, WhatAWorkerHadDefinedItDefinesAgainInAnEmptyStore) {
  for (const SharingMode sharing : {SharingMode::kGlobal, SharingMode::kReplicated}) {
    ServerProcess server;
    Graph graph(server.target(), {.worker_id = "w", .sharing = sharing});
    const auto use = graph.as_default();
    const Variable whole = get_variable(
        "whole", {.shape = Shape{3}, .initializer = constant_initializer(2), .trainable = false});
    const Variable parts = get_variable("parts", {.shape = Shape{4, 1},
                                                  .initializer = ones_initializer(),
                                                  .partitioner = fixed_size_partitioner(2)});
    const Variable first(Tensor::Of<float>(Shape{}, {5}), {.name = "v"});
    const Variable second(Tensor::Of<float>(Shape{}, {6}), {.name = "v"});
    ASSERT_EQ(second.name(), "v_1:0");
    const Variable computed(constant(3.0F) + 4.0F, {.name = "computed"});
    const Output loss = reduce_sum(parts * 1.0F) + first + second;
    const Operation train = train::AdamOptimizer(1.0).minimize(loss);
    const Operation init = global_variables_initializer();
    Session session;
    const auto values = [&] {
      const std::vector<Tensor> all = session.run({whole, parts, first, second});
      std::vector<float> numbers;
      for (const Tensor& one : all) {
        const auto values = one.values<float>();
        numbers.insert(numbers.end(), values.begin(), values.end());
      }
      return numbers;
    };
    session.run(init);
    session.run(train);
    const std::vector<float> trained = values();
    for (int restart = 0; restart < 2; ++restart) {
      server.Kill();
      server.Restart();
      EXPECT_TRUE(IsTold([&] { session.run(train); }));
      EXPECT_THROW(session.run(computed), FailedPreconditionError) << "its creator computes it";
      session.run(init);
      EXPECT_EQ(session.run(computed).scalar<float>(), 7);
      EXPECT_EQ(values(), (std::vector<float>{2, 2, 2, 1, 1, 1, 1, 5, 6}));
      session.run(train);
      EXPECT_EQ(values(), trained) << "with new slots";
    }
  }
}

TEST(StoreIdentityTest, WhatCannotBeDefinedAgainIsAnErrorThatNamesBoth) {
  ServerProcess server;
  Counter worker(server.target(), "w");
  worker.Add();
  server.Kill();
  server.Restart();
  Graph other(server.target(), {.worker_id = "other"});
  {
    const auto use = other.as_default();
    get_variable("w", {.shape = Shape{2}, .initializer = zeros_initializer()});
  }
  EXPECT_TRUE(IsTold([&] { worker.Add(); }));
  for (int run = 0; run < 2; ++run) {
    try {
      worker.Add();
      ADD_FAILURE() << "it was not refused";
    } catch (const FailedPreconditionError& error) {
      EXPECT_THAT(error.message(), ::testing::AllOf(HasSubstr("worker 'w'"),
                                                    HasSubstr("in which variable w was defined"),
                                                    HasSubstr("float32 (2,) trainable, by worker "
                                                              "'other'")));
    }
  }
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
