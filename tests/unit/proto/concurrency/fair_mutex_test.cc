// Whoever came first is first, also before those who come again and again.
#include "proto/concurrency/fair_mutex.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

namespace varscope {
namespace {

// Knows when a thread of it waits.
class Waiting final : public CompensatingPool {
 public:
  void BeginCompensatedBlock() noexcept override { ++waiting; }
  void EndCompensatedBlock() noexcept override {}

  std::atomic<int> waiting = 0;
};

TEST(FairMutexTest, InTheOrderInWhichTheyCame) {
  constexpr int kThreads = 8;
  FairMutex mutex;
  Waiting pool;
  std::vector<int> order;
  std::vector<std::thread> threads;
  {
    const FairLock lock(mutex);
    for (int i = 0; i < kThreads; ++i) {
      threads.emplace_back([&, i] {
        BlockingRegion::SetPool(&pool);
        const FairLock turn(mutex);
        order.push_back(i);
      });
      while (pool.waiting <= i) std::this_thread::yield();
    }
  }
  // Behind them all.
  const FairLock lock(mutex);
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3, 4, 5, 6, 7}));
  for (std::thread& thread : threads) thread.join();
}

TEST(FairMutexTest, OneAtATime) {
  FairMutex mutex;
  int count = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 2000; ++i) {
        const FairLock lock(mutex);
        ++count;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(count, 8000);
}

}  // namespace
}  // namespace varscope
