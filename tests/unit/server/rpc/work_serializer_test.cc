// Long work that holds one thread, however much of it waits.
#include "server/rpc/work_serializer.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <new>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/sanitizer.h"
#include "tests/unit/server/failing_memory.h"

namespace varscope::server {
namespace {

// A turn that ends the work.
template <typename F>
auto Once(F f) {
  return [f]() -> std::optional<absl::Status> {
    f();
    return absl::OkStatus();
  };
}

void NobodyAsks(const absl::Status&) {}

class WorkSerializerTest : public ::testing::Test {
 protected:
  // Brings work of so many, and while the first is done, calls `meanwhile`. Returns what each was
  // told, in the order of their numbers.
  template <typename Meanwhile>
  std::vector<absl::Status> Bring(size_t count, Meanwhile meanwhile) {
    std::vector<absl::Status> told(count, absl::UnknownError("nothing yet"));
    const auto tell = [&](size_t i) {
      return [&told, i](const absl::Status& end) { told[i] = end; };
    };
    serializer_.Run(&told[0], Once([&] {
      // Returns at once: this is still at work.
      for (size_t i = 1; i < count; ++i) serializer_.Run(&told[i], Once([] {}), tell(i));
      meanwhile(told);
    }),
                    tell(0));
    return told;
  }

