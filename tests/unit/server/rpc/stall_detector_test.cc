// Streams without progress.
#include "server/rpc/stall_detector.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <future>

namespace varscope::server {
namespace {

// Waits until a stream without progress from now on was ended.
void AwaitAnotherEnd(StallDetector& stall_detector) {
  std::promise<void> ended;
  const StallDetector::IdleTimeout idle_timeout(stall_detector, [&] { ended.set_value(); });
  ASSERT_EQ(ended.get_future().wait_for(std::chrono::minutes(1)), std::future_status::ready);
}

TEST(StallDetectorTest, EndsAStreamWithoutProgressOnce) {
  StallDetector stall_detector(std::chrono::milliseconds(5));
  std::atomic<int> times_ended = 0;
  const StallDetector::IdleTimeout idle_timeout(stall_detector, [&] { ++times_ended; });
  for (int i = 0; i < 3; ++i) AwaitAnotherEnd(stall_detector);
  EXPECT_EQ(times_ended, 1);
}

TEST(StallDetectorTest, LeavesStreamsAloneThatAreGone) {
  StallDetector stall_detector(std::chrono::milliseconds(5));
  std::atomic<bool> ended = false;
  {
    const StallDetector::IdleTimeout idle_timeout(stall_detector, [&] { ended = true; });
  }
  const bool ended_while_it_lived = ended;
  for (int i = 0; i < 3; ++i) AwaitAnotherEnd(stall_detector);
  EXPECT_EQ(ended, ended_while_it_lived);
}

// A few bytes now and then would hold what others need for as long as their sender likes.
TEST(StallDetectorTest, ATrickleIsNoProgress) {
  StallDetector stall_detector(std::chrono::milliseconds(5));
  std::atomic<bool> ended = false;
  StallDetector::IdleTimeout idle_timeout(stall_detector, [&] { ended = true; });
  idle_timeout.Progress(StallDetector::kProgressBytes - 1);
  while (!ended) idle_timeout.Progress(0);
}

}  // namespace
}  // namespace varscope::server
