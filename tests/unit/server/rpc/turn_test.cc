// One request and its answer, without a network: frames in, frames out.
#include "server/rpc/turn.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "proto/wire/convert.h"
#include "proto/wire/frame_reader.h"
#include "proto/wire/frame_writer.h"
#include "tests/support/push.h"

namespace varscope::server {
namespace {

using ::testing::HasSubstr;

// What came back.
struct Answer {
  v1::FrameHeader head;
  std::vector<Tensor> tensors;
};

class TurnTest : public ::testing::Test {
 protected:
  TurnTest() {
    incarnation_ = workers_.Connect("w", "host", 1, Sharing::kGlobal).value();
    for (const char* name : {"a", "b"}) {
      ResolveRequest request;
      request.name = name;
      request.request = {.key = name, .dtype = DType::kFloat32, .shape = Shape{3}};
      request.initializer = InitializerSpec{.kind = "zeros"};
      EXPECT_TRUE(store_.Resolve({"w", incarnation_}, request).ok());
    }
  }

  // `a` += 1, as the worker's next push.
  SentPush AddOne() {
    Push push{.id = {"w", incarnation_, ++sequence_}};
    push.assignments.push_back(
        {"a", AssignOp::kAdd, Tensor::Of<float>(Shape{3}, {1, 1, 1}), std::nullopt});
    return Send(push);
  }
  void Want(v1::FrameHeader& head, const std::vector<std::string>& names) const {
    head.mutable_pull()->set_worker_id("w");
    head.mutable_pull()->set_incarnation(incarnation_);
    for (const std::string& name : names) head.mutable_pull()->add_wants()->set_name(name);
  }

  // What ends the stream, if anything does.
  absl::Status Give(Turn& turn, const v1::FrameHeader& head, std::vector<Tensor> tensors) {
    wire::FrameWriter writer(head, std::move(tensors));
    while (std::optional<grpc::ByteBuffer> frame = writer.Next()) {
      if (absl::Status status = turn.Add(*frame); !status.ok()) return status;
    }
    EXPECT_TRUE(turn.whole());
    return absl::OkStatus();
  }
  static Answer AnswerOf(Turn& turn) {
    std::promise<void> done;
    turn.Run([&] { done.set_value(); });
    done.get_future().wait();
    wire::FrameReader reader([](const v1::FrameHeader&) { return absl::OkStatus(); });
    while (std::optional<grpc::ByteBuffer> frame = turn.NextFrame()) {
      EXPECT_TRUE(reader.Add(*frame).ok());
    }
    EXPECT_TRUE(reader.complete());
    return {reader.head(), reader.tensors()};
  }
  Answer Ask(const v1::FrameHeader& head, std::vector<Tensor> tensors = {}) {
    Turn turn(context_, last_);
    EXPECT_TRUE(Give(turn, head, std::move(tensors)).ok());
    return AnswerOf(turn);
  }