  static constexpr size_t kMost = 20;
  WorkSerializer serializer_{kMost};
};

TEST_F(WorkSerializerTest, WhatIsBroughtMeanwhileWaitsAndHoldsNoThread) {
  std::vector<int> order;
  const auto work = [&](int number) { return Once([&order, number] { order.push_back(number); }); };
  serializer_.Run(nullptr, Once([&] {
                    serializer_.Run(nullptr, work(2), NobodyAsks);
                    serializer_.Run(nullptr, work(3), NobodyAsks);
                    order.push_back(1);
                  }),
                  NobodyAsks);
  EXPECT_EQ(order, (std::vector<int>{1, 2, 3}));
}

TEST_F(WorkSerializerTest, WhatNobodyWaitsForAnyMoreIsNotDone) {
  const std::vector<absl::Status> told = Bring(5, [&](const std::vector<absl::Status>& so_far) {
    serializer_.Leave(&so_far[2]);
    EXPECT_TRUE(absl::IsCancelled(so_far[2]));
    // It has begun, has left, was never there.
    for (const void* who : {&so_far[0], &so_far[2]}) serializer_.Leave(who);
    serializer_.Leave(this);
    EXPECT_TRUE(absl::IsUnknown(so_far[3]));
  });
  for (size_t i = 0; i < told.size(); ++i) EXPECT_EQ(told[i].ok(), i != 2) << told[i];
}

// Work that takes its turns one by one, and others between them.
TEST_F(WorkSerializerTest, WhoLeavesOrIsStoppedDuringATurnHasNoOther) {
  for (const bool leaves : {false, true}) {
    int turns = 0;
    int of_another = 0;
    std::vector<absl::Status> ends;
    const auto turn = [&]() -> std::optional<absl::Status> {
      if (++turns == 10) return absl::OkStatus();
      if (turns == 1) {
        serializer_.Run(&of_another, Once([&] { of_another = turns; }), NobodyAsks);
      }
      if (turns == 5 && leaves) serializer_.Leave(&turns);
      return std::nullopt;
    };
    serializer_.Run(&turns, turn, [&](const absl::Status& end) { ends.push_back(end); });
    EXPECT_EQ(turns, leaves ? 5 : 10);
    ASSERT_EQ(ends.size(), 1U);
    EXPECT_EQ(absl::IsCancelled(ends[0]), leaves) << ends[0];
    EXPECT_EQ(of_another, 1);
  }
}

// Another one of the same place in memory, which has not left.
TEST_F(WorkSerializerTest, WhoeverIsToldMayComeAgain) {
  absl::Status end;
  absl::Status again = absl::UnknownError("nothing yet");
  serializer_.Run(
      this,
      [&]() -> std::optional<absl::Status> {
        serializer_.Leave(this);
        return std::nullopt;
      },
      [&](const absl::Status& left) {
        end = left;
        serializer_.Run(this, Once([] {}), [&](const absl::Status& status) { again = status; });
      });
  EXPECT_TRUE(absl::IsCancelled(end)) << end;
  EXPECT_TRUE(again.ok()) << again;
}

TEST_F(WorkSerializerTest, AStopWaitsForWhatHasBegunAlone) {
  const std::vector<absl::Status> told =
      Bring(5, [&](const std::vector<absl::Status>&) { serializer_.Stop(); });
  EXPECT_TRUE(told[0].ok());
  for (size_t i = 1; i < told.size(); ++i) EXPECT_TRUE(absl::IsUnavailable(told[i])) << told[i];
  EXPECT_TRUE(absl::IsUnavailable(Bring(1, [](const auto&) {})[0]));
}

TEST_F(WorkSerializerTest, SoManyWaitAtATime) {
  for (int again = 0; again < 2; ++again) {
    const std::vector<absl::Status> told =
        Bring(kMost + 3, [](const std::vector<absl::Status>&) {});
    for (size_t i = 0; i < told.size(); ++i) {
      EXPECT_EQ(absl::IsResourceExhausted(told[i]), i > kMost) << i;
      EXPECT_EQ(told[i].ok(), i <= kMost) << i;
    }
  }
}

TEST_F(WorkSerializerTest, WorkWithoutMemoryIsToldOnceAndTheRestGoesOn) {
  int done = 0;
  std::vector<absl::Status> told;
  for (int i = 0; i < 2; ++i) {
    serializer_.Run(
        nullptr,
        [&]() -> std::optional<absl::Status> {
          serializer_.Run(nullptr, Once([&] { ++done; }), NobodyAsks);
          throw std::bad_alloc();
        },
        [&](const absl::Status& end) {
          told.push_back(end);
          throw std::bad_alloc();  // also when it is told
        });
  }
  EXPECT_EQ(done, 2);
  ASSERT_EQ(told.size(), 2U);
  for (const absl::Status& status : told) EXPECT_TRUE(absl::IsUnavailable(status)) << status;
}

// Whichever it is: who brings the work, or whose end it is, is told once.
TEST_F(WorkSerializerTest, EachAllocationMayFail) {
  if (testing::IsSanitized()) GTEST_SKIP() << "the sanitizers have an operator new of their own";
  for (uint64_t k = 0;; ++k) {
    std::vector<absl::Status> told;
    told.reserve(1);
    int turns = 0;
    const testing::FailingMemory failing(k);
    try {
      serializer_.Run(
          this,
          [this, &turns, more = std::string(100, 'x')]() -> std::optional<absl::Status> {
            const std::string text(more);
            if (++turns == 1) return std::nullopt;
            if (turns == 2) return absl::AbortedError(text);
            ADD_FAILURE() << "a turn after its end";
            serializer_.Leave(this);
            return absl::OkStatus();
          },
          [&told](const absl::Status& end) { told.push_back(end); });
    } catch (const std::bad_alloc&) {
    }
    if (!failing.failed()) {
      EXPECT_TRUE(told.size() == 1 && absl::IsAborted(told[0]));
      EXPECT_GT(k, 3U);
      return;
    }
    // The work may not have come into being.
    ASSERT_LE(told.size(), 1U) << "allocation " << k;
    if (turns > 0) {
      ASSERT_EQ(told.size(), 1U) << "allocation " << k;
    }
    if (!told.empty()) {
      ASSERT_TRUE(absl::IsUnavailable(told[0]) || absl::IsAborted(told[0])) << told[0];
    }
  }
}

TEST_F(WorkSerializerTest, OneAtATimeAndNoneIsForgotten) {
  constexpr int kThreads = 8;
  constexpr int kEach = 200;
  std::atomic<int> at_work = 0;
  std::atomic<int> done = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < kEach; ++i) {
        serializer_.Run(nullptr, Once([&] {
                          EXPECT_EQ(++at_work, 1);
                          --at_work;
                        }),
                        [&](const absl::Status&) { ++done; });
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  // Whoever brought the last did it, or left it to one who had not returned yet.
  EXPECT_EQ(done, kThreads * kEach);
}

}  // namespace
}  // namespace varscope::server
