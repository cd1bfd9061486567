// Pushes and pulls that share a round trip.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/faults/proxy.h"
#include "tests/support/server_process.h"
#include "tests/support/temporary_directory.h"
#include "varscope/varscope.h"

namespace varscope::testing {
namespace {

// A worker that trains `w` by 1 a step.
class Trainer {
 public:
  Trainer(const std::string& target, const std::string& id, bool prefetch)
      : graph_(target, {.worker_id = id,
                        .sharing = SharingMode::kReplicated,
                        .cache_pulls = false,
                        .prefetch = prefetch}) {
    const auto use = graph_.as_default();
    w_ = get_variable("w", {.shape = Shape{}, .initializer = zeros_initializer()});
    seen_ = w_ + 0;
    train_ = train::GradientDescentOptimizer(1.0).minimize(seen_);
    session_ = std::make_unique<Session>();
  }

  // The value that the step was computed from.
  float Step() { return session_->run({Fetch(seen_), Fetch(train_)})[0].scalar<float>(); }
  float Add(float x) {
    const auto use = graph_.as_default();
    return session_->run(w_.assign_add(constant(x))).scalar<float>();
  }
  Session& session() { return *session_; }

 private:
  Graph graph_;
  Variable w_;
  Output seen_;
  Operation train_;
  std::unique_ptr<Session> session_;
};

TEST(PrefetchTest, AloneTheValuesAreThoseOfPlainPulls) {
  ServerProcess server;
  Trainer worker(server.target(), "a", true);
  for (int step = 0; step < 5; ++step) EXPECT_EQ(worker.Step(), -step);
  EXPECT_EQ(worker.session().read("w").scalar<float>(), -5);
}

TEST(PrefetchTest, WhatOthersPushIsSeenAStepLaterOrAfterABarrier) {
  ServerProcess server;
  Trainer ahead(server.target(), "ahead", true);
  Trainer plain(server.target(), "plain", false);
  EXPECT_EQ(ahead.Step(), 0);
  EXPECT_EQ(plain.Step(), -1);
  EXPECT_EQ(ahead.Step(), -1);  // as after its own first step
  EXPECT_EQ(ahead.Step(), -3);  // with the other's
  EXPECT_EQ(plain.Step(), -4);
  ahead.session().barrier("b", 1);
  EXPECT_EQ(ahead.Step(), -5);
}

// A worker that trains a variable of 4 MiB over the network, through `proxy`.
class LargeTrainer {
 public:
  explicit LargeTrainer(const Proxy& proxy)
      : graph_(proxy.target(), {.worker_id = "a",
                                .timeout = std::chrono::seconds(20),
                                .cache_pulls = false,
                                .prefetch = true,
                                .transport = TransportMode::kTarget}) {
    const auto use = graph_.as_default();
    w_ = get_variable("w", {.shape = Shape{1 << 20}, .initializer = zeros_initializer()});
    seen_ = reduce_sum(w_);
    train_ = train::GradientDescentOptimizer(1.0).minimize(seen_);
    session_ = std::make_unique<Session>();
  }
  // The mean that the step was computed from.
  float Step() { return Mean(session_->run({Fetch(seen_), Fetch(train_)})[0]); }
  float See() { return Mean(session_->run(seen_)); }

