// A pool of fewer threads than it wanted, or none, does the same work.
#include "proto/concurrency/thread_pool.h"

#include <dlfcn.h>
#include <gtest/gtest.h>
#include <pthread.h>

#include <atomic>
#include <cerrno>
#include <vector>

namespace varscope {
namespace {

constexpr int kNoLimit = 1 << 30;
// How many more threads this process gets.
std::atomic<int> threads_left{kNoLimit};

}  // namespace
}  // namespace varscope

// In place of the system's, for the whole test program.
extern "C" int pthread_create(pthread_t* thread, const pthread_attr_t* attributes,
                              void* (*run)(void*), void* argument) noexcept {
  if (varscope::threads_left != varscope::kNoLimit && varscope::threads_left-- <= 0) return EAGAIN;
  static const auto next =
      reinterpret_cast<decltype(&pthread_create)>(dlsym(RTLD_NEXT, "pthread_create"));
  return next(thread, attributes, run, argument);
}

namespace varscope {
namespace {

// Never ends, as the process's own do not.
ThreadPool& PoolOf(int wanted, int given) {
  static auto* const pools = new std::vector<ThreadPool*>;
  threads_left = given;
  pools->push_back(new ThreadPool(wanted, /*spins=*/false));
  threads_left = kNoLimit;
  return *pools->back();
}

TEST(ThreadPoolTest, WorkIsDoneByAsManyThreadsAsThereAre) {
  constexpr unsigned kParts = 200;
  for (const int given : {0, 1, 3, 7}) {
    ThreadPool& pool = PoolOf(/*wanted=*/7, given);
    ASSERT_EQ(pool.threads(), given);
    for (int round = 0; round < 20; ++round) {
      std::atomic<unsigned> parts = 0;
      Eigen::Barrier done(kParts);
      for (unsigned i = 0; i < kParts; ++i) {
        pool.Schedule([&] {
          ++parts;
          done.Notify();
        });
      }
      done.Wait();
      EXPECT_EQ(parts, kParts);
    }
  }
}

}  // namespace
}  // namespace varscope
