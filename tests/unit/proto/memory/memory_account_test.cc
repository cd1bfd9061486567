// The account of memory: the limit, the reserve for small takes, holds, what is reclaimed.
#include "proto/memory/memory_account.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "proto/tensor/allocate.h"
#include "proto/tensor/block_pool.h"
#include "proto/wire/retry_info.h"
#include "tests/support/sanitizer.h"

namespace varscope {
namespace {

constexpr uint64_t kMiB = uint64_t{1} << 20;
constexpr uint64_t kLimit = 16 * kMiB;  // of which 1 MiB is for small takes

TEST(MemoryAccountTest, WhatDoesNotFitIsNotTaken) {
  MemoryAccount account(kLimit);
  EXPECT_FALSE(account.TryTake(15 * kMiB + 1));
  EXPECT_EQ(account.used(), 0U);
  EXPECT_TRUE(account.TryTake(15 * kMiB));
  EXPECT_FALSE(account.TryTake(kMiB));
  account.Give(15 * kMiB);
  EXPECT_EQ(account.used(), 0U);
}

TEST(MemoryAccountTest, SmallTakesHaveAReserve) {
  MemoryAccount account(kLimit);
  ASSERT_TRUE(account.TryTake(15 * kMiB));
  for (uint64_t taken = 0; taken < kMiB; taken += MemoryAccount::kSmall) {
    EXPECT_FALSE(account.TryTake(MemoryAccount::kSmall + 1));
    EXPECT_TRUE(account.TryTake(MemoryAccount::kSmall));
  }
  EXPECT_FALSE(account.TryTake(1));
  EXPECT_TRUE(account.TryTake(0));
}

TEST(MemoryAccountTest, SumsDoNotWrap) {
  constexpr uint64_t kMax = std::numeric_limits<uint64_t>::max();
  MemoryAccount account(kLimit);
  ASSERT_TRUE(account.TryTake(100));
  for (const uint64_t bytes : {kMax, kMax - 99, kMax - 100, uint64_t{1} << 63}) {
    EXPECT_FALSE(account.TryTake(bytes));
  }
  EXPECT_EQ(account.used(), 100U);
}

TEST(MemoryAccountTest, AHoldGivesBackOnce) {
  MemoryAccount account(kLimit);
  {
    MemoryAccount::Hold first = account.TryHold(100);
    MemoryAccount::Hold second = std::move(first);
    EXPECT_TRUE(second);
    second = account.TryHold(30);
    EXPECT_EQ(account.used(), 30U);
    EXPECT_FALSE(account.TryHold(kLimit));
    MemoryAccount::Hold kept = account.TryHold(5);
    kept.Keep();
  }
  EXPECT_EQ(account.used(), 5U);
}

// What is taken piece by piece is as large as all of it together.
TEST(MemoryAccountTest, AHoldGrowsAndItsSumDecidesWhetherItIsSmall) {
  MemoryAccount account(kLimit);
  {
    MemoryAccount::Hold hold;
    ASSERT_TRUE(account.Extend(hold, 100).ok());
    uint64_t taken = 100;
    absl::Status status;
    while ((status = account.Extend(hold, 1000)).ok()) taken += 1000;
    EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
    EXPECT_EQ(account.used(), taken);
    EXPECT_LE(taken, 15 * kMiB);
    EXPECT_GT(taken, 15 * kMiB - 1000);
    // A small one still has its reserve.
    MemoryAccount::Hold small;
    EXPECT_TRUE(account.Extend(small, MemoryAccount::kSmall).ok());
    EXPECT_FALSE(account.Extend(small, 1000).ok());
    const MemoryAccount::Hold moved = std::move(hold);
    EXPECT_EQ(account.used(), taken + MemoryAccount::kSmall);
  }
  EXPECT_EQ(account.used(), 0U);
}

// Whatever was decided already is counted; then nothing fits until as much has been given back.
TEST(MemoryAccountTest, WhatCannotBeRefusedCounts) {
  MemoryAccount account(kLimit);
  const MemoryAccount::Hold more = account.HoldAnyway(2 * kLimit);
  EXPECT_FALSE(account.Allows(1));
  EXPECT_FALSE(account.TryTake(1));
  account.SetLimit(3 * kLimit);
  EXPECT_TRUE(account.Allows(1));
  EXPECT_TRUE(account.TryTake(1));
}

TEST(MemoryAccountTest, ARefusalSaysWhetherTryingAgainHelps) {
  MemoryAccount account(kLimit);
  ASSERT_TRUE(account.TryTake(15 * kMiB));
  const absl::Status later = account.Refusal(kMiB);
  EXPECT_TRUE(absl::IsResourceExhausted(later));
  EXPECT_THAT(std::string(later.message()), ::testing::HasSubstr("--memory-limit"));
  EXPECT_TRUE(later.GetPayload(kRetryAfterKey).has_value());
  EXPECT_FALSE(account.Refusal(kLimit).GetPayload(kRetryAfterKey).has_value());
  EXPECT_FALSE(MemoryAccount().Refusal(kLimit).GetPayload(kRetryAfterKey).has_value());
}

TEST(MemoryAccountTest, ThreadsNeverPassTheLimitTogether) {
  MemoryAccount account(kLimit);
  std::atomic<bool> passed = false;
  std::vector<std::thread> threads;
  for (unsigned seed = 0; seed < 4; ++seed) {
    threads.emplace_back([&, seed] {
      std::mt19937 random(seed);
      for (int i = 0; i < 20000; ++i) {
        const MemoryAccount::Hold hold = account.TryHold(random() % (8 * kMiB));
        if (account.used() > kLimit) passed = true;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_FALSE(passed);
  EXPECT_EQ(account.used(), 0U);
}

// Of all sizes, so in each way in which blocks are had.
TEST(MemoryAccountTest, BlocksOfTensorsCount) {
  MemoryAccount& account = MemoryAccount::Process();
  const uint64_t before = account.used();
  {
    std::vector<Tensor> tensors;
    uint64_t bytes = 0;
    for (const int64_t size : {0, 1, 1000, 70'000, 3'000'000}) {
      tensors.push_back(TryAllocate(DType::kUint8, Shape{size}).value());
      bytes += size;
      EXPECT_GE(account.used(), before + bytes);
      EXPECT_LE(account.used(), before + bytes + tensors.size() * 256);
      const Tensor shared = tensors.back();
    }
  }
  BlockPool::Process()->FreeKept();
  EXPECT_LE(account.used(), before);
}

// Blocks that are kept for later do not stand in the way.
TEST(MemoryAccountTest, KeptBlocksAreFreedForOthers) {
  MemoryAccount& account = MemoryAccount::Process();
  BlockPool::Process()->FreeKept();
  { const Tensor kept = TryAllocate(DType::kUint8, Shape{10 * kMiB}).value(); }
  account.SetLimit(account.used() + kMiB);
  const absl::StatusOr<Tensor> other = TryAllocate(DType::kUint8, Shape{4 * kMiB});
  const absl::StatusOr<Tensor> large = TryAllocate(DType::kUint8, Shape{100 * kMiB});
  account.SetLimit(MemoryAccount::kUnlimited);
  // A sanitizer's blocks are not kept.
  if (!testing::IsSanitized()) {
    EXPECT_TRUE(other.ok()) << other.status();
  }
  EXPECT_TRUE(absl::IsResourceExhausted(large.status()));
}

}  // namespace
}  // namespace varscope
