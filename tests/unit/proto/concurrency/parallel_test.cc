// Loops on several cores.
#include "proto/concurrency/parallel.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <thread>
#include <vector>

namespace varscope {
namespace {

TEST(ParallelForTest, CoversEachItemOnce) {
  for (const size_t n :
       {size_t{0}, size_t{1}, size_t{63}, size_t{64}, size_t{1000}, size_t{99999}}) {
    std::vector<int> touched(n);
    ParallelFor(n, 10, [&](size_t begin, size_t end) {
      for (size_t i = begin; i < end; ++i) ++touched[i];
    });
    EXPECT_EQ(std::count(touched.begin(), touched.end(), 1), static_cast<int64_t>(n));
  }
}

TEST(ParallelForTest, ServesSeveralCallersAtOnce) {
  std::atomic<int64_t> sum{0};
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 8; ++caller) {
    callers.emplace_back([&] {
      for (int round = 0; round < 50; ++round) {
        ParallelFor(1000, 1, [&](size_t begin, size_t end) { sum += end - begin; });
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(sum, 8 * 50 * 1000);
}

TEST(ParallelForTest, IsOneRangeWhereOneThreadIsAllowed) {
  int ranges = 0;
  const auto count = [&] {
    ranges = 0;
    ParallelFor(1000, 1, [&](size_t begin, size_t end) {
      EXPECT_EQ(end - begin, 1000U);
      ++ranges;
    });
    return ranges;
  };
  const ParallelLimit one(1);
  EXPECT_EQ(count(), 1);
  {
    const ParallelLimit one_more(1);
    EXPECT_EQ(count(), 1);
  }
  EXPECT_EQ(count(), 1);
}

TEST(ParallelForTest, AsManyThreadsAsTheEnvironmentAllows) {
  for (const char* const wrong : {"0", "-1", "many", ""}) {
    setenv("VARSCOPE_THREADS", wrong, 1);
    EXPECT_EQ(ProcessThreads(), std::max(1, static_cast<int>(std::thread::hardware_concurrency())));
  }
  setenv("VARSCOPE_THREADS", "7", 1);
  EXPECT_EQ(ProcessThreads(), 7);
  unsetenv("VARSCOPE_THREADS");
}

}  // namespace
}  // namespace varscope
