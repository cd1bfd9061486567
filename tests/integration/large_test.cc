// A variable of 4 GiB: nobody holds more than the tensors themselves.
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "tests/support/sanitizer.h"
#include "tests/support/server_process.h"
#include "varscope/varscope.h"

namespace varscope::testing {
namespace {

constexpr int64_t kElements = int64_t{1} << 30;
constexpr double kBytes = 4.0 * (int64_t{1} << 30);
constexpr double kBeyond = double{80} * (1 << 20);

// The server's variable, what is pushed, and the worker's own.
constexpr double kNeeded = 3 * kBytes + (int64_t{1} << 30);

double AvailableMemory() {
  std::ifstream in("/proc/meminfo");
  for (std::string line; std::getline(in, line);) {
    if (line.rfind("MemAvailable:", 0) == 0) return 1024 * std::stod(line.substr(13));
  }
  return 0;
}

// From now on the peak is that of what follows.
void ForgetOwnPeak() { std::ofstream("/proc/self/clear_refs") << 5; }
double OwnPeak() { return PeakMemoryOf(getpid()); }

TEST(LargeTest, FourGibibytesTakeNoMoreThanThemselves) {
  if (IsSanitized()) GTEST_SKIP() << "a sanitizer's shadow comes on top";
  if (AvailableMemory() < kNeeded) GTEST_SKIP() << "needs 13 GiB of memory";
  ServerProcess server;
  const auto server_peak = [&] { return PeakMemoryOf(server.process().pid()); };
  const double idle = server_peak();
  Graph graph(server.target(), {.timeout = std::chrono::seconds(300)});
  const auto use = graph.as_default();
  const Variable w =
      get_variable("w", {.shape = Shape{kElements}, .initializer = ones_initializer()});
  Session session;
  ForgetOwnPeak();
  const double before = OwnPeak();
  {
    const Tensor value = session.run(w);
    EXPECT_EQ(value.data<float>()[kElements - 1], 1);
    EXPECT_LT(OwnPeak() - before, kBytes + kBeyond);
    EXPECT_LT(server_peak() - idle, kBytes + kBeyond);
  }
  const Output x = placeholder(float32, {kElements}, "x");
  const Operation add = w.assign_add(x).op();
  {
    Tensor pushed(float32, Shape{kElements});
    for (float& element : pushed.mutable_values<float>()) element = 2;
    ForgetOwnPeak();
    session.run(add, {{x, pushed}});
    EXPECT_LT(OwnPeak() - before, kBytes + kBeyond);
    // All of a push is there before any of it is applied.
    EXPECT_LT(server_peak() - idle, 2 * kBytes + kBeyond);
  }
  const Tensor value = session.run(w);
  for (const int64_t i : {int64_t{0}, kElements / 2, kElements - 1}) {
    EXPECT_EQ(value.data<float>()[i], 3);
  }
}

}  // namespace
}  // namespace varscope::testing
