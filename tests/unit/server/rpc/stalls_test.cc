// Streams that stand still.
#include "server/rpc/stalls.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <future>

namespace varscope::server {
namespace {

// Waits until a stream that stands still from now on was ended.
void AwaitAnotherEnd(Stalls& stalls) {
  std::promise<void> ended;
  const Stalls::Watch watch(stalls, [&] { ended.set_value(); });
  ASSERT_EQ(ended.get_future().wait_for(std::chrono::minutes(1)), std::future_status::ready);
}

TEST(StallsTest, EndsAStreamWithoutProgressOnce) {
  Stalls stalls(std::chrono::milliseconds(5));
  std::atomic<int> times_ended = 0;
  const Stalls::Watch watch(stalls, [&] { ++times_ended; });
  for (int i = 0; i < 3; ++i) AwaitAnotherEnd(stalls);
  EXPECT_EQ(times_ended, 1);
}

TEST(StallsTest, LeavesStreamsAloneThatAreGone) {
  Stalls stalls(std::chrono::milliseconds(5));
  std::atomic<bool> ended = false;
  {
    const Stalls::Watch watch(stalls, [&] { ended = true; });
  }
  const bool ended_while_it_lived = ended;
  for (int i = 0; i < 3; ++i) AwaitAnotherEnd(stalls);
  EXPECT_EQ(ended, ended_while_it_lived);
}

}  // namespace
}  // namespace varscope::server
