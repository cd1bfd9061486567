// The memory quota of calls in flight: the limit, the shares, releasing.
#include "server/rpc/memory_quota.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <random>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "proto/wire/retry_info.h"

namespace varscope::server {
namespace {

constexpr uint64_t kMiB = uint64_t{1} << 20;
// Of which 100 MiB are for small calls.
constexpr uint64_t kLimit = 1600 * kMiB;
// Of the rest.
constexpr uint64_t kHalf = 750 * kMiB;

TEST(MemoryQuotaTest, WhatIsReleasedCanBeAcquiredAgain) {
  MemoryQuota memory_quota(kLimit);
  {
    const MemoryQuota::Reservation half = memory_quota.Acquire("a", kHalf).value();
    const MemoryQuota::Reservation rest = memory_quota.Acquire("b", kHalf).value();
    EXPECT_EQ(memory_quota.used(), 2 * kHalf);
    const absl::Status full = memory_quota.Acquire("c", kMiB).status();
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
  // What is left is 740 MiB: one of them would hold more than the rest then, the other not.
  const absl::Status refused = memory_quota.Acquire("greedy", 100 * kMiB).status();
  EXPECT_THAT(std::string(refused.message()), ::testing::HasSubstr("worker 'greedy'"));
  EXPECT_TRUE(memory_quota.Acquire("modest", 300 * kMiB).ok());
}

// Whatever some workers announce, of whatever size, and however often they try: there is room for
// the first call of another one, small or not.
TEST(MemoryQuotaTest, WhoTakesAllThatHeGetsLeavesRoomForOthers) {
  std::mt19937 random(7);
  for (const size_t greedy : {1, 2, 5}) {
    for (const uint64_t most : {MemoryQuota::kSmall, 16 * kMiB, kHalf / 8}) {
      MemoryQuota memory_quota(kLimit);
      std::vector<MemoryQuota::Reservation> held;
      for (int i = 0; i < 20000; ++i) {
        const std::string worker = "greedy" + std::to_string(random() % greedy);
        auto more = memory_quota.Acquire(worker, 1 + random() % most);
        if (more.ok()) held.push_back(*std::move(more));
        // Now and then one ends.
        if (i % 7 == 0) held[random() % held.size()].Release();
      }
      EXPECT_LE(memory_quota.used(), greedy == 1 ? kLimit / 2 : kLimit);
      std::vector<MemoryQuota::Reservation> others;
      for (const uint64_t bytes : {uint64_t{16}, MemoryQuota::kSmall, kMiB}) {
        auto other = memory_quota.Acquire("modest" + std::to_string(bytes), bytes);
        ASSERT_TRUE(other.ok()) << other.status();
        others.push_back(*std::move(other));
      }
      held.clear();
      others.clear();
      EXPECT_EQ(memory_quota.used(), 0U);
    }
  }
}

TEST(MemoryQuotaTest, OneLargeCallOfAnySizeGoesAtATimeAndNobodyElseWaitsForIt) {
  MemoryQuota memory_quota(kLimit);
  MemoryQuota::Reservation large = memory_quota.Acquire("a", 10 * kLimit).value();
  const absl::Status second = memory_quota.Acquire("b", kHalf + 1).status();
  EXPECT_TRUE(absl::IsResourceExhausted(second));
  EXPECT_TRUE(second.GetPayload(kRetryAfterKey).has_value());
  const MemoryQuota::Reservation half = memory_quota.Acquire("b", kHalf).value();
  const MemoryQuota::Reservation rest = memory_quota.Acquire("c", kHalf).value();
  EXPECT_FALSE(memory_quota.Acquire("d", kMiB).ok());
  large.Release();
  EXPECT_TRUE(memory_quota.Acquire("b", kHalf + 1).ok());
  EXPECT_EQ(memory_quota.used(), 2 * kHalf);
}

// A step of a group is complete when all have brought theirs, however large they are together.
TEST(MemoryQuotaTest, WhoWaitsForOthersLeavesThemRoom) {
  MemoryQuota memory_quota(kLimit);
  std::vector<MemoryQuota::Reservation> waiting;
  for (const char* const worker : {"a", "b", "c", "d", "e"}) {
    waiting.push_back(memory_quota.Acquire(worker, kHalf).value());
    waiting.back().Park();
    waiting.push_back(memory_quota.Acquire(worker + std::string("-large"), 2 * kLimit).value());
    waiting.back().Park();
  }
  EXPECT_EQ(memory_quota.used(), 0U);
  // One of each worker.
  MemoryQuota::Reservation second = memory_quota.Acquire("a", kHalf).value();
  second.Park();
  EXPECT_EQ(memory_quota.used(), kHalf);
  waiting.clear();
  second.Park();
  EXPECT_EQ(memory_quota.used(), 0U);
  second.Release();
  EXPECT_EQ(memory_quota.used(), 0U);
}

// However much the large ones hold, a small call gets through; and small ones leave the rest alone.
TEST(MemoryQuotaTest, SmallCallsHaveAPartOfTheirOwn) {
  MemoryQuota memory_quota(kLimit);
  const MemoryQuota::Reservation hog = memory_quota.Acquire("hog", 10 * kLimit).value();
  std::vector<MemoryQuota::Reservation> small;
  for (uint64_t i = 0; i < kLimit / MemoryQuota::kSmallShare / MemoryQuota::kSmall; ++i) {
    small.push_back(memory_quota.Acquire("w" + std::to_string(i), MemoryQuota::kSmall).value());
  }
  const MemoryQuota::Reservation half = memory_quota.Acquire("a", kHalf).value();
  const MemoryQuota::Reservation rest = memory_quota.Acquire("b", kHalf).value();
  EXPECT_FALSE(memory_quota.Acquire("w", 1).ok());
  EXPECT_FALSE(memory_quota.Acquire("w", MemoryQuota::kSmall + 1).ok());
  small.pop_back();
  EXPECT_TRUE(memory_quota.Acquire("w", MemoryQuota::kSmall).ok());
  small.clear();
  EXPECT_EQ(memory_quota.used(), 10 * kLimit + 2 * kHalf);
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
  EXPECT_EQ(memory_quota.used(), 0U);
}

}  // namespace
}  // namespace varscope::server
