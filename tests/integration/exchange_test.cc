// Pushes and pulls that share a round trip.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/daemon.h"
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
  Daemon daemon;
  Trainer worker(daemon.target(), "a", true);
  for (int step = 0; step < 5; ++step) EXPECT_EQ(worker.Step(), -step);
  EXPECT_EQ(worker.session().read("w").scalar<float>(), -5);
}

TEST(PrefetchTest, WhatOthersPushIsSeenAStepLaterOrAfterABarrier) {
  Daemon daemon;
  Trainer ahead(daemon.target(), "ahead", true);
  Trainer plain(daemon.target(), "plain", false);
  EXPECT_EQ(ahead.Step(), 0);
  EXPECT_EQ(plain.Step(), -1);
  EXPECT_EQ(ahead.Step(), -1);  // as after its own first step
  EXPECT_EQ(ahead.Step(), -3);  // with the other's
  EXPECT_EQ(plain.Step(), -4);
  ahead.session().barrier("b", 1);
  EXPECT_EQ(ahead.Step(), -5);
}

TEST(PrefetchTest, AnAssignmentIsSeenAtOnce) {
  Daemon daemon;
  Trainer worker(daemon.target(), "a", true);
  EXPECT_EQ(worker.Step(), 0);
  EXPECT_EQ(worker.Add(100), 99);
  EXPECT_EQ(worker.Step(), 99);
}

TEST(PrefetchTest, ADaemonThatDiesInBetweenLosesNothing) {
  Daemon daemon;
  Trainer worker(daemon.target(), "a", true);
  EXPECT_EQ(worker.Step(), 0);
  daemon.Kill();
  daemon.Restart();
  // The store is gone, and the worker is told so rather than left with values of another life.
  EXPECT_ANY_THROW(worker.Step());
}

}  // namespace
}  // namespace varscope::testing
