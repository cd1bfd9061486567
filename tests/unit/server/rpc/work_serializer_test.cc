// Long work that holds one thread, however much of it waits.
#include "server/rpc/work_serializer.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace varscope::server {
namespace {

TEST(WorkSerializerTest, WhatIsBroughtMeanwhileWaitsAndHoldsNoThread) {
  WorkSerializer serializer;
  std::vector<int> order;
  serializer.Run([&] {
    // Returns at once: this is still at work.
    serializer.Run([&] { order.push_back(2); });
    serializer.Run([&] { order.push_back(3); });
    order.push_back(1);
  });
  EXPECT_EQ(order, (std::vector<int>{1, 2, 3}));
}

TEST(WorkSerializerTest, OneAtATimeAndNoneIsForgotten) {
  WorkSerializer serializer;
  constexpr int kThreads = 8;
  constexpr int kEach = 200;
  std::atomic<int> at_work = 0;
  std::atomic<int> done = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < kEach; ++i) {
        serializer.Run([&] {
          EXPECT_EQ(++at_work, 1);
          --at_work;
          ++done;
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