 private:
  static float Mean(const Tensor& sum) { return sum.scalar<float>() / (1 << 20); }
  Graph graph_;
  Variable w_;
  Output seen_;
  Operation train_;
  std::unique_ptr<Session> session_;
};

TEST(PrefetchTest, ARunDoesNotWaitForWhatItPrefetches) {
  ServerProcess server;
  Proxy proxy(server.port(), {}, 1);
  LargeTrainer worker(proxy);
  EXPECT_EQ(worker.Step(), 0);
  EXPECT_EQ(worker.See(), -1);  // takes what the step has prefetched, so that nothing is on its way
  // The next step's pull comes through, and of the push's answer the beginning.
  proxy.HoldAnswersAfter(5 << 20);
  EXPECT_EQ(worker.Step(), -1);
  proxy.ReleaseAnswers();
  EXPECT_EQ(worker.See(), -2);
}

TEST(PrefetchTest, WhatBreaksOnItsWayIsPulledAgain) {
  ServerProcess server;
  Proxy proxy(server.port(), {}, 1);
  LargeTrainer worker(proxy);
  EXPECT_EQ(worker.Step(), 0);
  EXPECT_EQ(worker.See(), -1);
  proxy.HoldAnswersAfter(5 << 20);
  EXPECT_EQ(worker.Step(), -1);
  proxy.CutAll();
  proxy.ReleaseAnswers();
  EXPECT_EQ(worker.See(), -2);
  EXPECT_EQ(worker.Step(), -2);
  EXPECT_EQ(worker.See(), -3);
}

TEST(PrefetchTest, AnAssignmentIsSeenAtOnce) {
  ServerProcess server;
  Trainer worker(server.target(), "a", true);
  EXPECT_EQ(worker.Step(), 0);
  EXPECT_EQ(worker.Add(100), 99);
  EXPECT_EQ(worker.Step(), 99);
}

TEST(PrefetchTest, AServerThatDiesInBetweenLosesNothing) {
  ServerProcess server;
  Trainer worker(server.target(), "a", true);
  EXPECT_EQ(worker.Step(), 0);
  server.Kill();
  server.Restart();
  // The store is gone, and the worker is told so rather than left with values of another epoch.
  EXPECT_ANY_THROW(worker.Step());
}

// Many variables that are pulled again and again: the stream names them once.
TEST(RepeatTest, EachPullHasWhatOthersHaveChangedSince) {
  constexpr int kVariables = 50;
  ServerProcess server;
  const auto variables = [] {
    std::vector<Variable> all;
    for (int i = 0; i < kVariables; ++i) {
      const std::string name = "v" + std::to_string(i);
      all.push_back(get_variable(name, {.shape = Shape{3}, .initializer = zeros_initializer()}));
    }
    return all;
  };
  Graph reading(server.target(), {.sharing = SharingMode::kReplicated});
  const auto use_reading = reading.as_default();
  const std::vector<Variable> ours = variables();
  const std::vector<Fetch> read(ours.begin(), ours.end());
  Session reader;
  Graph writing(server.target(), {.sharing = SharingMode::kReplicated});
  const auto use_writing = writing.as_default();
  const std::vector<Variable> theirs = variables();
  Session writer;
  std::vector<float> expected(kVariables, 0);
  for (int step = 0; step < 20; ++step) {
    if (step % 3 != 0) {
      const int i = step * 7 % kVariables;
      writer.run(theirs[i].assign_add(ones({3})).op());
      ++expected[i];
    }
    const std::vector<Tensor> values = reader.run(read);
    for (int i = 0; i < kVariables; ++i) {
      ASSERT_EQ(values[i].data<float>()[2], expected[i]) << "v" << i << " in step " << step;
    }
  }
}

TEST(RepeatTest, AfterARestartNothingOfTheOldEpochIsTaken) {
  const TemporaryDirectory folder;
  ServerProcess server(
      {"--data-dir", folder / "data", "--durability", "none", "--snapshot-seconds", "0"});
  Graph graph(server.target());
  const auto use = graph.as_default();
  const Variable v = get_variable("v", {.shape = Shape{}, .initializer = zeros_initializer()});
  const Operation add = v.assign_add(constant(1.0F)).op();
  Session session;
  session.run(add);
  server.Ctl({"snapshot"});
  session.run(add);
  EXPECT_EQ(session.run(v).scalar<float>(), 2);
  EXPECT_EQ(session.run(v).scalar<float>(), 2);
  server.Kill();
  server.Restart();
  EXPECT_EQ(session.run(v).scalar<float>(), 1);
}

}  // namespace
}  // namespace varscope::testing
