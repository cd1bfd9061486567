// One request and its answer, without a network: frames in, frames out.
#include "server/rpc/stream_request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "proto/memory/memory_account.h"
#include "proto/tensor/block_pool.h"
#include "proto/wire/convert.h"
#include "proto/wire/frame_reader.h"
#include "proto/wire/frame_writer.h"
#include "proto/wire/retry_info.h"
#include "server/push/resolve.h"
#include "server/store/state.h"
#include "server/sync/group_options.h"
#include "tests/support/push.h"
#include "tests/unit/server/rpc/service_parts.h"

namespace varscope::server {
namespace {

using ::testing::HasSubstr;

// What came back.
struct Answer {
  v1::FrameHeader head;
  std::vector<Tensor> tensors;
};

class StreamRequestTest : public ::testing::Test, public ServiceParts {
 protected:
  StreamRequestTest() {
    caller_ = Connect("w");
    for (const char* name : {"a", "b"}) EXPECT_TRUE(Create(caller_, name, Shape{3}).ok());
  }

  // `a` += 1, as the worker's next push.
  SentPush AddOne() {
    Push push{.id = {"w", caller_.incarnation, ++sequence_}};
    push.assignments.push_back(
        {"a", AssignOp::kAdd, Tensor::Of<float>(Shape{3}, {1, 1, 1}), std::nullopt});
    return Send(push);
  }
  // Pulls them, under the numbers that follow those of the head's other variables.
  static void Want(v1::FrameHeader& head, const std::vector<std::string>& names) {
    for (const std::string& name : names) {
      head.mutable_pull()->add_variables(head.variables_size());
      head.add_variables()->set_name(name);
    }
  }

  // What ends the stream, if anything does.
  absl::Status Give(StreamRequest& request, const v1::FrameHeader& head,
                    std::vector<Tensor> tensors) {
    wire::FrameWriter writer(head, std::move(tensors));
    while (std::optional<grpc::ByteBuffer> frame = writer.Next()) {
      if (absl::Status status = request.Add(*frame); !status.ok()) return status;
    }
    EXPECT_TRUE(request.complete());
    return absl::OkStatus();
  }
  static Answer AnswerOf(StreamRequest& request) {
    std::promise<void> done;
    request.Run([&] { done.set_value(); });
    done.get_future().wait();
    request.MakeAnswer();
    // All values are [3] here.
    wire::FrameReader reader([](const v1::FrameHeader& head) {
      return std::vector<wire::IncomingTensor>(head.body_bytes() / 12,
                                               {DType::kFloat32, Shape{3}, {}, {}});
    });
    while (std::optional<grpc::ByteBuffer> frame = request.NextFrame()) {
      EXPECT_TRUE(reader.Add(*frame).ok());
    }
    EXPECT_TRUE(reader.complete());
    return {reader.head(), reader.tensors()};
  }
  // On a stream of its own, unless the test keeps it.
  Answer AskFresh(const v1::FrameHeader& head, std::vector<Tensor> tensors = {}) {
    stream_ = {};
    return Ask(head, std::move(tensors));
  }
  Answer Ask(const v1::FrameHeader& head, std::vector<Tensor> tensors = {}) {
    StreamRequest request(context, caller_, stream_);
    EXPECT_TRUE(Give(request, head, std::move(tensors)).ok());
    return AnswerOf(request);
  }

