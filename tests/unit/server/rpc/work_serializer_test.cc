// Long work that holds one thread, however much of it waits.
#include "server/rpc/work_serializer.h"

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <new>
#include <thread>
#include <vector>

namespace varscope::server {
namespace {

class WorkSerializerTest : public ::testing::Test {
 protected:
  // Brings work of so many, and while the first is done, calls `meanwhile`. Returns what each was
  // told, in the order of their numbers.
  template <typename Meanwhile>
  std::vector<absl::Status> Bring(size_t count, Meanwhile meanwhile) {
    std::vector<absl::Status> told(count, absl::UnknownError("nothing yet"));
    const auto work = [&](size_t i) {
      return [&told, i](const absl::Status& may) { told[i] = may; };
    };
    serializer_.Run(&told[0], [&](const absl::Status& may) {
      // Returns at once: this is still at work.
      for (size_t i = 1; i < count; ++i) serializer_.Run(&told[i], work(i));
      meanwhile(told);
      told[0] = may;
    });
    return told;
  }

  static constexpr size_t kMost = 20;
  WorkSerializer serializer_{kMost};
};

TEST_F(WorkSerializerTest, WhatIsBroughtMeanwhileWaitsAndHoldsNoThread) {
  std::vector<int> order;
  const auto work = [&](int number) {
    return [&order, number](const absl::Status&) { order.push_back(number); };
  };
  serializer_.Run(nullptr, [&](const absl::Status&) {
    serializer_.Run(nullptr, work(2));
    serializer_.Run(nullptr, work(3));
    order.push_back(1);
  });
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
TEST_F(WorkSerializerTest, WhoLeavesDuringATurnHasNoOther) {
  for (const bool leaves : {false, true}) {
    int turns = 0;
    int of_another = 0;
    absl::Status end;
    std::function<void(const absl::Status&)> turn = [&](const absl::Status& may) {
      end = may;
      if (!may.ok() || ++turns == 10) return;
      if (turns == 1) {
        serializer_.Run(&of_another, [&](const absl::Status&) { of_another = turns; });
      }
      if (turns == 5 && leaves) serializer_.Leave(&turns);
      serializer_.Run(&turns, turn);
    };
    serializer_.Run(&turns, turn);
    EXPECT_EQ(turns, leaves ? 5 : 10);
    EXPECT_EQ(absl::IsCancelled(end), leaves);
    EXPECT_EQ(of_another, 1);
  }
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

TEST_F(WorkSerializerTest, WorkWithoutMemoryIsToldAndTheRestGoesOn) {
  int done = 0;
  int told = 0;
  for (int i = 0; i < 2; ++i) {
    serializer_.Run(nullptr, [&](const absl::Status& may) {
      if (may.ok()) serializer_.Run(nullptr, [&](const absl::Status&) { ++done; });
      told += absl::IsResourceExhausted(may) ? 1 : 0;
      throw std::bad_alloc();  // also when it is told
    });
  }
  EXPECT_EQ(told, 2);
  EXPECT_EQ(done, 2);
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
        serializer_.Run(nullptr, [&](const absl::Status& may) {
          ++done;
          if (!may.ok()) return;
          EXPECT_EQ(++at_work, 1);
          --at_work;
        });
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  // Whoever brought the last did it, or left it to one who had not returned yet.
  EXPECT_EQ(done, kThreads * kEach);
}

}  // namespace
}  // namespace varscope::server
