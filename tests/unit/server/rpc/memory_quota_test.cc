// The memory quota of calls in flight: the limit, the shares, releasing.
#include "server/rpc/memory_quota.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "proto/wire/retry_info.h"

namespace varscope::server {
namespace {

constexpr uint64_t kMiB = uint64_t{1} << 20;
// Of which 100 MiB are for small calls.
constexpr uint64_t kLimit = 1600 * kMiB;
constexpr uint64_t kLarge = 1500 * kMiB;

TEST(MemoryQuotaTest, WhatIsReleasedCanBeAcquiredAgain) {
  MemoryQuota memory_quota(kLimit);
  {
    const MemoryQuota::Reservation all = memory_quota.Acquire("a", kLarge).value();
    EXPECT_EQ(memory_quota.used(), kLarge);
    const absl::Status full = memory_quota.Acquire("b", kMiB).status();
    EXPECT_TRUE(absl::IsResourceExhausted(full));
    EXPECT_TRUE(full.GetPayload(kRetryAfterKey).has_value());
    EXPECT_THAT(std::string(full.message()), ::testing::HasSubstr("--max-inflight-bytes"));
  }
  EXPECT_EQ(memory_quota.used(), 0U);
  EXPECT_TRUE(memory_quota.Acquire("b", kMiB).ok());
}

TEST(MemoryQuotaTest, AWorkerBeyondItsShareLeavesRoomForOthers) {
  MemoryQuota memory_quota(kLimit);
  const MemoryQuota::Reservation some = memory_quota.Acquire("greedy", 700 * kMiB).value();
  const MemoryQuota::Reservation other = memory_quota.Acquire("modest", 60 * kMiB).value();
  // Half is taken: now the share counts, 750 MiB for each of two.
  EXPECT_FALSE(memory_quota.Acquire("greedy", 100 * kMiB).ok());
  EXPECT_TRUE(memory_quota.Acquire("modest", 600 * kMiB).ok());
}

TEST(MemoryQuotaTest, WhoComesFirstMayAcquireMoreThanTheLimit) {
  MemoryQuota memory_quota(kLimit);
  EXPECT_TRUE(memory_quota.Acquire("a", 10 * kLimit).ok());
}

// However much the large ones hold, a small call gets through; and small ones leave the rest alone.
TEST(MemoryQuotaTest, SmallCallsHaveAPartOfTheirOwn) {
  MemoryQuota memory_quota(kLimit);
  const MemoryQuota::Reservation hog = memory_quota.Acquire("hog", 10 * kLimit).value();
  std::vector<MemoryQuota::Reservation> small;
  for (uint64_t i = 0; i < kLimit / MemoryQuota::kSmallShare / MemoryQuota::kSmall; ++i) {
    small.push_back(memory_quota.Acquire("w" + std::to_string(i), MemoryQuota::kSmall).value());
  }
  EXPECT_FALSE(memory_quota.Acquire("w", 1).ok());
  EXPECT_FALSE(memory_quota.Acquire("w", MemoryQuota::kSmall + 1).ok());
  small.pop_back();
  EXPECT_TRUE(memory_quota.Acquire("w", MemoryQuota::kSmall).ok());
  small.clear();
  EXPECT_EQ(memory_quota.used(), 10 * kLimit);
}

TEST(MemoryQuotaTest, AMovedReservationIsReleasedOnce) {
  for (const uint64_t bytes : {uint64_t{10}, 10 * kMiB}) {
    MemoryQuota memory_quota(kLimit);
    MemoryQuota::Reservation reservation;
    reservation = memory_quota.Acquire("a", 60 * kMiB).value();
    reservation = memory_quota.Acquire("a", bytes).value();
    EXPECT_EQ(memory_quota.used(), bytes);
    reservation.Release();
    reservation.Release();
    EXPECT_EQ(memory_quota.used(), 0U);
  }
}

TEST(MemoryQuotaTest, BytesThatWouldWrapDoNotFit) {
  constexpr uint64_t kMax = std::numeric_limits<uint64_t>::max();
  MemoryQuota memory_quota(kLimit);
  {
    const auto first = memory_quota.Acquire("a", uint64_t{1} << 63);
    ASSERT_TRUE(first.ok());
    for (const uint64_t more : {uint64_t{1} << 63, (uint64_t{1} << 63) + 5, kMax}) {
      EXPECT_FALSE(memory_quota.Acquire("b", more).ok()) << more;
      EXPECT_FALSE(memory_quota.Acquire("a", more).ok()) << more;
    }
  }
  const auto few = memory_quota.Acquire("a", 60 * kMiB);
  EXPECT_FALSE(memory_quota.Acquire("b", kMax - 60 * kMiB + 1).ok());
  EXPECT_FALSE(memory_quota.Acquire("a", kMax - 60 * kMiB + 1).ok());
  EXPECT_EQ(memory_quota.used(), 60 * kMiB);
}

}  // namespace
}  // namespace varscope::server
