// The memory quota of calls in flight: the limit, the shares, releasing.
#include "server/rpc/memory_quota.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/status/status.h"
#include "proto/wire/retry_info.h"

namespace varscope::server {
namespace {

TEST(MemoryQuotaTest, WhatIsReleasedCanBeAcquiredAgain) {
  MemoryQuota memory_quota(100);
  {
    const MemoryQuota::Reservation all = memory_quota.Acquire("a", 100).value();
    EXPECT_EQ(memory_quota.used(), 100U);
    const absl::Status full = memory_quota.Acquire("b", 1).status();
    EXPECT_TRUE(absl::IsResourceExhausted(full));
    EXPECT_TRUE(full.GetPayload(kRetryAfterKey).has_value());
    EXPECT_THAT(std::string(full.message()), ::testing::HasSubstr("--max-inflight-bytes"));
  }
  EXPECT_EQ(memory_quota.used(), 0U);
  EXPECT_TRUE(memory_quota.Acquire("b", 1).ok());
}

TEST(MemoryQuotaTest, AWorkerBeyondItsShareLeavesRoomForOthers) {
  MemoryQuota memory_quota(100);
  const MemoryQuota::Reservation some = memory_quota.Acquire("greedy", 45).value();
  const MemoryQuota::Reservation other = memory_quota.Acquire("modest", 5).value();
  // Half is taken: now the share counts, 50 for each of two.
  EXPECT_FALSE(memory_quota.Acquire("greedy", 10).ok());
  EXPECT_TRUE(memory_quota.Acquire("modest", 40).ok());
}

TEST(MemoryQuotaTest, WhoComesFirstMayAcquireMoreThanTheLimit) {
  MemoryQuota memory_quota(100);
  EXPECT_TRUE(memory_quota.Acquire("a", 1000).ok());
}

TEST(MemoryQuotaTest, AMovedReservationIsReleasedOnce) {
  MemoryQuota memory_quota(100);
  MemoryQuota::Reservation reservation;
  reservation = memory_quota.Acquire("a", 60).value();
  reservation = memory_quota.Acquire("a", 10).value();
  EXPECT_EQ(memory_quota.used(), 10U);
  reservation.Release();
  reservation.Release();
  EXPECT_EQ(memory_quota.used(), 0U);
}

TEST(MemoryQuotaTest, BytesThatWouldWrapDoNotFit) {
  constexpr uint64_t kMax = std::numeric_limits<uint64_t>::max();
  MemoryQuota memory_quota(100);
  {
    const auto first = memory_quota.Acquire("a", uint64_t{1} << 63);
    ASSERT_TRUE(first.ok());
    for (const uint64_t more : {uint64_t{1} << 63, (uint64_t{1} << 63) + 5, kMax}) {
      EXPECT_FALSE(memory_quota.Acquire("b", more).ok()) << more;
      EXPECT_FALSE(memory_quota.Acquire("a", more).ok()) << more;
    }
  }
  const auto few = memory_quota.Acquire("a", 60);
  EXPECT_FALSE(memory_quota.Acquire("b", kMax - 59).ok());
  EXPECT_FALSE(memory_quota.Acquire("a", kMax - 59).ok());
  EXPECT_EQ(memory_quota.used(), 60U);
}

}  // namespace
}  // namespace varscope::server