  Store store_{StoreLimits{}};
  Workers workers_;
  Barriers barriers_;
  Synchronizer synchronizer_{store_, workers_, {}};
  NoDurability durability_;
  Calls calls_;
  Budget budget_{1 << 20};
  Pins pins_{1 << 20};
  Stalls stalls_{std::chrono::milliseconds(0)};
  const ServiceContext context_{.store = store_,
                                .workers = workers_,
                                .barriers = barriers_,
                                .synchronizer = synchronizer_,
                                .durability = durability_,
                                .calls = calls_,
                                .budget = budget_,
                                .pins = pins_,
                                .stalls = stalls_,
                                .limits = {},
                                .local = {},
                                .epoch = 99};
  LastPull last_;
  uint64_t incarnation_ = 0;
  uint64_t sequence_ = 0;
};

TEST_F(TurnTest, APushAndAPullInOneSeesThePush) {
  SentPush push = AddOne();
  Want(push.head, {"b", "a"});
  const Answer answer = Ask(push.head, push.tensors);
  EXPECT_FALSE(answer.head.has_error());
  EXPECT_EQ(answer.head.pushed().applied_size(), 1);
  EXPECT_EQ(answer.head.epoch(), 99U);
  ASSERT_EQ(answer.tensors.size(), 2U);
  EXPECT_EQ(answer.head.tensors(1).name(), "a");
  EXPECT_EQ(Summarize(answer.tensors[0]), "[0 0 0]");
  EXPECT_EQ(Summarize(answer.tensors[1]), "[1 1 1]");
}

TEST_F(TurnTest, ThePushThatIsSentAgainIsAnsweredAgainAndAppliedOnce) {
  const SentPush push = AddOne();
  const Answer first = Ask(push.head, push.tensors);
  const Answer second = Ask(push.head, push.tensors);
  EXPECT_EQ(first.head.pushed().SerializeAsString(), second.head.pushed().SerializeAsString());
  EXPECT_EQ(Summarize(store_.Pull(std::vector<std::string>{"a"})->variables[0].value), "[1 1 1]");
}

TEST_F(TurnTest, ARefusalIsAnAnswerAndNothingIsDoneOrHeld) {
  SentPush push = AddOne();
  push.head.mutable_push()->mutable_assignments(0)->set_variable("nowhere");
  const Answer answer = Ask(push.head, push.tensors);
  EXPECT_EQ(answer.head.error().code(), static_cast<int>(absl::StatusCode::kNotFound));
  EXPECT_THAT(answer.head.error().message(), HasSubstr("nowhere"));
  EXPECT_TRUE(answer.tensors.empty());
  EXPECT_EQ(budget_.used(), 0U);
  // The same number may come again, as it should be.
  push.head.mutable_push()->mutable_assignments(0)->set_variable("a");
  EXPECT_FALSE(Ask(push.head, push.tensors).head.has_error());
}

TEST_F(TurnTest, AWorkerWhoseLifeIsOverIsToldToConnect) {
  const SentPush push = AddOne();
  ASSERT_TRUE(workers_.Disconnect("w", incarnation_).ok());
  const Answer answer = Ask(push.head, push.tensors);
  EXPECT_EQ(answer.head.error().code(), static_cast<int>(absl::StatusCode::kAborted));
}

TEST_F(TurnTest, WhenThePullFailsThePushStands) {
  SentPush push = AddOne();
  Want(push.head, {"nowhere"});
  const Answer answer = Ask(push.head, push.tensors);
  EXPECT_TRUE(answer.head.pull_failed());
  EXPECT_TRUE(answer.head.has_pushed());
  EXPECT_EQ(Summarize(store_.Pull(std::vector<std::string>{"a"})->variables[0].value), "[1 1 1]");
}

TEST_F(TurnTest, ARepeatedPullBringsWhatHasChangedOnly) {
  v1::FrameHeader pull;
  Want(pull, {"a", "b"});
  EXPECT_TRUE(Ask(pull).head.repeatable());
  v1::FrameHeader again;
  again.mutable_pull()->set_worker_id("w");
  again.mutable_pull()->set_incarnation(incarnation_);
  again.mutable_pull()->set_repeat(true);
  EXPECT_TRUE(Ask(again).head.unchanged());
  const SentPush push = AddOne();
  Ask(push.head, push.tensors);
  const Answer changed = Ask(again);
  ASSERT_EQ(changed.head.tensors_size(), 2);
  EXPECT_EQ(Summarize(changed.tensors[0]), "[1 1 1]");
  EXPECT_TRUE(changed.head.tensors(1).unchanged());
}

TEST_F(TurnTest, WhatCannotBeRepeatedIsSaid) {
  v1::FrameHeader again;
  again.mutable_pull()->set_repeat(true);
  EXPECT_EQ(Ask(again).head.error().code(), static_cast<int>(absl::StatusCode::kInvalidArgument));
}

TEST_F(TurnTest, AValueThatTheWorkerHoldsDoesNotComeAgain) {
  v1::FrameHeader pull;
  Want(pull, {"a"});
  const Answer first = Ask(pull);
  v1::PullRequest& request = *pull.mutable_pull();
  request.set_epoch(99);
  request.mutable_wants(0)->set_has_version(true);
  request.mutable_wants(0)->set_version(first.head.tensors(0).version());
  EXPECT_TRUE(Ask(pull).head.tensors(0).unchanged());
  request.set_epoch(98);  // another life of the daemon
  EXPECT_FALSE(Ask(pull).head.tensors(0).unchanged());
}

TEST_F(TurnTest, AFrameThatIsNeitherPushNorPullIsRefused) {
  EXPECT_EQ(Ask({}).head.error().code(), static_cast<int>(absl::StatusCode::kInvalidArgument));
}

TEST_F(TurnTest, AStoppingServerTakesNoTurn) {
  EXPECT_EQ(calls_.Stop(std::chrono::seconds(0)), 0U);
  const SentPush push = AddOne();
  Turn turn(context_, last_);
  EXPECT_TRUE(absl::IsUnavailable(Give(turn, push.head, push.tensors)));
}

TEST_F(TurnTest, ARequestThatEndsEarlySaysWhatIsMissing) {
  SentPush push = AddOne();
  Turn turn(context_, last_);
  grpc::ByteBuffer head = wire::Encode(push.head, {});
  ASSERT_TRUE(turn.Add(head).ok());
  EXPECT_FALSE(turn.whole());
  EXPECT_FALSE(turn.CutShort().ok());
}

}  // namespace
}  // namespace varscope::server
