// Each arrival is answered once, whatever memory is missing.
#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <new>
#include <string>

#include "server/membership/barrier.h"
#include "tests/support/sanitizer.h"
#include "tests/unit/server/failing_memory.h"

namespace varscope::server {
namespace {

// Longer than what fits into a string itself.
const std::string kBarrier = "a barrier whose name takes memory of its own";
std::string Worker(int number) {
  return "a worker whose name takes memory of its own, " + std::to_string(number);
}

class BarrierMemoryTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (testing::IsSanitized()) GTEST_SKIP() << "the sanitizers have their own operator new";
  }
  void Arrive(int worker, int& told, uint32_t parties = 3) {
    const Arrival arrival{.worker_id = Worker(worker),
                          .incarnation = 1,
                          .sequence = ++sequence_,
                          .parties = parties,
                          .timeout = std::chrono::hours(1)};
    Barriers::Done done = [&told](const absl::StatusOr<uint64_t>&) { ++told; };
    const testing::FailingMemory memory(calls_);
    try {
      barriers_.Arrive(kBarrier, arrival, std::move(done));
    } catch (const std::bad_alloc&) {
    }
    failed_ = memory.failed();
  }

  Barriers barriers_;
  uint64_t sequence_ = 0;
  // So many get memory of what the next one asks for.
  uint64_t calls_ = UINT64_MAX - 1;
  bool failed_ = true;
};

TEST_F(BarrierMemoryTest, EachArrivalIsToldOnce) {
  for (uint64_t calls = 0; failed_; ++calls) {
    SCOPED_TRACE(calls);
    std::array<int, 4> told = {};
    Arrive(0, told[0]);
    Arrive(1, told[1]);
    calls_ = calls;
    Arrive(2, told[2]);
    const bool failed = failed_;
    calls_ = UINT64_MAX - 1;
    ASSERT_EQ(told[2], 1);
    ASSERT_EQ(told[0], told[1]);
    // It never came.
    if (told[0] == 0) Arrive(2, told[3]);
    ASSERT_EQ(told[0], 1);
    ASSERT_EQ(told[1], 1);
    failed_ = failed;
  }
}

TEST_F(BarrierMemoryTest, AnEndIsToldToAllWhoWaitForIt) {
  for (uint64_t calls = 0; failed_; ++calls) {
    SCOPED_TRACE(calls);
    std::array<int, 5> told = {};
    for (int worker = 0; worker < 3; ++worker) Arrive(worker, told[0]);
    ASSERT_EQ(told[0], 3);
    Arrive(0, told[1]);
    Arrive(1, told[2]);
    const std::string lost = Worker(2);
    {
      const testing::FailingMemory memory(calls);
      ASSERT_NO_THROW(barriers_.WorkerLost(lost, 1));
      failed_ = memory.failed();
    }
    ASSERT_EQ(told[1], 1);
    ASSERT_EQ(told[2], 1);
  }
}

}  // namespace
}  // namespace varscope::server
