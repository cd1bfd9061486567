// Changes side by side, and a rollback alone.
#include "server/store/changes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <optional>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "proto/wire/retry_info.h"

namespace varscope::server {
namespace {

using ::testing::HasSubstr;

TEST(ChangesTest, NoChangeWaitsForARollback) {
  Changes changes;
  { EXPECT_TRUE(changes.Lock().ok()); }
  {
    const auto alone = changes.LockOut();
    // On this thread, which a wait would keep for ever.
    const absl::Status refused = changes.Lock().status();
    EXPECT_TRUE(absl::IsUnavailable(refused)) << refused;
    EXPECT_THAT(std::string(refused.message()), HasSubstr("is being rolled back"));
    EXPECT_TRUE(refused.GetPayload(kRetryAfterKey).has_value());
  }
  EXPECT_TRUE(changes.Lock().ok());
}

// A step whose gradients were all left out locks no variable: nothing else keeps it out of a cut.
TEST(ChangesTest, ACutLiesBetweenTwoCommitsWhateverTheyChange) {
  Changes changes;
  CompletionRecords records;
  uint64_t* const step = changes.GroupStep("g");
  std::atomic<uint64_t> logged = 0;
  std::atomic<bool> over = false;
  class Entry final : public PushEntry {
   public:
    explicit Entry(std::atomic<uint64_t>& logged) : logged_(logged) {}
    void ReadValues() noexcept override {}
    void Append(const PushResult&) noexcept override { ++logged_; }

   private:
    std::atomic<uint64_t>& logged_;
  };
  std::thread pusher([&] {
    Entry entry(logged);
    for (uint64_t i = 1; !over; ++i) {
      absl::StatusOr<CompletionRecords::InFlightPush> push = records.Begin({"w", 1, i});
      push->Reserve();
      PushResult result;
      changes.Commit(*push, true, step, &entry, result);
    }
  });
  for (int i = 0; i < 2000 || logged < 100; ++i) {
    uint64_t position = 0;
    std::vector<CompletionRecords::Entry> entries;
    const Steps steps = changes.Cut([&] {
      position = logged;
      entries = records.entries();
    });
    ASSERT_EQ(steps.global, position);
    ASSERT_EQ(steps.groups.empty() ? 0 : steps.groups.at("g"), position);
    ASSERT_EQ(entries.empty() ? 0 : entries.back().id.sequence, position);
  }
  over = true;
  pusher.join();
}

TEST(ChangesTest, NoChangeBeginsWhileARollbackWaitsForOthers) {
  Changes changes;
  absl::StatusOr<ChangesLock> under_way = changes.Lock();
  ASSERT_TRUE(under_way.ok());
  std::atomic<bool> has_it = false;
  std::thread rollback([&] {
    const auto alone = changes.LockOut();
    has_it = true;
  });
  while (changes.Lock().ok()) std::this_thread::yield();
  EXPECT_FALSE(has_it);
  under_way->unlock();
  rollback.join();
  EXPECT_TRUE(has_it);
  EXPECT_TRUE(changes.Lock().ok());
}

// Changes that overlap never keep one out, and no change runs beside one.
TEST(ChangesTest, ManyOfBoth) {
  Changes changes;
  std::atomic<int> under_way = 0;
  std::atomic<int> alone = 0;
  std::atomic<bool> over = false;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      while (!over) {
        const absl::StatusOr<ChangesLock> lock = changes.Lock();
        if (!lock.ok()) continue;
        ++under_way;
        EXPECT_EQ(alone, 0);
        --under_way;
      }
    });
  }
  for (int i = 0; i < 200; ++i) {
    const auto lock = changes.LockOut();
    ++alone;
    EXPECT_EQ(under_way, 0);
    --alone;
  }
  over = true;
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace varscope::server
