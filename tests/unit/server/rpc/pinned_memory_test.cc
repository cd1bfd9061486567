// What pulls may keep in memory.
#include "server/rpc/pinned_memory.h"

#include <gtest/gtest.h>

#include <vector>

#include "absl/status/status.h"
#include "proto/wire/retry_info.h"

namespace varscope::server {
namespace {

Tensor Bytes(int64_t n) { return Tensor(DType::kUint8, Shape{n}); }

TEST(PinnedMemoryTest, ABlockCountsOnceHoweverManyPullsSendIt) {
  PinnedMemory pinned_memory(100);
  const std::vector<Tensor> model = {Bytes(60), Bytes(30)};
  {
    const PinnedMemory::Reservation a = pinned_memory.Acquire(model).value();
    const PinnedMemory::Reservation b = pinned_memory.Acquire(model).value();
    EXPECT_EQ(pinned_memory.used(), 90U);
    const absl::Status full = pinned_memory.Acquire(std::vector<Tensor>{Bytes(20)}).status();
    EXPECT_TRUE(absl::IsResourceExhausted(full));
    EXPECT_TRUE(full.GetPayload(kRetryAfterKey).has_value());
    EXPECT_TRUE(pinned_memory.Acquire(std::vector<Tensor>{Bytes(10), Tensor()}).ok());
  }
  EXPECT_EQ(pinned_memory.used(), 0U);
  EXPECT_TRUE(pinned_memory.Acquire(std::vector<Tensor>{Bytes(1000)}).ok());
}

}  // namespace
}  // namespace varscope::server
