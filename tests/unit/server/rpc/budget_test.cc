// Bytes of calls under way: the limit, the shares, giving back.
#include "server/rpc/budget.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/status/status.h"
#include "proto/core/advice.h"

namespace varscope::server {
namespace {

TEST(BudgetTest, WhatIsGivenBackCanBeTakenAgain) {
  Budget budget(100);
  {
    const Budget::Charge all = budget.Take("a", 100).value();
    EXPECT_EQ(budget.used(), 100U);
    const absl::Status full = budget.Take("b", 1).status();
    EXPECT_TRUE(absl::IsResourceExhausted(full));
    EXPECT_TRUE(full.GetPayload(kRetryAfterKey).has_value());
    EXPECT_THAT(std::string(full.message()), ::testing::HasSubstr("--max-inflight-bytes"));
  }
  EXPECT_EQ(budget.used(), 0U);
  EXPECT_TRUE(budget.Take("b", 1).ok());
}

TEST(BudgetTest, AWorkerBeyondItsShareLeavesRoomForOthers) {
  Budget budget(100);
  const Budget::Charge some = budget.Take("greedy", 45).value();
  const Budget::Charge other = budget.Take("modest", 5).value();
  // Half is taken: now the share counts, 50 for each of two.
  EXPECT_FALSE(budget.Take("greedy", 10).ok());
  EXPECT_TRUE(budget.Take("modest", 40).ok());
}

TEST(BudgetTest, WhoComesFirstMayTakeMoreThanTheLimit) {
  Budget budget(100);
  EXPECT_TRUE(budget.Take("a", 1000).ok());
}

TEST(BudgetTest, AMovedChargeIsGivenBackOnce) {
  Budget budget(100);
  Budget::Charge charge;
  charge = budget.Take("a", 60).value();
  charge = budget.Take("a", 10).value();
  EXPECT_EQ(budget.used(), 10U);
  charge.Release();
  charge.Release();
  EXPECT_EQ(budget.used(), 0U);
}

TEST(BudgetTest, BytesThatWouldWrapDoNotFit) {
  constexpr uint64_t kMax = std::numeric_limits<uint64_t>::max();
  Budget budget(100);
  {
    const auto first = budget.Take("a", uint64_t{1} << 63);
    ASSERT_TRUE(first.ok());
    for (const uint64_t more : {uint64_t{1} << 63, (uint64_t{1} << 63) + 5, kMax}) {
      EXPECT_FALSE(budget.Take("b", more).ok()) << more;
      EXPECT_FALSE(budget.Take("a", more).ok()) << more;
    }
  }
  const auto few = budget.Take("a", 60);
  EXPECT_FALSE(budget.Take("b", kMax - 59).ok());
  EXPECT_FALSE(budget.Take("a", kMax - 59).ok());
  EXPECT_EQ(budget.used(), 60U);
}

}  // namespace
}  // namespace varscope::server
