// What pulls may keep in memory, and streams that stand still.
#include "server/rpc/pins.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>

#include "absl/status/status.h"
#include "proto/core/advice.h"
#include "server/rpc/stalls.h"

namespace varscope::server {
namespace {

Tensor Bytes(int64_t n) { return Tensor(DType::kUint8, Shape{n}); }

TEST(PinsTest, ABlockCountsOnceHoweverManyPullsSendIt) {
  Pins pins(100);
  const std::vector<Tensor> model = {Bytes(60), Bytes(30)};
  {
    const Pins::Pin a = pins.Take(model).value();
    const Pins::Pin b = pins.Take(model).value();
    EXPECT_EQ(pins.used(), 90U);
    const absl::Status full = pins.Take(std::vector<Tensor>{Bytes(20)}).status();
    EXPECT_TRUE(absl::IsResourceExhausted(full));
    EXPECT_TRUE(full.GetPayload(kRetryAfterKey).has_value());
    EXPECT_TRUE(pins.Take(std::vector<Tensor>{Bytes(10), Tensor()}).ok());
  }
  EXPECT_EQ(pins.used(), 0U);
  EXPECT_TRUE(pins.Take(std::vector<Tensor>{Bytes(1000)}).ok());
}

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
