// What a stream may name, and how much of it.
#include "server/push/stream_variables.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proto/memory/memory_account.h"
#include "proto/tensor/block_pool.h"
#include "proto/wire/convert.h"
#include "server/push/resolve.h"
#include "server/rpc/resolved_pull.h"
#include "server/store/state.h"
#include "server/store/store.h"

namespace varscope::server {
namespace {

using ::testing::HasSubstr;

const Caller kCaller{"a", 1};

class StreamVariablesTest : public ::testing::Test {
 protected:
  StreamVariablesTest() {
    ResolveRequest request;
    request.request = {"w", DType::kFloat32, Shape{2, 3}, Reuse::kAuto, std::nullopt};
    request.name = "w";
    request.initializer = InitializerSpec{.kind = "zeros"};
    EXPECT_TRUE(store_.catalog.Resolve(kCaller, request).ok());
  }

  static StreamVariables::Named Named(int count, int slots = 0, size_t letters = 1) {
    StreamVariables::Named named;
    for (int i = 0; i < count; ++i) {
      v1::NamedVariable& one = *named.Add();
      one.set_name("w");
      for (int s = 0; s < slots; ++s) one.add_slots(std::string(letters, 's'));
    }
    return named;
  }

  absl::Status Resolved(const v1::PushHead& push) {
    std::vector<wire::IncomingTensor> tensors;
    return Resolve(variables_, push, kCaller, {.worker_id = "a"}, UINT32_MAX, tensors).status();
  }

