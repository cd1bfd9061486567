// What requests say on a stream, what is taken of their answers, and which streams go on.
#include "client/rpc/stream_request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "proto/wire/convert.h"
#include "proto/wire/frame_writer.h"

namespace varscope::internal {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// The server's side of all streams: what it was asked, and what it will say.
struct FakeServer {
  std::vector<v1::FrameHeader> requests;  // their heads
  std::deque<grpc::ByteBuffer> frames;
  int streams = 0;  // that were opened
};

class FakeStream final : public Stream {
 public:
  explicit FakeStream(FakeServer& server) : server_(server) { ++server_.streams; }

  void SetDeadline(Clock::time_point) override {}
  wire::FrameOptions frames() const override { return {}; }
  bool Write(const grpc::ByteBuffer& message) override {
    grpc::ByteBuffer buffer = message;
    const auto frame = wire::Decode(buffer);
    if (frame.ok() && frame->header->ByteSizeLong() > 0) server_.requests.push_back(*frame->header);
    return frame.ok();
  }
  bool Read(grpc::ByteBuffer* message) override {
    if (server_.frames.empty()) return false;
    *message = std::move(server_.frames.front());
    server_.frames.pop_front();
    return true;
  }
  Outcome Finish() override { return {}; }

 private:
  FakeServer& server_;
};

const std::vector<std::string> kBoth = {"a", "b"};

Tensor Pair(float x, float y) { return Tensor::Of<float>(Shape{2}, {x, y}); }

// 3 and 4 as bfloat16.
Tensor Rounded34() { return Tensor::Of<uint8_t>(Shape{4}, {0x40, 0x40, 0x80, 0x40}); }

PushRequest SetA() {
  PushRequest push;
  push.assignments.push_back({"a", AssignOp::kAssign, Pair(1, 2), Tensor()});
  return push;
}

// Of an answer to a request that named so many variables: each is float32 [2].
v1::FrameHeader Head(int named) {
  v1::FrameHeader head;
  for (int i = 0; i < named; ++i) {
    v1::VariableType& type = *head.add_types();
    type.set_dtype(wire::ToProto(DType::kFloat32));
    wire::ToProto(Shape{2}, type.mutable_shape());
  }
  return head;
}

v1::FrameHeader Pushed(v1::FrameHeader head) {
  head.mutable_pushed()->set_global_step(3);
  return head;
}

v1::FrameHeader Pulled(v1::FrameHeader head, const std::vector<uint64_t>& versions) {
  head.set_epoch(9);
  head.set_repeatable(true);
  for (uint64_t version : versions) head.add_versions(version);
  return head;
}

class ClientStreamRequestTest : public ::testing::Test {
 protected:
  // The server's next answer, or only its first `frames` of four bytes each.
  void Answer(const v1::FrameHeader& head, const std::vector<Tensor>& tensors = {},
              int frames = 1000) {
    wire::FrameWriter writer(head, tensors, {.body_bytes = 4});
    for (int i = 0; i < frames; ++i) {
      std::optional<grpc::ByteBuffer> frame = writer.Next();
      if (!frame) return;
      server_.frames.push_back(*std::move(frame));
    }
  }
  static Outcome Send(StreamRequest& request) {
    return request.Send(Clock::now() + std::chrono::minutes(1));
  }
  // Sends it; its values as numbers, empty when there are none.
  static std::vector<float> Values(StreamRequest& request) {
    std::vector<float> numbers;
    const Outcome outcome = Send(request);
    EXPECT_TRUE(outcome.status.ok()) << outcome.status.error_message();
    if (!outcome.status.ok()) return numbers;
    const std::optional<PullResult> values = request.TakeValues();
    if (!values) return numbers;
    for (const PulledValue& value : *values) {
      for (float x : value.value.values<float>()) numbers.push_back(x);
    }
    return numbers;
  }
  std::vector<float> Pull(const PullSpec& spec = {.names = kBoth}) {
    StreamRequest request(pool_, cache_, incarnation_);
    request.AddPull(spec, compression_);
    return Values(request);
  }
  Outcome OutcomeOfPull() {
    StreamRequest request(pool_, cache_, incarnation_);
    request.AddPull({.names = kBoth}, compression_);
    return Send(request);
  }
  void AddPush(StreamRequest& request) {
    const PushRequest push = SetA();
    request.AddPush(push, TensorsOf(push),
                    {.sequence = 5, .kept = 4, .groups_version = incarnation_.groups_version});
  }
  const v1::FrameHeader& asked() const { return server_.requests.back(); }