  Caller caller_;
  StreamState stream_;
  uint64_t sequence_ = 0;
};

TEST_F(StreamRequestTest, APushAndAPullInOneSeesThePush) {
  SentPush push = AddOne();
  Want(push.head, {"b", "a"});
  const Answer answer = Ask(push.head, push.tensors);
  EXPECT_FALSE(answer.head.has_error()) << answer.head.DebugString();
  EXPECT_TRUE(answer.head.has_pushed());
  EXPECT_EQ(answer.head.epoch(), 99U);
  ASSERT_EQ(answer.tensors.size(), 2U);
  EXPECT_EQ(answer.head.types_size(), 3);
  EXPECT_EQ(Summarize(answer.tensors[0]), "[0 0 0]");
  EXPECT_EQ(Summarize(answer.tensors[1]), "[1 1 1]");
}

TEST_F(StreamRequestTest, ThePushThatIsSentAgainIsAnsweredAgainAndAppliedOnce) {
  const SentPush push = AddOne();
  const Answer first = AskFresh(push.head, push.tensors);
  const Answer second = AskFresh(push.head, push.tensors);
  EXPECT_EQ(first.head.pushed().SerializeAsString(), second.head.pushed().SerializeAsString());
  EXPECT_EQ(Summarize(ValueOf(store, "a")), "[1 1 1]");
}

// Also of what a head of few bytes becomes, before any of it is made.
TEST_F(StreamRequestTest, WithoutMemoryForItsPartsAPushIsRefusedAndMayComeAgain) {
  MemoryAccount& memory = MemoryAccount::Process();
  // What is kept could make room later.
  BlockPool::Process()->FreeKept();
  const uint64_t before = memory.used();
  SentPush push = AddOne();
  const std::vector<Tensor> one = push.tensors;
  for (int i = 1; i < 1000; ++i) {
    *push.head.mutable_push()->add_assignments() = push.head.push().assignments(0);
    push.tensors.push_back(one[0]);
  }
  push.head.set_body_bytes(1000 * 12);
  const uint64_t parts = MemoryOfPush(stream_.variables, push.head.push());
  EXPECT_GT(parts, uint64_t{1} << 20);
  memory.SetLimit(memory.used() + parts / 2);
  const Answer refused = AskFresh(push.head, push.tensors);
  memory.SetLimit(MemoryAccount::kUnlimited);
  EXPECT_EQ(refused.head.error().code(), static_cast<int>(absl::StatusCode::kResourceExhausted));
  EXPECT_THAT(refused.head.error().message(), HasSubstr("worker 'w': for the steps, variables"));
  EXPECT_FALSE(AskFresh(push.head, push.tensors).head.has_error());
  EXPECT_EQ(Summarize(ValueOf(store, "a")), "[1000 1000 1000]");
  stream_ = {};
  push = {};
  EXPECT_LE(memory.used(), before + (uint64_t{1} << 16));
}

TEST_F(StreamRequestTest, ARefusalIsAnAnswerAndNothingIsDoneOrHeld) {
  SentPush push = AddOne();
  push.head.mutable_variables(0)->set_name("nowhere");
  const Answer answer = Ask(push.head, push.tensors);
  EXPECT_EQ(answer.head.error().code(), static_cast<int>(absl::StatusCode::kNotFound));
  EXPECT_THAT(answer.head.error().message(), HasSubstr("nowhere"));
  EXPECT_TRUE(answer.tensors.empty());
  EXPECT_EQ(memory_quota.used(), 0U);
  // The same number may come again, as it should be.
  push.head.mutable_variables(0)->set_name("a");
  EXPECT_FALSE(Ask(push.head, push.tensors).head.has_error());
}

TEST_F(StreamRequestTest, AWorkerWhoseIncarnationIsOverIsToldToConnect) {
  const SentPush push = AddOne();
  ASSERT_TRUE(workers.Disconnect(caller_).ok());
  const Answer answer = Ask(push.head, push.tensors);
  EXPECT_EQ(answer.head.error().code(), static_cast<int>(absl::StatusCode::kAborted));
}

TEST_F(StreamRequestTest, APushThatWasAppliedGetsItsAnswerAlsoWhenItsWorkerIsLost) {
  const SentPush push = AddOne();
  const Answer first = AskFresh(push.head, push.tensors);
  ASSERT_TRUE(workers.Disconnect(caller_).ok());
  const Answer second = AskFresh(push.head, push.tensors);
  EXPECT_EQ(first.head.pushed().SerializeAsString(), second.head.pushed().SerializeAsString());
}

// Between the head and the end of a request, as it may come in pieces.
TEST_F(StreamRequestTest, WhatCameBeforeARollbackDoesNothingAfterIt) {
  const StoreState before = Capture(store);
  workers.Start(
      [this](const WorkerRecord& w) { store.completion_records.Fence(w.worker_id, w.incarnation); },
      [](const WorkerRecord&) {});
  SentPush numbered = AddOne();
  SentPush without = AddOne();
  without.head.mutable_push()->set_sequence(0);
  v1::FrameHeader pull;
  Want(pull, {"a"});
  std::vector<std::unique_ptr<StreamState>> streams;
  std::vector<std::unique_ptr<StreamRequest>> requests;
  const auto begin = [&](const Caller& caller, const v1::FrameHeader& head,
                         std::vector<Tensor> tensors) {
    streams.push_back(std::make_unique<StreamState>());
    requests.push_back(std::make_unique<StreamRequest>(context, caller, *streams.back()));
    ASSERT_TRUE(Give(*requests.back(), head, std::move(tensors)).ok());
  };
  begin(caller_, numbered.head, numbered.tensors);
  begin(caller_, without.head, without.tensors);
  begin(caller_, pull, {});
  begin(Caller(), pull, {});
  {
    const auto changes = store.changes.LockOut();
    workers.FenceAll();
    ASSERT_TRUE(Restore(store, before).ok());
  }
  for (const std::unique_ptr<StreamRequest>& request : requests) {
    const Answer answer = AnswerOf(*request);
    EXPECT_EQ(answer.head.error().code(), static_cast<int>(absl::StatusCode::kAborted));
    EXPECT_TRUE(answer.tensors.empty());
  }
  EXPECT_EQ(Summarize(ValueOf(store, "a")), "[0 0 0]");
  workers.Stop();
}

// Others of its group never come: whoever pushes to another group is not kept out.
TEST(WaitingPushTest, PushesThatWaitLeaveRoomForThoseOfOthers) {
  ServiceParts parts({ParseGroup("big=bsp:workers=100").value()});
  MemoryAccount& memory = MemoryAccount::Process();
  constexpr int64_t kElements = int64_t{1} << 20;
  const Caller honest = parts.Connect("honest");
  ASSERT_TRUE(parts.Create(honest, "big/v", Shape{kElements}).ok());
  ASSERT_TRUE(parts.Create(honest, "w", Shape{kElements / 8}).ok());
  ASSERT_TRUE(parts.store.catalog.FinishFirstValues().ok());
  BlockPool::Process()->FreeKept();
  memory.SetLimit(memory.used() + (uint64_t{64} << 20));
  // What one worker asks for, on a stream of its own.
  struct Sender {
    Caller caller;
    StreamState stream;
    StreamRequest request;
    bool ended = false;
    Sender(const ServiceParts& parts, Caller who)
        : caller(std::move(who)), request(parts.context, caller, stream) {}
    // Whether it is received.
    bool Push(const std::string& variable, int64_t elements) {
      server::Push push{.id = {caller.worker_id, caller.incarnation, 1}};
      OptimizerStep step{
          .state = {.optimizer = "GradientDescent", .hyperparameters = {{"learning_rate", 1}}}};
      step.updates.push_back(
          {.variable = variable,
           .gradient = Tensor::Of<float>(Shape{elements}, std::vector<float>(elements, 1))});
      push.steps.push_back(std::move(step));
      const SentPush sent = Send(push);
      wire::FrameWriter writer(sent.head, sent.tensors);
      while (std::optional<grpc::ByteBuffer> frame = writer.Next()) {
        if (!request.Add(*frame).ok()) return false;
      }
      request.Run([this] { ended = true; });
      if (ended) request.MakeAnswer();
      return true;
    }
  };
  std::vector<std::unique_ptr<Sender>> senders;
  int waiting = 0;
  for (int i = 0; i < 20; ++i) {
    senders.push_back(std::make_unique<Sender>(parts, parts.Connect("greedy" + std::to_string(i))));
    if (senders.back()->Push("big/v", kElements) && !senders.back()->ended) ++waiting;
  }
  EXPECT_GT(waiting, 5);
  EXPECT_LT(waiting, 14);
  {
    Sender other(parts, honest);
    ASSERT_TRUE(other.Push("w", kElements / 8));
    ASSERT_TRUE(other.ended);
    wire::FrameReader reader(
        [](const v1::FrameHeader&) { return std::vector<wire::IncomingTensor>(); });
    while (std::optional<grpc::ByteBuffer> frame = other.request.NextFrame()) {
      EXPECT_TRUE(reader.Add(*frame).ok());
    }
    EXPECT_FALSE(reader.head().has_error()) << reader.head().error().message();
  }
  memory.SetLimit(MemoryAccount::kUnlimited);
  parts.synchronizer.Stop();
  for (const std::unique_ptr<Sender>& sender : senders) EXPECT_TRUE(sender->ended);
}

// Its thread is not kept meanwhile: a rollback may take long, and others push.
TEST_F(StreamRequestTest, APushDuringARollbackIsToComeAgain) {
  const SentPush push = AddOne();
  StreamRequest request(context, caller_, stream_);
  ASSERT_TRUE(Give(request, push.head, push.tensors).ok());
  const auto changes = store.changes.LockOut();
  const Answer answer = AnswerOf(request);
  EXPECT_EQ(answer.head.error().code(), static_cast<int>(absl::StatusCode::kUnavailable));
  ASSERT_EQ(answer.head.error().retry_info_size(), 1);
  EXPECT_EQ(answer.head.error().retry_info(0).name(), kRetryAfterKey);
}

// Also where the error is of a part that knows no worker.
TEST_F(StreamRequestTest, EveryRefusalNamesTheWorker) {
  std::vector<v1::FrameHeader> wrong(6, AddOne().head);
  wrong[0].mutable_push()->mutable_assignments(0)->set_variable(7);
  wrong[1].mutable_push()->mutable_assignments(0)->set_op(static_cast<v1::Assignment::Op>(99));
  wrong[2].mutable_push()->add_steps()->mutable_state()->set_optimizer("x");
  wrong[3].mutable_variables(0)->add_slots("no slot");
  wrong[4].mutable_variables(0)->set_dtype(static_cast<v1::DType>(77));
  wrong[5] = {};
  wrong[5].mutable_pull()->set_repeat(true);
  for (const v1::FrameHeader& head : wrong) {
    stream_ = {};
    StreamRequest request(context, caller_, stream_);
    std::vector<Tensor> tensors;
    if (head.has_push()) tensors = AddOne().tensors;
    const absl::Status ended = Give(request, head, std::move(tensors));
    const std::string said =
        ended.ok() ? AnswerOf(request).head.error().message() : std::string(ended.message());
    EXPECT_THAT(said, HasSubstr("worker 'w'"));
  }
}

TEST_F(StreamRequestTest, WhoIsNoWorkerMayReadAndNothingElse) {
  caller_ = {};
  v1::FrameHeader pull;
  Want(pull, {"a"});
  EXPECT_EQ(AskFresh(pull).tensors.size(), 1U);
  SentPush push = AddOne();
  const Answer refused = AskFresh(push.head, push.tensors);
  EXPECT_EQ(refused.head.error().code(), static_cast<int>(absl::StatusCode::kUnauthenticated));
  EXPECT_THAT(refused.head.error().message(), HasSubstr("no session key"));
}

TEST_F(StreamRequestTest, AnUnknownNameBesideAPushRefusesBoth) {
  SentPush push = AddOne();
  Want(push.head, {"nowhere"});
  EXPECT_TRUE(Ask(push.head, push.tensors).head.has_error());
  EXPECT_EQ(Summarize(ValueOf(store, "a")), "[0 0 0]");
}

TEST_F(StreamRequestTest, ARepeatedPullBringsWhatHasChangedOnly) {
  v1::FrameHeader pull;
  Want(pull, {"a", "b"});
  EXPECT_TRUE(Ask(pull).head.repeatable());
  v1::FrameHeader again;
  again.mutable_pull()->set_repeat(true);
  EXPECT_TRUE(Ask(again).head.unchanged());
  SentPush push = AddOne();
  push.head.mutable_push()->mutable_assignments(0)->set_variable(2);
  Ask(push.head, push.tensors);
  const Answer changed = Ask(again);
  EXPECT_EQ(changed.head.versions_size(), 2);
  ASSERT_EQ(changed.tensors.size(), 1U);
  EXPECT_EQ(Summarize(changed.tensors[0]), "[1 1 1]");
}

TEST_F(StreamRequestTest, WhatCannotBeRepeatedIsSaid) {
  v1::FrameHeader again;
  again.mutable_pull()->set_repeat(true);
  EXPECT_EQ(Ask(again).head.error().code(), static_cast<int>(absl::StatusCode::kInvalidArgument));
}

TEST_F(StreamRequestTest, AValueThatTheWorkerHoldsDoesNotComeAgain) {
  v1::FrameHeader pull;
  Want(pull, {"a"});
  const Answer first = AskFresh(pull);
  v1::PullRequest& request = *pull.mutable_pull();
  request.set_epoch(99);
  request.add_versions(first.head.versions(0) + 1);
  EXPECT_TRUE(AskFresh(pull).tensors.empty());
  request.set_epoch(98);  // another epoch
  EXPECT_EQ(AskFresh(pull).tensors.size(), 1U);
}

// Also where nobody tells the reader, who has no session: the state that a rollback discarded had
// the same version of it.
TEST_F(StreamRequestTest, AfterARollbackNoVersionThatIsHeldIsCurrent) {
  StoreState before = Capture(store);
  v1::FrameHeader pull;
  Want(pull, {"a"});
  const auto push_thrice = [this] {
    for (int i = 0; i < 3; ++i) {
      const SentPush push = AddOne();
      EXPECT_FALSE(AskFresh(push.head, push.tensors).head.has_error());
    }
  };
  const auto read = [this](const v1::FrameHeader& head) {
    StreamState stream;
    StreamRequest request(context, Caller(), stream);
    EXPECT_TRUE(Give(request, head, {}).ok());
    return AnswerOf(request);
  };
  push_thrice();
  const Answer held = read(pull);
  pull.mutable_pull()->set_epoch(held.head.epoch());
  pull.mutable_pull()->add_versions(held.head.versions(0) + 1);
  EXPECT_TRUE(read(pull).tensors.empty());
  {
    const auto changes = store.changes.LockOut();
    ASSERT_TRUE(Restore(store, std::move(before)).ok());
  }
  push_thrice();
  const Answer after = read(pull);
  ASSERT_EQ(after.head.versions(0), held.head.versions(0));
  EXPECT_NE(after.head.epoch(), held.head.epoch());
  EXPECT_EQ(after.tensors.size(), 1U);
}

TEST_F(StreamRequestTest, AFrameThatIsNeitherPushNorPullIsRefused) {
  EXPECT_EQ(Ask({}).head.error().code(), static_cast<int>(absl::StatusCode::kInvalidArgument));
}

TEST_F(StreamRequestTest, AStoppingServerTakesNoRequest) {
  EXPECT_EQ(in_flight_calls.Stop(std::chrono::seconds(0)), 0U);
  const SentPush push = AddOne();
  StreamRequest request(context, caller_, stream_);
  EXPECT_TRUE(absl::IsUnavailable(Give(request, push.head, push.tensors)));
}

TEST_F(StreamRequestTest, ARequestThatEndsEarlySaysWhatIsMissing) {
  SentPush push = AddOne();
  push.head.set_body_bytes(12);
  StreamRequest request(context, caller_, stream_);
  grpc::ByteBuffer head = wire::Encode(push.head, {});
  ASSERT_TRUE(request.Add(head).ok());
  EXPECT_FALSE(request.complete());
  EXPECT_FALSE(request.CutShort().ok());
}

}  // namespace
}  // namespace varscope::server