  Store store_{StoreLimits{uint64_t{1} << 20, uint64_t{1} << 20}};
  StreamVariables variables_;
};

TEST_F(StreamVariablesTest, ARollbackEndsTheNumbers) {
  ASSERT_TRUE(variables_.Add(store_.catalog, Named(1), kCaller).ok());
  ASSERT_TRUE(variables_.Add(store_.catalog, Named(0), kCaller).ok());
  StoreState state = Capture(store_);
  {
    const auto alone = store_.changes.LockOut();
    ASSERT_TRUE(Restore(store_, std::move(state)).ok());
  }
  const absl::Status status = variables_.Add(store_.catalog, Named(0), kCaller);
  EXPECT_TRUE(absl::IsAborted(status)) << status;
  EXPECT_THAT(status.message(), HasSubstr("worker 'a': the store was rolled back"));
  StreamVariables fresh;
  EXPECT_TRUE(fresh.Add(store_.catalog, Named(1), kCaller).ok());
}

TEST_F(StreamVariablesTest, NamesTakeALimitedMemory) {
  absl::Status status;
  int batches = 0;
  while (status.ok() && batches < 1000) {
    status = variables_.Add(store_.catalog, Named(100, 3, 1000), kCaller);
    ++batches;
  }
  EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
  EXPECT_THAT(status.message(), HasSubstr("open another one"));
  EXPECT_LT(batches, 300);
}

// One worker's idle streams cannot have what everybody's work needs, and whoever ends gives all of
// it back.
TEST_F(StreamVariablesTest, NamesOfAllStreamsAreInTheAccountAndOfOneWorkerAShareOfIt) {
  MemoryAccount& memory = MemoryAccount::Process();
  // What is kept could make room later.
  BlockPool::Process()->FreeKept();
  const uint64_t before = memory.used();
  constexpr uint64_t kRoom = uint64_t{32} << 20;
  for (const auto& [slots, letters] : {std::pair(0, 1), {1, 14}, {15, 14}, {3, 1000}}) {
    std::vector<StreamVariables> streams(1000);
    memory.SetLimit(before + kRoom);
    absl::Status status;
    size_t added = 0;
    for (StreamVariables& stream : streams) {
      const uint64_t used = memory.used();
      if (status = stream.Add(store_.catalog, Named(500, slots, letters), kCaller); !status.ok()) {
        break;
      }
      EXPECT_GE(memory.used() - used, 500 * (sizeof(StreamVariables::Entry) + slots * letters));
      ++added;
    }
    const uint64_t used = memory.used() - before;
    const absl::Status of_another =
        StreamVariables().Add(store_.catalog, Named(500, 15, 14), {"b", 1});
    memory.SetLimit(MemoryAccount::kUnlimited);
    EXPECT_TRUE(of_another.ok()) << of_another;
    ASSERT_TRUE(absl::IsResourceExhausted(status)) << status;
    EXPECT_THAT(status.message(), HasSubstr("worker 'a': for the variables that its stream names"));
    EXPECT_GT(added, 0U);
    EXPECT_LE(used, kRoom / 2);
    streams.clear();
    EXPECT_EQ(memory.used(), before);
    EXPECT_TRUE(variables_.Add(store_.catalog, Named(1), kCaller).ok());
    variables_ = StreamVariables();
  }
}

// One byte of a head stands for a hundred here.
TEST_F(StreamVariablesTest, ListsAreNoLongerThanWhatTheStreamHasNamed) {
  ASSERT_TRUE(variables_.Add(store_.catalog, Named(1), kCaller).ok());
  v1::PullRequest pull;
  for (int i = 0; i < 1025; ++i) pull.add_variables(0);
  std::vector<wire::IncomingTensor> tensors;
  EXPECT_TRUE(ResolvePull(variables_, pull, kCaller, tensors).ok());
  pull.add_variables(0);
  EXPECT_THAT(ResolvePull(variables_, pull, kCaller, tensors).status().message(),
              HasSubstr("has 1026 variables, at most 1025"));

  v1::PushHead gradients;
  v1::OptimizerStep& step = *gradients.add_steps();
  step.mutable_state()->set_optimizer("GradientDescent");
  wire::ToProto({{"learning_rate", 1.0}}, step.mutable_state()->mutable_hyperparameters());
  for (int i = 0; i < 1026; ++i) step.add_variables(0);
  EXPECT_THAT(Resolved(gradients).message(), HasSubstr("1026 gradients, at most 1025"));
  step.clear_variables();
  for (int i = 0; i < 1026; ++i) step.add_create_slots(0);
  EXPECT_THAT(Resolved(gradients).message(), HasSubstr("1026 slot creations, at most 1025"));

  // Nor may many lists together be.
  step.clear_create_slots();
  for (int i = 0; i < 1025; ++i) step.add_create_slots(0);
  for (int i = 0; i < 63; ++i) *gradients.add_steps() = gradients.steps(0);
  EXPECT_THAT(Resolved(gradients).message(), HasSubstr("65600 slot creations, at most 65536"));

  v1::PushHead steps;
  for (int i = 0; i < (1 << 12) + 1; ++i) steps.add_steps();
  EXPECT_THAT(Resolved(steps).message(), HasSubstr("4097 steps, at most 4096"));
  v1::PushHead assignments;
  for (int i = 0; i < (1 << 16) + 1; ++i) assignments.add_assignments();
  EXPECT_THAT(Resolved(assignments).message(), HasSubstr("65537 assignments"));
}

// What the stages make of a head is reserved before: not less than their own types take.
TEST_F(StreamVariablesTest, WhatAHeadBecomesIsKnownBeforeItIsMade) {
  constexpr int kVariables = 100;
  ASSERT_TRUE(variables_.Add(store_.catalog, Named(kVariables, 3, 200), kCaller).ok());
  uint64_t last = 0;
  for (const int steps : {0, 1, 7, 300}) {
    for (const bool indices : {false, true}) {
      v1::PushHead head;
      const int assignments = 10 * steps;
      for (int i = 0; i < steps; ++i) {
        v1::OptimizerStep& step = *head.add_steps();
        step.mutable_state()->set_optimizer("GradientDescent");
        step.mutable_creator()->set_file(std::string(500, 'f'));
        for (int v = 0; v < kVariables; ++v) {
          step.add_variables(v);
          if (indices) step.add_index_counts(2);
        }
        for (int v = 0; v < kVariables; ++v) step.add_create_slots(v);
      }
      for (int i = 0; i < assignments; ++i) head.add_assignments();
      const uint64_t updates = static_cast<uint64_t>(steps) * kVariables;
      const uint64_t tensors = updates * (indices ? 2 : 1) + assignments;
      const uint64_t least = steps * (sizeof(PushStep) + 500) + updates * sizeof(PushUpdate) +
                             updates * sizeof(SlotCreation) + assignments * sizeof(PushAssignment) +
                             2 * updates * 3 * (sizeof(std::string) + 200) +
                             tensors * (2 * sizeof(wire::IncomingTensor) + sizeof(Tensor));
      const uint64_t held = MemoryOfPush(variables_, head);
      EXPECT_GE(held, least);
      EXPECT_LE(held, 4 * least + 10000);
      EXPECT_GE(held, last);
      last = held;
    }
  }
  // Numbers that the stream has not given are refused later.
  v1::PushHead wrong;
  wrong.add_steps()->add_variables(kVariables);
  EXPECT_GT(MemoryOfPush(variables_, wrong), 0U);
}

}  // namespace
}  // namespace varscope::server
