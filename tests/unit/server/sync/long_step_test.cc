// A step that takes long holds up nobody but who is part of it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <span>
#include <string>

#include "absl/status/statusor.h"
#include "server/store/push_observer.h"
#include "tests/unit/server/sync/synchronizer_fixture.h"

namespace varscope::server {
namespace {

using ::testing::HasSubstr;

// Its first merged push of a group takes until somebody ends it.
class TakesLong : public PushObserver {
 public:
  explicit TakesLong(std::string group) : group_(std::move(group)) {}

  absl::Status MayPush(const ValidPush& push, uint64_t with_others) const override {
    if (with_others != 1 || push.contents().group != group_ || has_begun_) return absl::OkStatus();
    has_begun_ = true;
    begun_.set_value();
    end_.get_future().wait();
    return absl::OkStatus();
  }
  absl::StatusOr<std::unique_ptr<PushEntry>> PreparePush(const ValidPush&,
                                                         std::span<Variable* const>) override {
    return nullptr;
  }
  void AwaitBegin() { begun_.get_future().wait(); }
  void End() { end_.set_value(); }

 private:
  const std::string group_;
  mutable bool has_begun_ = false;
  mutable std::promise<void> begun_;
  mutable std::promise<void> end_;
};

using LongStepTest = SynchronizerTest;

TEST_F(LongStepTest, ThatADeadlineClosedHoldsUpNoOtherDeadline) {
  Start({"bsp:workers=2,quorum=1,deadline=50ms", "model=bsp:workers=2,quorum=1,deadline=50ms"},
        {"a", "b", "c"});
  TakesLong observer("model");
  store_.push_observer = &observer;
  PendingPush slow = Submit(Gradient("a", 1, "model/w"));
  observer.AwaitBegin();
  // Another group's deadline, a withdrawal and a quarantine, also in the group itself.
  EXPECT_EQ(Submit("b", 1).Get()->group_step, 1U);
  PendingPush gives_up;
  server::Submit(*sync_, store_, Gradient("b", 1, "model/w"), gives_up.Done(), /*timeout_ms=*/20);
  const absl::Status late = gives_up.Get().status();
  EXPECT_TRUE(absl::IsDeadlineExceeded(late)) << late;
  EXPECT_THAT(std::string(late.message()), HasSubstr("step 1 of group model is being made"));
  PendingPush of_c = Submit(Gradient("c", 1, "model/w"));
  ASSERT_TRUE(sync_->Quarantine("c", "diverges").ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(of_c.Get().status()));
  EXPECT_FALSE(slow.ready());
  observer.End();
  EXPECT_EQ(slow.Get()->group_step, 1U);
  store_.push_observer = nullptr;
}

// Who tells of it has others to tell, and to evict.
TEST_F(LongStepTest, ThatAnEndCompletesIsNotMadeByWhoTellsOfIt) {
  Start({"bsp:workers=2,deadline=3600s"}, {"a", "b"});
  PendingPush first = Submit("a", 1);
  Submit("b", 1).Get().value();
  first.Get().value();
  TakesLong observer("(all)");
  store_.push_observer = &observer;
  PendingPush waits = Submit("a", 1);
  ASSERT_TRUE(workers_.Disconnect({"b", incarnations_["b"]}).ok());
  observer.AwaitBegin();
  EXPECT_FALSE(waits.ready());
  observer.End();
  EXPECT_EQ(waits.Get()->group_step, 2U);
  store_.push_observer = nullptr;
}

// Who is part of one that is closed and not begun hears of the stop.
TEST_F(LongStepTest, AStopAnswersWhoeverWaitsForIt) {
  Start({"bsp:workers=2,quorum=1,deadline=50ms"}, {"a", "b"});
  TakesLong observer("(all)");
  store_.push_observer = &observer;
  PendingPush slow = Submit("a", 1);
  observer.AwaitBegin();
  PendingPush next = Submit("b", 1);
  observer.End();
  sync_->Stop();
  EXPECT_EQ(slow.Get()->group_step, 1U);
  next.Get().IgnoreError();
  EXPECT_TRUE(absl::IsUnavailable(Submit("a", 1).Get().status()));
  store_.push_observer = nullptr;
}

}  // namespace
}  // namespace varscope::server
