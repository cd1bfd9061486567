// What waits or is idle: how much a few who take all that they get leave to others.
#include "proto/memory/idle_memory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "proto/wire/retry_info.h"

namespace varscope {
namespace {

constexpr uint64_t kKiB = uint64_t{1} << 10;
constexpr uint64_t kMiB = uint64_t{1} << 20;
constexpr uint64_t kLimit = 96 * kMiB;
constexpr uint64_t kLittle = kLimit / IdleMemory::kLittleShare;
constexpr uint64_t kKept = kLimit / MemoryAccount::kReserveShare;

// Takes pieces of at most `most` bytes, and gives some back, until nothing fits any more.
void TakeAll(IdleMemory& idle, const std::vector<std::string>& holders, uint64_t most,
             std::mt19937& random, std::vector<IdleMemory::Hold>& held) {
  for (int i = 0; i < 20000; ++i) {
    const std::string& holder = holders[random() % holders.size()];
    const uint64_t bytes = 1 + random() % most;
    if (!held.empty() && random() % 3 == 0) {
      idle.Extend(held.emplace_back(), holder, bytes).IgnoreError();
    } else if (absl::StatusOr<IdleMemory::Hold> more = idle.Reserve(holder, bytes); more.ok()) {
      held.push_back(*std::move(more));
    }
    if (!held.empty() && random() % 7 == 0) held[random() % held.size()] = {};
  }
}

// Whatever they hold, of whatever size: whoever comes next gets a stream, and names on it, and the
// account has room for small requests of everybody.
TEST(IdleMemoryTest, AFewHoldersLeaveRoomForWhoeverComesNext) {
  std::mt19937 random(3);
  for (const int greedy : {1, 2, 7, 30}) {
    for (const uint64_t most : {16 * kKiB, kMiB, kLimit}) {
      MemoryAccount account(kLimit);
      IdleMemory idle(account);
      std::vector<std::string> holders;
      for (int i = 0; i < greedy; ++i) holders.push_back("greedy" + std::to_string(i));
      std::vector<IdleMemory::Hold> held;
      TakeAll(idle, holders, most, random, held);
      const uint64_t little = greedy * kLittle;
      EXPECT_GE(kLimit - account.used() + little, kKept + (kLimit - kKept) / (greedy + 1));
      for (const std::string& holder : holders) {
        EXPECT_LE(idle.Of(holder), std::max(kLittle, kLimit / 2));
      }
      std::vector<IdleMemory::Hold> others;
      for (int i = 0; i < 8; ++i) {
        absl::StatusOr<IdleMemory::Hold> other =
            idle.Reserve("modest" + std::to_string(i), kLittle);
        ASSERT_TRUE(other.ok()) << other.status() << ", " << greedy << " of " << most;
        others.push_back(*std::move(other));
      }
      EXPECT_TRUE(account.Reserve(MemoryAccount::kSmall).ok());
      held.clear();
      others.clear();
      EXPECT_EQ(account.used(), 0U);
      for (const std::string& holder : holders) EXPECT_EQ(idle.Of(holder), 0U);
    }
  }
}

// One after the other, which is the order in which they get the most.
TEST(IdleMemoryTest, HoldersWhoComeOneAfterTheOtherLeaveEachItsPart) {
  MemoryAccount account(kLimit);
  IdleMemory idle(account);
  std::vector<IdleMemory::Hold> held;
  for (uint64_t holders = 1; holders <= 40; ++holders) {
    IdleMemory::Hold& hold = held.emplace_back();
    while (idle.Extend(hold, std::to_string(holders), 16 * kKiB).ok()) {
    }
    EXPECT_GE(idle.Of(std::to_string(holders)), kLittle);
    EXPECT_GE(kLimit - account.used() + holders * kLittle, kKept + (kLimit - kKept) / (holders + 1))
        << holders;
  }
}

// Even then what small requests need is there.
TEST(IdleMemoryTest, ManyHoldersLeaveRoomForSmallRequests) {
  MemoryAccount account(kLimit);
  IdleMemory idle(account);
  std::vector<IdleMemory::Hold> held;
  for (int i = 0;; ++i) {
    absl::StatusOr<IdleMemory::Hold> one = idle.Reserve(std::to_string(i), 16 * kKiB);
    if (!one.ok()) break;
    held.push_back(*std::move(one));
  }
  EXPECT_GE(kLimit - account.used(), kKept / 2);
  EXPECT_TRUE(account.Reserve(MemoryAccount::kSmall).ok());
}

TEST(IdleMemoryTest, BytesThatTheAccountHasAlreadyCountAndStayWhereTheyAre) {
  MemoryAccount account(kLimit);
  IdleMemory idle(account);
  // Some that wait for others, each with a push.
  std::vector<MemoryAccount::Hold> pushes;
  std::vector<IdleMemory::Hold> waiting;
  for (const char* const worker : {"a", "b", "c"}) {
    pushes.push_back(account.Reserve(16 * kMiB).value());
    waiting.push_back(idle.Count(worker, 16 * kMiB).value());
  }
  EXPECT_EQ(account.used(), 48 * kMiB);
  pushes.push_back(account.Reserve(16 * kMiB).value());
  const absl::Status refused = idle.Count("d", 16 * kMiB).status();
  EXPECT_TRUE(absl::IsResourceExhausted(refused)) << refused;
  EXPECT_TRUE(refused.GetPayload(kRetryAfterKey).has_value());
  EXPECT_THAT(std::string(refused.message()), ::testing::HasSubstr("wait or are idle"));
  EXPECT_EQ(idle.Of("d"), 0U);
  waiting.clear();
  EXPECT_EQ(account.used(), 64 * kMiB);
  EXPECT_TRUE(idle.Count("d", 8 * kMiB).ok());
}

TEST(IdleMemoryTest, AMovedHoldIsGivenBackOnce) {
  MemoryAccount account(kLimit);
  IdleMemory idle(account);
  IdleMemory::Hold hold = idle.Reserve("a", 100).value();
  hold = idle.Reserve("a", 10).value();
  ASSERT_TRUE(idle.Extend(hold, "a", 5).ok());
  EXPECT_EQ(idle.Of("a"), 15U);
  EXPECT_EQ(account.used(), 15U);
  IdleMemory::Hold other = std::move(hold);
  hold = {};
  EXPECT_EQ(idle.Of("a"), 15U);
  other = {};
  other = {};
  EXPECT_EQ(idle.Of("a"), 0U);
  EXPECT_EQ(account.used(), 0U);
}

TEST(IdleMemoryTest, BytesThatWouldWrapDoNotFit) {
  constexpr uint64_t kMax = std::numeric_limits<uint64_t>::max();
  MemoryAccount account(kLimit);
  IdleMemory idle(account);
  const IdleMemory::Hold some = idle.Reserve("a", kMiB).value();
  for (const uint64_t more : {kMax, kMax - kMiB, kMax - kMiB + 1, uint64_t{1} << 63}) {
    EXPECT_FALSE(idle.Reserve("a", more).ok()) << more;
    EXPECT_FALSE(idle.Count("a", more).ok()) << more;
    EXPECT_FALSE(idle.Reserve("b", more).ok()) << more;
  }
  EXPECT_EQ(idle.Of("a"), kMiB);
}

}  // namespace
}  // namespace varscope
