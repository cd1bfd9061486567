// What pulls may keep in memory.
#include "server/rpc/pins.h"

#include <gtest/gtest.h>

#include <vector>

#include "absl/status/status.h"
#include "proto/core/advice.h"

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

}  // namespace
}  // namespace varscope::server
