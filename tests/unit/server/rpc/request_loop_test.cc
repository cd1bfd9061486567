// What one stream has to do next, without a stream.
#include "server/rpc/request_loop.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "proto/wire/flow_control.h"
#include "proto/wire/frame_reader.h"
#include "proto/wire/frame_writer.h"
#include "tests/support/push.h"
#include "tests/unit/server/rpc/service_parts.h"

namespace varscope::server {
namespace {

using Next = RequestLoop::Next;

// Larger than a window.
constexpr int64_t kElements = 3 * static_cast<int64_t>(wire::kWindowBytes) / 4;

class RequestLoopTest : public ::testing::Test, public ServiceParts {
 protected:
  RequestLoopTest() {
    EXPECT_TRUE(Create(caller_, "v", Shape{kElements}).ok());
    EXPECT_TRUE(store.catalog.FinishFirstValues().ok());
  }

  // The `number`-th push: `v` += 1.
  SentPush AddOne(uint64_t number) {
    Push push{.id = {"w", caller_.incarnation, number}};
    push.assignments.push_back(
        {"v", AssignOp::kAdd, Tensor::Of<float>(Shape{kElements}, std::vector<float>(kElements, 1)),
         std::nullopt});
    SentPush sent = Send(push);
    sent.head.set_flow_control(true);
    return sent;
  }
  static v1::FrameHeader Pull() {
    v1::FrameHeader head;
    head.set_flow_control(true);
    head.add_variables()->set_name("v");
    head.mutable_pull()->add_variables(0);
    return head;
  }

  // Sends a request as a worker does: it waits for acknowledgements where it has to. Returns what
  // is next after the last frame; counts the acknowledgements.
  Next Give(const v1::FrameHeader& head, std::vector<Tensor> tensors, int* acknowledgements) {
    wire::FrameWriter writer(head, std::move(tensors), {.flow_control = true});
    Next next = Next::kRead;
    while (std::optional<grpc::ByteBuffer> frame = writer.Next()) {
      next = loop_.Received(*frame);
      if (next != Next::kWrite) continue;
      ++*acknowledgements;
      grpc::ByteBuffer told = loop_.frame();
      writer.Acknowledged(wire::DecodeAcknowledgement(told).value());
      EXPECT_FALSE(writer.must_wait());
      next = loop_.Written();
    }
    return next;
  }
  Next Run() {
    bool done = false;
    loop_.Run([&] { done = true; });
    EXPECT_TRUE(done);
    return loop_.Ran();
  }

  const Caller caller_ = Connect("w");
  RequestLoop loop_{context, caller_, wire::kFrameBodyBytes, [] {}};
};

TEST_F(RequestLoopTest, RequestsFollowEachOther) {
  for (uint64_t number = 1; number <= 3; ++number) {
    SentPush push = AddOne(number);
    int acknowledgements = 0;
    ASSERT_EQ(Give(push.head, push.tensors, &acknowledgements), Next::kRun);
    EXPECT_GT(acknowledgements, 2);
    ASSERT_EQ(Run(), Next::kWrite);
    grpc::ByteBuffer answer = loop_.frame();
    EXPECT_TRUE(wire::Decode(answer).ok());
    EXPECT_EQ(loop_.Written(), Next::kRead);
  }
  EXPECT_EQ(loop_.Ended(absl::OkStatus()), Next::kEnd);
  EXPECT_TRUE(loop_.end().ok());
}

// Without what the worker says it sends a window at most, and holds no more.
TEST_F(RequestLoopTest, AnAnswerWaitsForItsReader) {
  int acknowledgements = 0;
  ASSERT_EQ(Give(Pull(), {}, &acknowledgements), Next::kRun);
  wire::FrameReader reader([](const v1::FrameHeader&) {
    return std::vector<wire::IncomingTensor>{{DType::kFloat32, Shape{kElements}, {}, {}}};
  });
  int waits = 0;
  Next next = Run();
  while (!reader.complete()) {
    if (next == Next::kWrite) {
      grpc::ByteBuffer frame = loop_.frame();
      ASSERT_TRUE(reader.Add(frame).ok());
      next = loop_.Written();
      continue;
    }
    ASSERT_EQ(next, Next::kRead);
    ++waits;
    grpc::ByteBuffer told =
        wire::EncodeAcknowledgement(reader.total_bytes() - reader.missing_bytes());
    next = loop_.Received(told);
  }
  EXPECT_GT(waits, 0);
  EXPECT_EQ(next, Next::kRead);
  // One that comes after all is none of a request.
  grpc::ByteBuffer late = wire::EncodeAcknowledgement(4 * kElements);
  EXPECT_EQ(loop_.Received(late), Next::kRead);
  EXPECT_EQ(loop_.Ended(absl::OkStatus()), Next::kEnd);
  EXPECT_TRUE(loop_.end().ok());
}

TEST_F(RequestLoopTest, ARequestWithinAnAnswerEndsTheStream) {
  int acknowledgements = 0;
  ASSERT_EQ(Give(Pull(), {}, &acknowledgements), Next::kRun);
  for (Next next = Run(); next == Next::kWrite;) next = loop_.Written();
  grpc::ByteBuffer frame = wire::Encode(Pull(), {});
  EXPECT_EQ(loop_.Received(frame), Next::kEnd);
  EXPECT_EQ(loop_.end().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(RequestLoopTest, AnEndWithinARequestOrAnAnswerIsAnError) {
  SentPush push = AddOne(1);
  wire::FrameWriter writer(push.head, push.tensors, {.flow_control = true});
  grpc::ByteBuffer first = writer.Next().value();
  ASSERT_EQ(loop_.Received(first), Next::kRead);
  EXPECT_EQ(loop_.Ended(absl::OkStatus()), Next::kEnd);
  EXPECT_FALSE(loop_.end().ok());

  RequestLoop other(context, caller_, wire::kFrameBodyBytes, [] {});
  grpc::ByteBuffer pull = wire::Encode(Pull(), {});
  ASSERT_EQ(other.Received(pull), Next::kRun);
  other.Run([] {});
  ASSERT_EQ(other.Ran(), Next::kWrite);
  EXPECT_EQ(other.Ended(absl::OkStatus()), Next::kEnd);
  EXPECT_EQ(other.end().code(), absl::StatusCode::kCancelled);
}

TEST_F(RequestLoopTest, WhatIsNoFrameEndsTheStream) {
  const grpc::Slice slice("no frame");
  grpc::ByteBuffer nonsense(&slice, 1);
  EXPECT_EQ(loop_.Received(nonsense), Next::kEnd);
  EXPECT_FALSE(loop_.end().ok());
}

}  // namespace
}  // namespace varscope::server
