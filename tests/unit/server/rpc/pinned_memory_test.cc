// What pulls may keep in memory.
#include "server/rpc/pinned_memory.h"

#include <gtest/gtest.h>

#include <string>
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
    const PinnedMemory::Reservation a = pinned_memory.Acquire("a", model).value();
    const PinnedMemory::Reservation b = pinned_memory.Acquire("b", model).value();
    EXPECT_EQ(pinned_memory.used(), 90U);
    const absl::Status full = pinned_memory.Acquire("c", std::vector<Tensor>{Bytes(20)}).status();
    EXPECT_TRUE(absl::IsResourceExhausted(full));
    EXPECT_TRUE(full.GetPayload(kRetryAfterKey).has_value());
    EXPECT_TRUE(pinned_memory.Acquire("c", std::vector<Tensor>{Bytes(10), Tensor()}).ok());
  }
  EXPECT_EQ(pinned_memory.used(), 0U);
  EXPECT_TRUE(pinned_memory.Acquire("c", std::vector<Tensor>{Bytes(1000)}).ok());
}

TEST(PinnedMemoryTest, WhatHasNoBytesIsPinnedToo) {
  PinnedMemory pinned_memory(100);
  for (int i = 0; i < 2; ++i) {
    EXPECT_TRUE(pinned_memory.Acquire("a", std::vector<Tensor>{Bytes(0)}).ok());
    EXPECT_TRUE(pinned_memory.Acquire("a", std::vector<Tensor>{Bytes(0), Bytes(60)}).ok());
  }
  EXPECT_EQ(pinned_memory.used(), 0U);
}

// All that are no workers count as one.
TEST(PinnedMemoryTest, OneWorkersSecondPullLeavesHalfToOthers) {
  for (const std::string worker : {"a", ""}) {
    PinnedMemory pinned_memory(100);
    const std::vector<Tensor> model = {Bytes(30)};
    const PinnedMemory::Reservation first = pinned_memory.Acquire(worker, model).value();
    const absl::Status second =
        pinned_memory.Acquire(worker, std::vector<Tensor>{Bytes(30)}).status();
    EXPECT_TRUE(absl::IsResourceExhausted(second));
    EXPECT_NE(second.message().find(worker.empty() ? "30 of them for callers that are no workers"
                                                   : "30 of them for worker 'a'"),
              std::string::npos)
        << second;
    EXPECT_TRUE(pinned_memory.Acquire(worker, std::vector<Tensor>{Bytes(20)}).ok());
    EXPECT_TRUE(pinned_memory.Acquire("b", std::vector<Tensor>{Bytes(70)}).ok());
    // What is pinned already costs nothing more.
    PinnedMemory::Reservation again = pinned_memory.Acquire(worker, model).value();
    again = PinnedMemory::Reservation();
    EXPECT_EQ(pinned_memory.used(), 30U);
  }
}

}  // namespace
}  // namespace varscope::server
