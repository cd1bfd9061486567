// When pushes apply: async, bsp and ssp groups, their deadlines, lost workers and policies.
#include "server/sync/synchronizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <optional>

#include "absl/status/statusor.h"
#include "tests/unit/server/sync/synchronizer_fixture.h"

namespace varscope::server {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

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
  for (const uint64_t base : {uint64_t{2}, uint64_t{7}, uint64_t{1} << 63, UINT64_MAX - 1}) {
    EXPECT_EQ(Submit("a", 1, base).Get()->outcome, Outcome::kStale) << base;
    EXPECT_EQ(Value(), -1);
  }
  const Push early = Gradient("a", 1, "w", 2);
  EXPECT_EQ(Submit(early).Get()->outcome, Outcome::kStale);
  EXPECT_EQ(Submit("a", 1, 1).Get()->outcome, Outcome::kApplied);
  // Its version is there now, and its answer stays what it was.
  EXPECT_EQ(Submit(early).Get()->outcome, Outcome::kStale);
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
  const std::vector<Variable*> variables = {store_.catalog.Find("model/w").value().get()};
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
  const std::vector<Variable*> variables = {store_.catalog.Find("model/w").value().get()};
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
