// Loops over several threads: all is done, and no more threads compute than were asked for.
#include "client/kernels/device.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "client/graph/handles.h"
#include "client/graph/state.h"
#include "tests/support/no_store.h"
#include "varscope/varscope.h"

namespace varscope::internal {
namespace {

constexpr double kMuch = 1e6;  // cycles of an item for which threads are woken

int Threads() {
  const std::filesystem::directory_iterator threads("/proc/self/task");
  return static_cast<int>(std::distance(begin(threads), end(threads)));
}

TEST(DeviceTest, EachItemIsDoneOnce) {
  std::mt19937 random(20261128);
  for (const int threads : {1, 2, 3, 8}) {
    Device device(threads);
    EXPECT_EQ(device.threads(), threads);
    for (int i = 0; i < 200; ++i) {
      const int64_t n = std::uniform_int_distribution<int64_t>(0, 70)(random);
      const double cost = std::uniform_real_distribution<double>(0, 2e5)(random);
      std::vector<std::atomic<int>> done(n);
      device.ParallelFor(n, cost, [&](int64_t begin, int64_t end) {
        for (int64_t item = begin; item < end; ++item) ++done[item];
      });
      for (const std::atomic<int>& count : done) ASSERT_EQ(count, 1);
    }
  }
}

TEST(DeviceTest, SmallWorkStaysOnTheCallingThread) {
  Device device(4);
  for (const auto& [n, cost] : {std::pair<int64_t, double>(1, 1e9), {1000, 100}, {100'000, 1}}) {
    std::atomic<int> elsewhere = 0;
    device.ParallelFor(n, cost, [&, caller = std::this_thread::get_id()](int64_t, int64_t) {
      if (std::this_thread::get_id() != caller) ++elsewhere;
    });
    EXPECT_EQ(elsewhere, 0) << n << " " << cost;
  }
}

// However many call.
TEST(DeviceTest, NoMoreComputeThanItHasThreads) {
  constexpr int kCallers = 5;
  for (const int threads : {1, 2, 3}) {
    Device device(threads);
    std::atomic<int> computing = 0;
    std::atomic<int> most = 0;
    std::atomic<int> items = 0;
    const auto item = [&] {
      const int now = ++computing;
      int before = most;
      while (before < now && !most.compare_exchange_weak(before, now)) {
      }
      ++items;
      std::this_thread::yield();
      --computing;
    };
    std::vector<std::thread> callers;
    for (int i = 0; i < kCallers; ++i) {
      callers.emplace_back([&] {
        for (int k = 0; k < 50; ++k) {
          const Device::Turn turn(device);
          device.ParallelFor(40, kMuch, [&](int64_t begin, int64_t end) {
            for (int64_t at = begin; at < end; ++at) item();
          });
        }
      });
    }
    for (std::thread& caller : callers) caller.join();
    EXPECT_EQ(items, kCallers * 50 * 40);
    EXPECT_LE(most, threads);
  }
}

// A training step of all that computes on several threads: convolutions, pooling, products,
// element-wise kernels and reductions. `threads`: as ConnectOptions::threads. Returns how many
// threads the process has more after it.
int ThreadsOfAStep(int threads = 0) {
  Graph graph;
  Unwrap(graph)->Connect(std::make_shared<testing::NoStore>(), threads);
  const auto use = graph.as_default();
  const Output x = placeholder(float32, {16, 28, 28, 4}, "x");
  const Output filter = placeholder(float32, {5, 5, 4, 32}, "filter");
  const Output weights = placeholder(float32, {14 * 14 * 32, 64}, "weights");
  const Output maps =
      nn::relu(nn::bias_add(nn::conv2d(x, filter, {1, 1, 1, 1}, "SAME"), zeros({32})));
  const Output pooled = nn::max_pool(maps, {1, 2, 2, 1}, {1, 2, 2, 1}, "SAME");
  const Output loss = reduce_sum(square(matmul(reshape(pooled, {16, 14 * 14 * 32}), weights)));
  const std::vector<Gradient> all = gradients({loss}, std::vector<Output>{x, filter, weights});
  const auto ones = [](const Shape& shape) {
    Tensor t(float32, shape);
    std::ranges::fill(t.mutable_values<float>(), 1.0F);
    return t;
  };
  const int before = Threads();
  Session().run({all[0].values, all[1].values, all[2].values},
                {{x, ones({16, 28, 28, 4})},
                 {filter, ones({5, 5, 4, 32})},
                 {weights, ones({14 * 14 * 32, 64})}});
  return Threads() - before;
}

// In a process of its own: a process has its threads once. Threads that were never made cannot be
// busy; oneDNN's team of OpenMP would be among them.
class DeviceDeathTest : public ::testing::TestWithParam<int> {};

TEST_P(DeviceDeathTest, AProcessHasAsManyThreadsAsItWasTold) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        setenv("VARSCOPE_THREADS", std::to_string(GetParam()).c_str(), 1);
        setenv("OMP_NUM_THREADS", "5", 1);
        std::_Exit(ThreadsOfAStep());
      },
      ::testing::ExitedWithCode(GetParam() - 1), "");
}

TEST_P(DeviceDeathTest, AGraphHasAsManyThreadsAsItWasTold) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        setenv("VARSCOPE_THREADS", "3", 1);
        const int first = ThreadsOfAStep(GetParam());
        // Another one that asks for the same number has the same ones.
        std::_Exit(10 * first + ThreadsOfAStep(GetParam()));
      },
      ::testing::ExitedWithCode(10 * (GetParam() - 1)), "");
}

INSTANTIATE_TEST_SUITE_P(Threads, DeviceDeathTest, ::testing::Values(1, 2, 4));

}  // namespace
}  // namespace varscope::internal