  const Incarnation incarnation_{.number = 2, .session_key = "key", .groups_version = 77};
  FakeServer server_;
  StreamPool pool_{[this](const Incarnation&) { return std::make_unique<FakeStream>(server_); }};
  PullCache cache_{true};
  const Compression compression_{
      std::vector<CompressionRule>{{.prefix = "b", .pull = Encoding::kBfloat16}}};
};

TEST_F(ClientStreamRequestTest, APushHasItsNumberAndLeavesTheStreamForTheNext) {
  for (const int named : {1, 0}) {  // the stream knows the variable then
    StreamRequest request(pool_, cache_, incarnation_);
    AddPush(request);
    Answer(Pushed(Head(named)));
    EXPECT_THAT(Values(request), IsEmpty());
    EXPECT_EQ(request.pushed().global_step, 3U);
    EXPECT_EQ(asked().push().sequence(), 5U);
    EXPECT_EQ(asked().push().groups_version(), 77U);
    EXPECT_EQ(asked().variables_size(), named);
    EXPECT_FALSE(asked().has_pull());
  }
  EXPECT_EQ(server_.streams, 1);
}

TEST_F(ClientStreamRequestTest, APullThatIsRepeatedBringsWhatHasChanged) {
  Answer(Pulled(Head(2), {4, 5}), {Pair(1, 2), Rounded34()});
  EXPECT_THAT(Pull(), ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(asked().pull().variables(), ElementsAre(0, 1));
  EXPECT_THAT(asked().pull().versions(), IsEmpty());
  EXPECT_THAT(asked().pull().encodings(), ElementsAre(v1::ENCODING_NONE, v1::ENCODING_BFLOAT16));
  v1::FrameHeader unchanged;
  unchanged.set_unchanged(true);
  Answer(unchanged);
  EXPECT_THAT(Pull(), ElementsAre(1, 2, 3, 4));
  EXPECT_TRUE(asked().pull().repeat());
  Answer(Pulled(Head(0), {6, 5}), {Pair(8, 9)});
  EXPECT_THAT(Pull(), ElementsAre(8, 9, 3, 4));
  EXPECT_TRUE(asked().pull().repeat());
}

TEST_F(ClientStreamRequestTest, OnAnotherStreamTheCacheKnowsWhatNeedNotCome) {
  cache_.Keep({9, 2}, {"a"}, std::vector<PulledValue>{{Pair(1, 2), 4}});
  Answer(Pulled(Head(2), {4, 5}), {Rounded34()});
  EXPECT_THAT(Pull(), ElementsAre(1, 2, 3, 4));
  EXPECT_EQ(asked().pull().epoch(), 9U);
  EXPECT_THAT(asked().pull().versions(), ElementsAre(5, 0));
  // A server that was started again means another value by the same version.
  pool_.Renew();
  v1::FrameHeader restarted = Pulled(Head(2), {4, 5});
  restarted.set_epoch(10);
  Answer(restarted, {Pair(5, 6), Rounded34()});
  EXPECT_THAT(Pull(), ElementsAre(5, 6, 3, 4));
  EXPECT_EQ(server_.streams, 2);
}

TEST_F(ClientStreamRequestTest, AnExactPullIsNeitherRoundedNorCachedNorRepeated) {
  for (const int named : {2, 0}) {
    Answer(Pulled(Head(named), {4, 5}), {Pair(1, 2), Pair(3, 4)});
    EXPECT_THAT(Pull({.names = kBoth, .exact = true}), ElementsAre(1, 2, 3, 4));
    EXPECT_THAT(asked().pull().encodings(), IsEmpty());
    EXPECT_THAT(asked().pull().versions(), IsEmpty());
    EXPECT_FALSE(asked().pull().repeat());
  }
  EXPECT_FALSE(cache_.Find({"a"}, 2).values[0].has_value());
}

TEST_F(ClientStreamRequestTest, RowsComeAlthoughAllOfTheirVariableIsKnown) {
  const std::vector<std::string> names = {"a", "c"};
  const std::vector<Tensor> rows = {Tensor::Of<int64_t>(Shape{1}, {1}), Tensor()};
  cache_.Keep({9, 2}, {"a"}, std::vector<PulledValue>{{Pair(1, 2), 4}});
  Answer(Pulled(Head(2), {4, 5}), {Tensor::Of<float>(Shape{1}, {7}), Pair(3, 4)});
  EXPECT_THAT(Pull({.names = names, .rows = rows}), ElementsAre(7, 3, 4));
  EXPECT_THAT(asked().pull().index_counts(), ElementsAre(2, 0));
  EXPECT_THAT(asked().pull().versions(), IsEmpty());
  EXPECT_EQ(asked().body_bytes(), sizeof(int64_t));
  const PullCache::Known known = cache_.Find(names, 2);
  EXPECT_EQ(known.values[0]->value.num_elements(), 2) << "rows are not all of the variable";
  EXPECT_TRUE(known.values[1].has_value());
}

TEST_F(ClientStreamRequestTest, APullThatBreaksOffHasFailedAndSoHaveTheOtherStreams) {
  PooledStream other = pool_.Take(incarnation_);
  Answer(Pulled(Head(2), {4, 5}), {Pair(1, 2), Rounded34()}, 1);
  EXPECT_EQ(OutcomeOfPull().status.error_code(), grpc::StatusCode::UNAVAILABLE);
  pool_.Keep(std::move(other));
  Answer(Pulled(Head(2), {4, 5}), {Pair(1, 2), Rounded34()});
  EXPECT_THAT(Pull(), ElementsAre(1, 2, 3, 4));
  EXPECT_EQ(server_.streams, 3);
}

TEST_F(ClientStreamRequestTest, APushWhoseValuesBreakOffIsDone) {
  StreamRequest request(pool_, cache_, incarnation_);
  AddPush(request);
  request.AddPull({.names = kBoth}, compression_);
  Answer(Pulled(Pushed(Head(2)), {4, 5}), {Pair(1, 2), Rounded34()}, 1);
  EXPECT_TRUE(Send(request).status.ok());
  EXPECT_EQ(request.pushed().global_step, 3U);
  EXPECT_GT(request.missing_bytes(), 0U);
  EXPECT_FALSE(request.TakeValues());
  EXPECT_THAT(asked().pull().variables(), ElementsAre(0, 1)) << "a is what the push names, too";
  EXPECT_FALSE(OutcomeOfPull().status.ok());
  EXPECT_EQ(server_.streams, 2);
}

TEST_F(ClientStreamRequestTest, APullThatFailsBesideAPushBringsNothingAndIsNotRepeated) {
  Answer(Pulled(Head(2), {4, 5}), {Pair(1, 2), Rounded34()});
  EXPECT_THAT(Pull(), ElementsAre(1, 2, 3, 4));
  StreamRequest request(pool_, cache_, incarnation_);
  AddPush(request);
  request.AddPull({.names = kBoth}, compression_);
  v1::FrameHeader failed = Pushed(Head(0));
  failed.set_pull_failed(true);
  Answer(failed);
  EXPECT_THAT(Values(request), IsEmpty());
  EXPECT_EQ(request.pushed().global_step, 3U);
  Answer(Pulled(Head(0), {4, 5}));
  EXPECT_THAT(Pull(), ElementsAre(1, 2, 3, 4));
  EXPECT_FALSE(asked().pull().repeat());
  EXPECT_EQ(server_.streams, 1);
}

TEST_F(ClientStreamRequestTest, ARefusalLeavesAStreamThatKnowsNothing) {
  Answer(Pulled(Head(2), {4, 5}), {Pair(1, 2), Rounded34()});
  Pull();
  v1::FrameHeader refused;
  refused.mutable_error()->set_code(static_cast<int>(grpc::StatusCode::NOT_FOUND));
  refused.mutable_error()->set_message("there is no variable b");
  Answer(refused);
  const Outcome outcome = OutcomeOfPull();
  EXPECT_EQ(outcome.status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(outcome.status.error_message(), "there is no variable b");
  Answer(Pulled(Head(2), {4, 5}));
  EXPECT_THAT(Pull(), ElementsAre(1, 2, 3, 4));
  EXPECT_FALSE(asked().pull().repeat());
  EXPECT_EQ(asked().variables_size(), 2);
  EXPECT_EQ(server_.streams, 1);
}

TEST_F(ClientStreamRequestTest, AnAnswerThatMakesNoSenseEndsTheStream) {
  v1::FrameHeader failed = Head(2);
  failed.set_pull_failed(true);
  for (const v1::FrameHeader& head :
       {failed, Pulled(Head(2), {4}), Pulled(Head(2), {4, 5, 6}), Pulled(Head(1), {4, 5})}) {
    Answer(head);
    EXPECT_EQ(OutcomeOfPull().status.error_code(), grpc::StatusCode::INTERNAL)
        << head.ShortDebugString();
  }
  EXPECT_EQ(server_.streams, 4);
  StreamRequest request(pool_, cache_, incarnation_);
  AddPush(request);
  Answer(Head(1));
  EXPECT_EQ(Send(request).status.error_message(), "the server gave no answer to a push");
}

}  // namespace
}  // namespace varscope::internal
