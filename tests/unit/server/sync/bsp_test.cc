// bsp: steps that cannot be applied, and who takes part in those with a robust mean.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "proto/wire/retry_info.h"
#include "server/store/push_observer.h"
#include "tests/unit/server/sync/synchronizer_fixture.h"

namespace varscope::server {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

using BspTest = SynchronizerTest;

// As where the memory for something is not there.
class Throws : public PushObserver {
 public:
  // Of the merged push.
  absl::Status MayPush(const ValidPush&, uint64_t with_others) const override {
    if (fails && with_others == 1) throw std::length_error("it is too long");
    return absl::OkStatus();
  }
  absl::StatusOr<std::unique_ptr<PushEntry>> PreparePush(const ValidPush&,
                                                         std::span<Variable* const>) override {
    return nullptr;
  }
  bool fails = true;
};

TEST_F(BspTest, AStepThatCannotBeAppliedIsAnErrorOfItsPushesAndTheNextGoesOn) {
  Start({"bsp:workers=2"}, {"a", "b"});
  Throws observer;
  store_.push_observer = &observer;
  const Push of_a = Gradient("a", 1);
  const Push of_b = Gradient("b", 3);
  for (int i = 0; i < 3; ++i) {
    PendingPush a = Submit(of_a);
    const absl::Status failed = Submit(of_b).Get().status();
    EXPECT_TRUE(absl::IsResourceExhausted(failed)) << failed;
    EXPECT_THAT(std::string(failed.message()), HasSubstr("it is too long"));
    EXPECT_EQ(a.Get().status(), failed);
    EXPECT_EQ(Value(), 0);
  }
  observer.fails = false;
  PendingPush a = Submit(of_a);
  EXPECT_EQ(Submit(of_b).Get()->group_step, 1U);
  EXPECT_EQ(a.Get()->group_step, 1U);
  EXPECT_EQ(Value(), -2);
  store_.push_observer = nullptr;
}

// Whoever makes it keeps no thread until the rollback has ended.
TEST_F(BspTest, AStepThatIsCompleteDuringARollbackIsToComeAgain) {
  Start({"bsp:workers=2"}, {"a", "b"});
  PendingPush first = Submit("a", 1);
  ASSERT_TRUE(Submit("b", 3).Get().ok());
  ASSERT_TRUE(first.Get().ok());
  const Push next = Gradient("a", 1);
  PendingPush waits = Submit(next);
  {
    const auto alone = store_.changes.LockOut();
    ASSERT_TRUE(workers_.Disconnect({"b", incarnations_["b"]}).ok());
    const absl::Status refused = waits.Get().status();
    EXPECT_TRUE(absl::IsUnavailable(refused)) << refused;
    EXPECT_TRUE(refused.GetPayload(kRetryAfterKey).has_value());
  }
  EXPECT_EQ(Value(), -2);
  EXPECT_EQ(Submit(next).Get()->group_step, 2U);
  EXPECT_EQ(Value(), -3);
}

TEST_F(BspTest, ARobustGroupHasNoMoreMembersThanWorkersSays) {
  Start({"bsp:workers=3,aggregate=median,deadline=3600s"}, {"a", "b", "c", "another"});
  PendingPush a = Submit("a", 1);
  PendingPush b = Submit("b", 2);
  const Push later = Gradient("another", 100);
  EXPECT_EQ(Submit("c", 3).Get()->group_step, 1U);
  for (int i = 0; i < 2; ++i) {
    const absl::Status refused = Submit(later).Get().status();
    EXPECT_TRUE(absl::IsFailedPrecondition(refused)) << refused;
    EXPECT_THAT(std::string(refused.message()),
                AllOf(HasSubstr("worker 'another'"), HasSubstr("--sync"), HasSubstr("workers=3"),
                      HasSubstr("a, b, c")));
  }
  EXPECT_EQ(Value(), -2);
  // The same worker in its next life is none more, and who has gone has left its place.
  Connect("b");
  ASSERT_TRUE(workers_.Disconnect({"c", incarnations_["c"]}).ok());
  PendingPush next = Submit("a", 1);
  PendingPush back = Submit("b", 1);
  EXPECT_EQ(Submit("another", 1).Get()->group_step, 2U);
  EXPECT_EQ(next.Get()->group_step, 2U);
  EXPECT_EQ(back.Get()->group_step, 2U);
}

TEST_F(BspTest, WhoMissedADeadlineOfARobustGroupKeepsItsPlace) {
  Start({"bsp:workers=4,quorum=3,aggregate=median,deadline=50ms"}, {"a", "b", "c", "slow", "more"});
  const auto push = [&](const std::vector<std::string>& workers) {
    std::vector<PendingPush> pending;
    for (const std::string& worker : workers) pending.push_back(Submit(worker, 1));
    for (PendingPush& one : pending) one.Get().IgnoreError();
  };
  push({"slow", "a", "b", "c"});
  while (Status().waits.workers > 3) push({"a", "b", "c"});  // a deadline comes without it
  EXPECT_TRUE(absl::IsFailedPrecondition(Submit("more", 1).Get().status()));
  EXPECT_FALSE(absl::IsFailedPrecondition(Submit("slow", 1).Get().status()));
}

TEST_F(BspTest, OthersMayHaveAsManyMembersAsCome) {
  for (const char* const group : {"bsp:workers=2", "bsp:aggregate=median"}) {
    EXPECT_FALSE(ParseGroup(group)->closed) << group;
  }
  Start({"bsp:workers=2"}, {"a", "b", "c"});
  PendingPush a = Submit("a", 1);
  Submit("b", 1).Get().value();
  PendingPush c = Submit("c", 1);
  PendingPush again = Submit("a", 1);
  EXPECT_EQ(Submit("b", 1).Get()->group_step, 2U);
  EXPECT_EQ(c.Get()->group_step, 2U);
}

}  // namespace
}  // namespace varscope::server
