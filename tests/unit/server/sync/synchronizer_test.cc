// When pushes apply: async, bsp and ssp groups, their deadlines, lost workers and policies.
#include "server/sync/synchronizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <future>
#include <limits>
#include <optional>

#include "absl/status/statusor.h"
#include "tests/support/push.h"

namespace varscope::server {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

GroupOptions Options(const std::string& text) { return ParseGroup(text).value(); }

// A push or a read that somebody waits for.
template <typename T>
class Pending {
 public:
  std::function<void(T)> Done() {
    return [promise = promise_](T value) { promise->set_value(std::move(value)); };
  }
  bool ready() const {
    return future_.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
  }
  T Get() { return future_.get(); }

 private:
  std::shared_ptr<std::promise<T>> promise_ = std::make_shared<std::promise<T>>();
  std::future<T> future_ = promise_->get_future();
};
using PendingPush = Pending<absl::StatusOr<PushResult>>;
using PendingRead = Pending<absl::Status>;

class SynchronizerTest : public ::testing::Test {
 protected:
  ~SynchronizerTest() override { workers_.Stop(); }

  void Start(const std::vector<std::string>& groups, const std::vector<std::string>& workers) {
    std::vector<GroupOptions> options;
    for (const std::string& group : groups) options.push_back(Options(group));
    sync_.emplace(store_, workers_, options);
    workers_.Start(
        [this](const WorkerRecord& w) {
          store_.completion_records.Fence(w.worker_id, w.incarnation);
        },
        [this](const WorkerRecord& w) {
          if (hears_at_once_) return sync_->WorkerLost(w);
          late_.push_back(w);
        });
    for (const std::string& worker : workers) Connect(worker);
    for (const char* name : {"w", "model/w"}) {
      ResolveRequest request;
      request.request = {.key = name, .dtype = DType::kFloat32, .shape = Shape{1}};
      request.name = name;
      request.initializer = InitializerSpec{.kind = "zeros"};
      ASSERT_TRUE(store_.catalog.Resolve({"creator", 1}, request).ok());
    }
  }
  void Connect(const std::string& worker) {
    incarnations_[worker] = workers_.Connect(worker, "host", 1, Sharing::kGlobal).value();
  }

  // A step of gradient descent with learning rate 1.
  Push Gradient(const std::string& worker, float gradient, const std::string& variable = "w",
                std::optional<uint64_t> base = {}) {
    Push push{.id = {worker, incarnations_.at(worker), ++sequence_}};
    OptimizerStep& step = push.steps.emplace_back();
    step.state = {.optimizer = "GradientDescent",
                  .hyperparameters = {{"learning_rate", 1}},
                  .name = "GradientDescent",
                  .group = variable};
    step.updates.push_back({.variable = variable,
                            .gradient = Tensor::Of<float>(Shape{1}, {gradient}),
                            .base_version = base});
    return push;
  }
  PendingPush Submit(const Push& push) {
    PendingPush pending;
    server::Submit(*sync_, store_, push, pending.Done());
    return pending;
  }
  PendingPush Submit(const std::string& worker, float gradient, std::optional<uint64_t> base = {}) {
    return Submit(Gradient(worker, gradient, "w", base));
  }
  PendingRead Read(const std::string& worker) {
    PendingRead pending;
    const std::vector<VariablePtr> variables = {store_.catalog.Find("w").value()};
    sync_->AwaitRead(worker, incarnations_[worker], variables, pending.Done());
    return pending;
  }
  void HearOfTheLost() {
    for (const WorkerRecord& worker : late_) sync_->WorkerLost(worker);
  }
  float Value(const std::string& variable = "w") {
    return ValueOf(store_, variable).scalar<float>();
  }
  GroupStatus Status() { return sync_->status().at(0); }

