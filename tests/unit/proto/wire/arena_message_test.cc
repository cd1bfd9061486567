// Messages whose memory counts.
#include "proto/wire/arena_message.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "varscope/v1/tensor_stream.pb.h"

namespace varscope::wire {
namespace {

// In pieces of random sizes, some of them empty.
std::vector<grpc::Slice> Cut(const std::string& text, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<grpc::Slice> slices;
  for (size_t at = 0; at < text.size();) {
    const size_t size = std::min<size_t>(random() % 5000, text.size() - at);
    slices.emplace_back(text.data() + at, size);
    at += size;
  }
  return slices;
}

v1::FrameHeader Names(int count) {
  v1::FrameHeader header;
  for (int i = 0; i < count; ++i) {
    header.add_variables()->set_name("scope/variable_" + std::to_string(i));
  }
  return header;
}

TEST(ArenaMessageTest, IsWhatWasWrittenHoweverItIsCut) {
  for (const int count : {0, 1, 100, 20000}) {
    const v1::FrameHeader header = Names(count);
    for (unsigned seed = 0; seed < 5; ++seed) {
      ArenaMessage<v1::FrameHeader> message;
      ASSERT_TRUE(message.Parse(Cut(header.SerializeAsString(), seed)).ok());
      EXPECT_EQ(message->SerializeAsString(), header.SerializeAsString());
    }
  }
}

TEST(ArenaMessageTest, WhatIsNoneIsRefused) {
  std::string text = Names(1000).SerializeAsString();
  text.resize(text.size() - 3);
  ArenaMessage<v1::FrameHeader> message;
  EXPECT_TRUE(absl::IsInvalidArgument(message.Parse(Cut(text, 1))));
}

TEST(ArenaMessageTest, ItsMemoryCountsUntilItIsGone) {
  MemoryAccount& account = MemoryAccount::Process();
  const uint64_t before = account.used();
  const std::string text = Names(10000).SerializeAsString();
  {
    ArenaMessage<v1::FrameHeader> message;
    ASSERT_TRUE(message.Parse(Cut(text, 2)).ok());
    EXPECT_GT(account.used(), before + 2 * text.size());
    const ArenaMessage<v1::FrameHeader> moved = std::move(message);
    EXPECT_GT(account.used(), before + 2 * text.size());
  }
  EXPECT_EQ(account.used(), before);
}

// Two bytes of the wire are a message of its own here: the limit holds nevertheless.
TEST(ArenaMessageTest, StopsWhereTheMemoryEnds) {
  MemoryAccount& account = MemoryAccount::Process();
  v1::FrameHeader header;
  for (int i = 0; i < 1'000'000; ++i) header.add_variables();
  const std::vector<grpc::Slice> slices = Cut(header.SerializeAsString(), 3);
  header.Clear();
  const uint64_t before = account.used();
  constexpr uint64_t kRoom = uint64_t{8} << 20;
  account.SetLimit(before + kRoom);
  uint64_t most = 0;
  absl::Status status;
  {
    ArenaMessage<v1::FrameHeader> message;
    status = message.Parse(slices);
    most = account.used();
  }
  account.SetLimit(MemoryAccount::kUnlimited);
  EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
  EXPECT_LT(most, before + kRoom + (uint64_t{2} << 20));
  EXPECT_EQ(account.used(), before);
}

}  // namespace
}  // namespace varscope::wire
