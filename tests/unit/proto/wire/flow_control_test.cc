// A sender that is never more than a window ahead.
#include "proto/wire/flow_control.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "proto/wire/frame.h"
#include "proto/wire/frame_reader.h"
#include "proto/wire/frame_writer.h"
#include "tests/unit/proto/wire/message.h"

namespace varscope::wire {
namespace {

// The sender never has more than a window under way, and is never left waiting.
TEST(FlowControlTest, ASenderStaysAWindowAhead) {
  const Message message = MakeMessage({Shape{3 * kWindowBytes / 4 + 5}, Shape{7}, Shape{900'000}});
  FrameWriter writer(message.head, message.tensors, {.flow_control = true});
  FrameReader reader = message.Reader();
  std::vector<grpc::ByteBuffer> under_way;
  uint64_t waits = 0;
  std::optional<grpc::ByteBuffer> next = writer.Next();
  while (next) {
    under_way.push_back(*std::move(next));
    EXPECT_LE(under_way.size() * kFrameBodyBytes, kWindowBytes);
    if (writer.must_wait()) ++waits;
    while (writer.must_wait()) {
      ASSERT_FALSE(under_way.empty());
      ASSERT_TRUE(reader.Add(under_way.front()).ok());
      under_way.erase(under_way.begin());
      const std::optional<uint64_t> due = reader.DueAcknowledgement();
      if (!due) continue;
      grpc::ByteBuffer acknowledgement = EncodeAcknowledgement(*due);
      EXPECT_EQ(DecodeAcknowledgement(acknowledgement), *due);
      writer.Acknowledged(*due);
    }
    next = writer.Next();
  }
  for (grpc::ByteBuffer& frame : under_way) ASSERT_TRUE(reader.Add(frame).ok());
  EXPECT_TRUE(reader.complete());
  EXPECT_GT(waits, 2U);
  EXPECT_TRUE(BytesEqual(reader.tensors()[2], message.tensors[2]));
}

TEST(FlowControlTest, LittleIsNotAcknowledgedAndNothingIsMistakenForIt) {
  const Message message = MakeMessage({Shape{kWindowBytes / 4}});
  FrameWriter writer(message.head, message.tensors, {.flow_control = true});
  FrameReader reader = message.Reader();
  while (std::optional<grpc::ByteBuffer> frame = writer.Next()) {
    EXPECT_FALSE(writer.must_wait());
    EXPECT_FALSE(DecodeAcknowledgement(*frame));
    ASSERT_TRUE(reader.Add(*frame).ok());
    EXPECT_FALSE(reader.DueAcknowledgement());
  }
  v1::FrameHeader empty;
  grpc::ByteBuffer frame = Encode(empty, {});
  EXPECT_FALSE(DecodeAcknowledgement(frame));
  const grpc::Slice garbage("\xff\xff\xff");
  grpc::ByteBuffer broken(&garbage, 1);
  EXPECT_FALSE(DecodeAcknowledgement(broken));
  SendWindow window(3 * kWindowBytes);
  window.Sent(kWindowBytes);
  window.Acknowledged(UINT64_MAX);
  window.Sent(kWindowBytes);
  EXPECT_TRUE(window.full());
}

}  // namespace
}  // namespace varscope::wire