  Store store_{StoreLimits{}};
  Workers workers_;
  std::optional<Synchronizer> sync_;
  std::map<std::string, uint64_t> incarnations_;
  uint64_t sequence_ = 0;
  // Else the groups hear of lost workers in HearOfTheLost, as when a thread gets no processor.
  bool hears_at_once_ = true;
  std::vector<WorkerRecord> late_;
};

TEST_F(SynchronizerTest, AsyncAppliesAtOnceAndRecordsStaleness) {
  Start({}, {"a", "b"});
  EXPECT_EQ(Submit("a", 1, 0).Get()->staleness, 0U);
  EXPECT_EQ(Submit("b", 1, 0).Get()->staleness, 1U);
  EXPECT_EQ(Value(), -2);
  EXPECT_EQ(Status().max_staleness, 1U);
  EXPECT_EQ(Status().mean_staleness, 0.5);
}

TEST_F(SynchronizerTest, AsyncDropsWhatIsTooStale) {
  Start({"async:max_staleness=1"}, {"a"});
  for (int i = 0; i < 2; ++i) EXPECT_EQ(Submit("a", 1).Get()->outcome, Outcome::kApplied);
  EXPECT_EQ(Submit("a", 1, 1).Get()->outcome, Outcome::kApplied);
  EXPECT_EQ(Submit("a", 1, 1).Get()->outcome, Outcome::kStale);
  EXPECT_EQ(Value(), -3);
  EXPECT_EQ(Status().stale, 1U);
}

class EveryMode : public SynchronizerTest, public ::testing::WithParamInterface<const char*> {};

// Its base version is one that a rollback has taken back.
TEST_P(EveryMode, AGradientOfAStateThatIsNoMoreIsStale) {
  Start({GetParam()}, {"a"});
  Submit("a", 1).Get().value();
  EXPECT_EQ(Submit("a", 1, 7).Get()->outcome, Outcome::kStale);
  EXPECT_EQ(Value(), -1);
  EXPECT_EQ(Submit("a", 1, 1).Get()->outcome, Outcome::kApplied);
  EXPECT_EQ(Value(), -2);
}

INSTANTIATE_TEST_SUITE_P(, EveryMode,
                         ::testing::Values("async", "async:stale=scale", "async:max_staleness=9",
                                           "bsp", "ssp"));

TEST_F(SynchronizerTest, AsyncScalesStalePushes) {
  Start({"async:stale=scale"}, {"a"});
  for (int i = 0; i < 4; ++i) Submit("a", 1, i).Get().value();
  Submit("a", 8, 0).Get().value();
  EXPECT_EQ(Value(), -6);
}

TEST_F(SynchronizerTest, BspAppliesTheMeanOnceAllHavePushed) {
  Start({"bsp:workers=3"}, {"a", "b", "c"});
  PendingPush a = Submit("a", 1);
  PendingPush b = Submit("b", 2);
  EXPECT_FALSE(a.ready());
  EXPECT_THAT(Status().waits.text, HasSubstr("step 1 of group (all) has 2 of 3 pushes"));
  PendingPush c = Submit("c", 6);
  EXPECT_EQ(a.Get()->group_step, 1U);
  EXPECT_EQ(b.Get()->global_step, 1U);
  EXPECT_EQ(Value(), -3);
}

TEST_F(SynchronizerTest, ARepeatedBspPushGetsTheStepsAnswer) {
  Start({"bsp:workers=2"}, {"a", "b"});
  const Push push = Gradient("a", 2);
  PendingPush first = Submit(push);
  EXPECT_TRUE(absl::IsUnavailable(Submit(push).Get().status()));
  Submit("b", 2).Get().value();
  const PushResult answer = first.Get().value();
  EXPECT_EQ(Submit(push).Get().value(), answer);
  EXPECT_EQ(Value(), -2);
}

TEST_F(SynchronizerTest, BspDropsAGradientOfAnEarlierStep) {
  Start({"bsp:workers=3,backup=1"}, {"a", "b", "late"});
  PendingPush a = Submit("a", 1, 0);
  Submit("b", 3, 0).Get().value();
  EXPECT_EQ(Submit("late", 100, 0).Get()->outcome, Outcome::kStale);
  EXPECT_EQ(Value(), -2);
  // It is a worker of the next step all the same.
  PendingPush next = Submit("late", 1, 1);
  EXPECT_FALSE(next.ready());
  Submit("a", 1, 1).Get().value();
  EXPECT_EQ(next.Get()->group_step, 2U);
}

TEST_F(SynchronizerTest, TheDeathOfAWorkerCompletesTheStep) {
  Start({"bsp:workers=3"}, {"a", "b", "dying"});
  PendingPush a1 = Submit("a", 3);
  PendingPush b1 = Submit("b", 3);
  Submit("dying", 3).Get().value();
  PendingPush a = Submit("a", 1);
  PendingPush b = Submit("b", 2);
  EXPECT_THAT(Status().waits.text, HasSubstr("waits for dying, silent"));
  ASSERT_TRUE(workers_.Disconnect({"dying", incarnations_["dying"]}).ok());
  EXPECT_EQ(a.Get()->group_step, 2U);
  EXPECT_EQ(Value(), -4.5);
}

// As after a start: whoever is the first to come back makes no step alone.
TEST_F(SynchronizerTest, ABspGroupThatAllHaveLeftBeginsAnew) {
  Start({"bsp:workers=2"}, {"a", "b"});
  PendingPush first = Submit("a", 1);
  Submit("b", 1).Get().value();
  first.Get().value();
  for (const char* worker : {"a", "b"}) {
    ASSERT_TRUE(workers_.Disconnect({worker, incarnations_[worker]}).ok());
    Connect(worker);
  }
  PendingPush back = Submit("a", 1);
  EXPECT_FALSE(back.ready());
  EXPECT_EQ(Submit("b", 1).Get()->group_step, 2U);
  EXPECT_EQ(back.Get()->group_step, 2U);
}

TEST_F(SynchronizerTest, NobodyWaitsForAWorkerInQuarantine) {
  Start({"bsp:workers=2", "model=ssp:bound=0"}, {"a", "b"});
  PendingPush of_a = Submit("a", 1);
  Submit("b", 1).Get().value();
  of_a.Get().value();
  Submit(Gradient("b", 1, "model/w")).Get().value();
  Submit(Gradient("a", 1, "model/w")).Get().value();
  Submit(Gradient("a", 1, "model/w")).Get().value();
  PendingRead ahead;
  const std::vector<VariablePtr> variables = {store_.catalog.Find("model/w").value()};
  sync_->AwaitRead("a", incarnations_["a"], variables, ahead.Done());
  EXPECT_FALSE(ahead.ready());
  PendingPush waits = Submit("a", 1);
  EXPECT_FALSE(waits.ready());
  ASSERT_TRUE(sync_->Quarantine("b", "diverges").ok());
  EXPECT_EQ(waits.Get()->group_step, 2U);
  EXPECT_TRUE(ahead.Get().ok());
  // What waits of it ends, too.
  ASSERT_TRUE(sync_->Quarantine("b", "").ok());
  Connect("c");
  Submit("a", 1).Get().value();
  PendingPush of_b = Submit("b", 1);
  EXPECT_FALSE(of_b.ready());
  ASSERT_TRUE(sync_->Quarantine("b", "diverges again").ok());
  const absl::Status ended = of_b.Get().status();
  EXPECT_TRUE(absl::IsFailedPrecondition(ended));
  EXPECT_THAT(std::string(ended.message()), HasSubstr("diverges again"));
}

TEST_F(SynchronizerTest, WhoeverWaitsNoLongerIsToldForWhomAndTheRestGoOn) {
  Start({"bsp:workers=3,deadline=3600s", "model=ssp:bound=0,deadline=3600s"}, {"a", "b", "c"});
  PendingPush stays = Submit("a", 1);
  PendingPush leaves;
  server::Submit(*sync_, store_, Gradient("b", 100), leaves.Done(), /*timeout_ms=*/20);
  const absl::Status late = leaves.Get().status();
  EXPECT_TRUE(absl::IsDeadlineExceeded(late));
  EXPECT_THAT(std::string(late.message()),
              HasSubstr("has 2 of 3 pushes, waits for 1 more to join"));
  EXPECT_FALSE(stays.ready());
  PendingPush again = Submit("b", 2);
  EXPECT_EQ(Submit("c", 3).Get()->group_step, 1U);
  stays.Get().value();
  again.Get().value();
  EXPECT_EQ(Value(), -2);

  Submit(Gradient("b", 1, "model/w")).Get().value();
  Submit(Gradient("a", 1, "model/w")).Get().value();
  Submit(Gradient("a", 1, "model/w")).Get().value();
  const std::vector<VariablePtr> variables = {store_.catalog.Find("model/w").value()};
  PendingRead waits;
  PendingRead gives_up;
  sync_->AwaitRead("a", incarnations_["a"], variables, waits.Done());
  sync_->AwaitRead("a", incarnations_["a"], variables, gives_up.Done(), /*timeout_ms=*/20);
  const absl::Status unread = gives_up.Get();
  EXPECT_TRUE(absl::IsDeadlineExceeded(unread));
  EXPECT_THAT(std::string(unread.message()), HasSubstr("wait for b, silent"));
  EXPECT_FALSE(waits.ready());
  Submit(Gradient("b", 1, "model/w")).Get().value();
  EXPECT_TRUE(waits.Get().ok());
}

TEST_F(SynchronizerTest, WhatADeadWorkerHadPushedToTheStepIsWithdrawn) {
  Start({"bsp:workers=2"}, {"a", "b"});
  PendingPush a = Submit("a", 100);
  ASSERT_TRUE(workers_.Disconnect({"a", incarnations_["a"]}).ok());
  EXPECT_TRUE(absl::IsAborted(a.Get().status()));
  Connect("a");
  PendingPush again = Submit("a", 1);
  Submit("b", 3).Get().value();
  EXPECT_EQ(again.Get()->group_step, 1U);
  EXPECT_EQ(Value(), -2);
}

TEST_F(SynchronizerTest, ALateEvictionDoesNotStrikeOutWhoIsBackInABspGroup) {
  Start({"bsp:workers=2"}, {"a", "b"});
  PendingPush first = Submit("a", 1);
  Submit("b", 1).Get().value();
  first.Get().value();
  hears_at_once_ = false;
  PendingPush of_the_old = Submit("a", 7);
  Connect("a");
  PendingPush of_the_new = Submit("a", 1);
  EXPECT_TRUE(absl::IsAborted(of_the_old.Get().status()));
  HearOfTheLost();
  EXPECT_FALSE(of_the_new.ready());
  EXPECT_EQ(Status().waits.workers, 2U);
  EXPECT_EQ(Submit("b", 1).Get()->group_step, 2U);
  EXPECT_EQ(of_the_new.Get()->group_step, 2U);
  EXPECT_EQ(Value(), -2);
}

TEST_F(SynchronizerTest, ALateEvictionDoesNotStrikeOutWhoIsBackInAnSspGroup) {
  Start({"ssp:bound=0"}, {"fast", "slow"});
  Submit("slow", 1).Get().value();
  Submit("fast", 1).Get().value();
  hears_at_once_ = false;
  Connect("fast");
  Submit("fast", 1).Get().value();
  Submit("fast", 1).Get().value();
  PendingRead held = Read("fast");
  HearOfTheLost();
  EXPECT_FALSE(held.ready());
  EXPECT_EQ(Status().waits.workers, 2U);
  Submit("slow", 1).Get().value();
  EXPECT_TRUE(held.Get().ok());
}

// What it was left behind for was its earlier life.
TEST_F(SynchronizerTest, ANewIncarnationIsNotLeftBehindForTheOldOne) {
  Start({"ssp:bound=0,deadline=50ms"}, {"fast", "slow"});
  Submit("slow", 1).Get().value();
  Submit("fast", 1).Get().value();
  Submit("fast", 1).Get().value();
  EXPECT_TRUE(Read("fast").Get().ok());  // slow is left behind
  hears_at_once_ = false;
  Connect("slow");
  EXPECT_EQ(Submit("slow", 1).Get()->outcome, Outcome::kApplied);
}

TEST_F(SynchronizerTest, AfterTheDeadlineAQuorumGoesOn) {
  Start({"bsp:workers=3,quorum=2,deadline=50ms"}, {"a", "b"});
  PendingPush a = Submit("a", 1);
  PendingPush b = Submit("b", 3);
  EXPECT_EQ(a.Get()->group_step, 1U);
  EXPECT_EQ(Value(), -2);
}

TEST_F(SynchronizerTest, WithoutAQuorumTheDeadlineSaysWhoIsMissing) {
  Start({"bsp:workers=3,quorum=2,deadline=50ms"}, {"a"});
  const absl::Status late = Submit("a", 1).Get().status();
  EXPECT_TRUE(absl::IsDeadlineExceeded(late));
  EXPECT_THAT(std::string(late.message()),
              AllOf(HasSubstr("step 1 of group (all) has 1 of 3 pushes"),
                    HasSubstr("2 more to join"), HasSubstr("nothing was applied")));
  EXPECT_EQ(Value(), 0);
}

TEST_F(SynchronizerTest, AWorkerThatMissesADeadlineIsWaitedForAgainOnceItPushes) {
  Start({"bsp:workers=2,deadline=50ms"}, {"a", "slow"});
  PendingPush first = Submit("a", 1);
  Submit("slow", 1).Get().value();
  EXPECT_EQ(Submit("a", 1).Get()->group_step, 2U);  // by its deadline
  EXPECT_EQ(Submit("a", 1).Get()->group_step, 3U);  // alone, at once
  PendingPush back = Submit("slow", 1);
  Submit("a", 1).Get().value();
  EXPECT_EQ(back.Get()->group_step, 4U);
}

TEST_F(SynchronizerTest, ARobustGroupIgnoresAPoisonedWorker) {
  Start({"bsp:workers=3,aggregate=trimmed_mean/1"}, {"a", "b", "poisoned"});
  PendingPush a = Submit("a", 1);
  PendingPush b = Submit("b", 2);
  Submit("poisoned", -1e30F).Get().value();
  EXPECT_EQ(Value(), -1);
}

TEST_F(SynchronizerTest, SspHoldsBackWhoIsTooFarAhead) {
  Start({"ssp:bound=1"}, {"fast", "slow"});
  Submit("slow", 1).Get().value();
  Submit("fast", 1).Get().value();  // both at their first push
  Submit("fast", 1).Get().value();
  EXPECT_TRUE(Read("fast").Get().ok());  // one ahead
  Submit("fast", 1).Get().value();
  PendingRead held = Read("fast");
  EXPECT_FALSE(held.ready());
  EXPECT_TRUE(Read("slow").Get().ok());
  EXPECT_TRUE(Read("reader of another kind").Get().ok());
  EXPECT_THAT(Status().waits.text, HasSubstr("wait for slow, silent"));
  Submit("slow", 1).Get().value();
  EXPECT_TRUE(held.Get().ok());
}

TEST_F(SynchronizerTest, SspWaitsForNobodyWhoIsLost) {
  Start({"ssp:bound=0"}, {"fast", "slow"});
  Submit("slow", 1).Get().value();
  Submit("fast", 1).Get().value();
  Submit("fast", 1).Get().value();
  PendingRead held = Read("fast");
  EXPECT_FALSE(held.ready());
  ASSERT_TRUE(workers_.Disconnect({"slow", incarnations_["slow"]}).ok());
  EXPECT_TRUE(held.Get().ok());
}

TEST_F(SynchronizerTest, WhoHoldsOthersUpForADeadlineIsLeftBehind) {
  Start({"ssp:bound=0,deadline=50ms"}, {"fast", "slow"});
  Submit("slow", 1).Get().value();
  Submit("fast", 1).Get().value();
  Submit("fast", 1).Get().value();
  EXPECT_TRUE(Read("fast").Get().ok());
  EXPECT_EQ(Submit("slow", 100).Get()->outcome, Outcome::kStale);
  EXPECT_EQ(Submit("slow", 1).Get()->outcome, Outcome::kApplied);
  EXPECT_EQ(Value(), -4);
}

TEST_F(SynchronizerTest, TheLongestPrefixRulesAndOnePushIsOfOneGroup) {
  Start({"bsp:workers=2", "model=async"}, {"a"});
  EXPECT_TRUE(Submit(Gradient("a", 1, "model/w")).Get().ok());
  Push both = Gradient("a", 1, "model/w");
  both.steps[0].updates.push_back({.variable = "w", .gradient = Tensor::Of<float>(Shape{1}, {1})});
  const absl::Status refused = Submit(both).Get().status();
  EXPECT_THAT(std::string(refused.message()),
              AllOf(HasSubstr("model/w of group model (async)"), HasSubstr("w of group (all) (bsp"),
                    HasSubstr("one push for each group")));
}

TEST_F(SynchronizerTest, NonfinitePushesAreSkippedAndTheirWorkerEndsInQuarantine) {
  Start({"async:nonfinite=skip,quarantine=2"}, {"a"});
  const float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(Submit("a", nan).Get()->outcome, Outcome::kNonfinite);
  EXPECT_TRUE(Submit("a", 1).Get().ok());
  EXPECT_EQ(Submit("a", nan).Get()->outcome, Outcome::kNonfinite);
  EXPECT_TRUE(absl::IsFailedPrecondition(Submit("a", 1).Get().status()));
  EXPECT_EQ(Value(), -1);
  EXPECT_EQ(Status().nonfinite, 2U);
}

TEST_F(SynchronizerTest, AGroupMayRefuseWhatThePushAllows) {
  Start({"async:nonfinite=refuse"}, {"a"});
  Push push = Gradient("a", std::numeric_limits<float>::infinity());
  push.allow_nonfinite = true;
  EXPECT_TRUE(absl::IsInvalidArgument(Submit(push).Get().status()));
}

// However it comes: alone, or beside gradients of another group.
TEST_F(SynchronizerTest, AGroupsRuleForNanHoldsForAssignmentsToo) {
  Start({"model=async:nonfinite=refuse"}, {"a"});
  const Tensor nan = Tensor::Of<float>(Shape{1}, {std::nanf("")});
  for (const AssignOp op : {AssignOp::kAssign, AssignOp::kAdd}) {
    Push push = Gradient("a", 1);
    push.steps.clear();
    push.allow_nonfinite = true;
    push.assignments.push_back({"model/w", op, nan});
    EXPECT_TRUE(absl::IsInvalidArgument(Submit(push).Get().status()));
    push.assignments[0].variable = "w";
    EXPECT_TRUE(Submit(push).Get().ok()) << "the other group has no such rule";
  }
  Push beside = Gradient("a", 1);
  beside.allow_nonfinite = true;
  beside.assignments.push_back({"model/w", AssignOp::kAssign, nan});
  EXPECT_TRUE(absl::IsInvalidArgument(Submit(beside).Get().status()));
  EXPECT_EQ(Value("model/w"), 0);
}

TEST_F(SynchronizerTest, AGroupClipsEachPush) {
  Start({"async:clip_norm=2"}, {"a"});
  EXPECT_TRUE(Submit("a", 10).Get().ok());
  EXPECT_EQ(Value(), -2);
}

TEST_F(SynchronizerTest, ALocalGroupTakesDifferencesOnly) {
  Start({"local:steps=10,workers=1"}, {"a"});
  EXPECT_THAT(std::string(Submit("a", 1).Get().status().message()),
              HasSubstr("takes differences after local steps"));
  Push push = Gradient("a", 1);
  push.steps[0].state.optimizer = "Momentum";
  push.steps[0].state.name = "OuterMomentum";
  EXPECT_TRUE(Submit(push).Get().ok());
  EXPECT_NEAR(Value(), -0.7 * (1 + 0.9), 1e-6);
}

TEST_F(SynchronizerTest, StoppingEndsEveryWait) {
  Start({"bsp:workers=2"}, {"a"});
  PendingPush waiting = Submit("a", 1);
  sync_->Stop();
  EXPECT_TRUE(absl::IsUnavailable(waiting.Get().status()));
  EXPECT_TRUE(absl::IsUnavailable(Submit("a", 1).Get().status()));
}

}  // namespace
}  // namespace varscope::server
