// What protobuf cannot write is refused or written in pieces, and never written as nothing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>

#include "proto/memory/memory_account.h"
#include "proto/tensor/block_pool.h"
#include "server/durability/convert.h"
#include "server/durability/snapshot.h"
#include "tests/recovery/server_run.h"
#include "tests/support/opened.h"
#include "tests/support/temporary_directory.h"

namespace varscope::testing {
namespace {

using namespace server;
using ::testing::HasSubstr;
namespace fs = std::filesystem;

ResolveRequest NewVariableOf(const std::string& name, const std::string& mode = "") {
  ResolveRequest request;
  request.request = {name, DType::kFloat32, Shape{8, 2}, Reuse::kAuto, {}};
  request.name = name;
  request.initializer = InitializerSpec{.kind = "zeros", .mode = mode};
  return request;
}

Push Add(const std::string& name, PushId id) {
  Push push{.id = std::move(id)};
  OptimizerStep& step = push.steps.emplace_back();
  step.state = {"Adam", {}, "Adam", 0, name};
  Tensor ones(DType::kFloat32, Shape{8, 2});
  for (float& x : ones.mutable_values<float>()) x = 1;
  step.updates.push_back({name, ones, std::nullopt, std::nullopt});
  return push;
}

// A state with something in each of a head's lists.
void Fill(ServerRun& run) {
  const Caller caller{"w", 1, Sharing::kGlobal};
  for (int i = 0; i < 20; ++i) {
    const std::string name = "v" + std::to_string(i);
    ResolveRequest request = NewVariableOf(name);
    if (i % 5 == 0) request.request.partitions = {{4, 1}};
    const Resolution made = run.store().catalog.Resolve(caller, request).value();
    const std::string worker = "worker" + std::to_string(i);
    (void)run.workers().Connect(worker, "host", i, Sharing::kGlobal).value();
    if (made.variables.size() == 1) {
      ASSERT_TRUE((*run.Submit(Add(made.variables[0]->def.name, {worker, 1, 1})))->ok());
    }
  }
}

TEST(HeadsTest, AHeadOfManyPiecesReadsAsOne) {
  const TemporaryDirectory directory;
  ServerRun run(directory.path());
  Fill(run);
  const std::string before = run.state();
  std::set<uintmax_t> sizes;
  for (const size_t piece :
       {size_t{1}, size_t{50}, size_t{1000}, kHeadPieceBytes, size_t{64} << 20}) {
    const TemporaryDirectory other;
    Snapshot snapshot{.name = "n",
                      .position = 7,
                      .state = Capture(run.store()),
                      .workers = run.workers().records()};
    const auto opened = Opened(other.path());
    const std::string name = WriteSnapshot(SystemEnv(), *opened, snapshot, piece).value();
    const fs::path path = other / name;
    sizes.insert(fs::file_size(path));
    const absl::StatusOr<Snapshot> read = ReadSnapshot(*opened, name);
    ASSERT_TRUE(read.ok()) << read.status();
    EXPECT_EQ(read->name, "n");
    EXPECT_EQ(StateOf(read->state, read->workers), before);
    EXPECT_EQ(DescribeSnapshots(*opened).value().at(0).variables, snapshot.state.variables.size());
    // Cut anywhere, it is not taken for a shorter one.
    if (piece != 50) continue;
    for (uintmax_t size = fs::file_size(path); size > 0;) {
      size -= std::min<uintmax_t>(size, 7);
      fs::resize_file(path, size);
      EXPECT_FALSE(ReadSnapshot(*opened, name).ok()) << "cut at " << size;
    }
  }
  EXPECT_EQ(sizes.size(), 4U);  // as many different numbers of pieces: the last two have one
}

TEST(HeadsTest, AChangeThatTheLogCannotHoldDoesNotHappen) {
  const TemporaryDirectory directory;
  std::string before;
  {
    ServerRun run(directory.path(), {.max_header_bytes = 100000});
    const Caller caller{"w", 1, Sharing::kGlobal};
    ASSERT_TRUE(run.store().catalog.Resolve(caller, NewVariableOf("v")).ok());
    // Each part has the whole text.
    ResolveRequest large = NewVariableOf("large");
    large.creator.file = std::string(20000, 'x');
    large.request.partitions = {{8, 1}};
    const absl::Status refused = run.store().catalog.Resolve(caller, large).status();
    EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
    EXPECT_THAT(std::string(refused.message()), HasSubstr("at most 100000"));
    EXPECT_EQ(run.store().catalog.size(), 1U);

    Push push = Add("v", {"w", 1, 1});
    for (int i = 0; i < 200; ++i) {
      push.assignments.push_back({"v", AssignOp::kAdd, Tensor(DType::kFloat32, Shape{8, 2})});
      push.assignments.back().value = push.steps[0].updates[0].gradient;
    }
    EXPECT_EQ((*run.Submit(push))->status().code(), absl::StatusCode::kResourceExhausted);
    push.assignments.resize(10);
    EXPECT_TRUE((*run.Submit(push))->ok());
    ASSERT_TRUE(run.Settle().ok());
    before = run.state();
  }
  EXPECT_EQ(RecoveredState(directory.path()).value(), before);
}

// A step is one change. What of it the log cannot hold is refused before it is part of one, to its
// own worker, and the others' step goes on.
TEST(HeadsTest, WhatAStepCannotHoldIsRefusedToItsWorkerAlone) {
  const TemporaryDirectory directory;
  std::string before;
  {
    ServerRun run(directory.path(), {.groups = {"bsp:workers=3"}, .max_header_bytes = 100000});
    std::map<std::string, uint64_t> incarnations;
    for (const char* worker : {"a", "b", "c"}) {
      incarnations[worker] = run.workers().Connect(worker, "host", 1, Sharing::kGlobal).value();
    }
    ASSERT_TRUE(run.store().catalog.Resolve({"a", 1}, NewVariableOf("v")).ok());
    const std::string name(500, 'n');
    int refusals = 0;
    ASSERT_TRUE(run.store().catalog.Resolve({"a", 1}, NewVariableOf(name)).ok());
    for (uint64_t step = 1; step <= 20; ++step) {
      const auto push = [&](const char* worker) {
        return Add("v", {worker, incarnations[worker], step});
      };
      const auto a = run.Submit(push("a"));
      Push hostile = push("c");
      for (uint64_t i = 0; i < step; ++i) {
        hostile.assignments.push_back(
            {name, AssignOp::kAdd, hostile.steps[0].updates[0].gradient, std::nullopt});
      }
      auto c = run.Submit(hostile);
      if (c->has_value()) {
        const absl::Status refused = (*c)->status();
        EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted) << refused;
        EXPECT_THAT(std::string(refused.message()), HasSubstr("variable " + name));
        EXPECT_THAT(std::string(refused.message()), HasSubstr("worker 'c'"));
        EXPECT_FALSE(a->has_value());
        c = run.Submit(push("c"));
        ++refusals;
      }
      const auto b = run.Submit(push("b"));
      for (const auto& answer : {a, b, c}) {
        ASSERT_TRUE(answer->has_value());
        EXPECT_TRUE((*answer)->ok()) << (*answer)->status();
      }
    }
    EXPECT_GT(refusals, 0);
    EXPECT_LT(refusals, 20);
    ASSERT_TRUE(run.Settle().ok());
    before = run.state();
  }
  EXPECT_EQ(RecoveredState(directory.path()).value(), before);
}

// A head of few bytes makes a long record of a few long names: it is in the account before it is
// made, and until it is written.
TEST(HeadsTest, ARecordThatTheMemoryCannotHoldIsRefused) {
  MemoryAccount& memory = MemoryAccount::Process();
  const TemporaryDirectory directory;
  std::string before;
  {
    ServerRun run(directory.path());
    const std::string name(1000, 'n');
    ASSERT_TRUE(run.store().catalog.Resolve({"w", 1}, NewVariableOf(name)).ok());
    Push push = Add(name, {"w", 1, 1});
    ASSERT_TRUE((*run.Submit(push))->ok());
    ASSERT_TRUE(run.Settle().ok());
    for (int i = 0; i < 2000; ++i) {
      push.assignments.push_back({name, AssignOp::kAdd, push.steps[0].updates[0].gradient, {}});
    }
    // What is kept could make room later.
    BlockPool::Process()->FreeKept();
    const uint64_t idle = memory.used();
    push.id.sequence = 2;
    // Room for the tensors, and for a part of the record.
    memory.SetLimit(idle + (uint64_t{3} << 20));
    const auto answer = run.Submit(push);
    memory.SetLimit(MemoryAccount::kUnlimited);
    ASSERT_TRUE(answer->has_value());
    const absl::Status refused = (*answer)->status();
    EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted) << refused;
    EXPECT_THAT(std::string(refused.message()), HasSubstr("variable " + name));
    EXPECT_THAT(std::string(refused.message()), HasSubstr("worker 'w'"));
    EXPECT_TRUE((*run.Submit(push))->ok());
    ASSERT_TRUE(run.Settle().ok());
    before = run.state();
  }
  EXPECT_EQ(RecoveredState(directory.path()).value(), before);
}

// The bound that refusals go by is one.
TEST(HeadsTest, NoHeaderIsLongerThanItsBound) {
  CreationBatch batch;
  const Creator creator{"worker", "host", 1LL << 60, "train.cc", 1 << 30, 1LL << 60};
  const Shape wide(std::vector<int64_t>(Shape::kMaxRank, 1));
  batch.variables.push_back({{.name = "n",
                              .key = "k",
                              .dtype = DType::kFloat64,
                              .shape = wide,
                              .primary = "p",
                              .creator = creator,
                              .creator_incarnation = UINT64_MAX,
                              .creator_request = UINT64_MAX,
                              .initializer = "i",
                              .seed = UINT64_MAX},
                             InitializerSpec{.kind = "constant",
                                             .parameters = {{"value", 1e300}},
                                             .mode = "m",
                                             .distribution = "d",
                                             .seed = UINT64_MAX},
                             wide});
  batch.partitioned = {"k", {DType::kFloat64, wide, std::vector<int64_t>(16, 1)}, {"n"}};
  batch.slots = {{"n\nAdam", {"n", "m"}}};
  EXPECT_LE(ToRecord(batch).header.size(), MostHeaderBytes(batch));

  Store store(StoreLimits{});
  for (const char* name : {"v", "a", "b"}) {
    ResolveRequest request;
    request.request = {name, DType::kFloat32, wide, Reuse::kAuto, {}};
    request.name = name;
    request.initializer = InitializerSpec{.kind = "zeros"};
    ASSERT_TRUE(store.catalog.Resolve({"w", 1, Sharing::kGlobal}, request).ok());
  }
  Push push{.id = {"w", UINT64_MAX, UINT64_MAX}};
  OptimizerStep& step = push.steps.emplace_back();
  step.state = {"Adam", {{"beta1", 0.3}}, "Adam", UINT32_MAX, "g"};
  step.clip_norm = step.clip_value = step.weight_decay = 0.3;
  step.creator = creator;
  const Tensor value(DType::kFloat32, wide);
  step.updates.push_back({"v", value, {}, UINT64_MAX});
  step.create_slots = {{"a", {"s", "t"}}, {"b"}};
  step.state.non_slots = {"s", "t"};
  step.updates[0].slots = {"s", "t"};
  push.assignments.push_back({"v", AssignOp::kAdd, value, {}});
  PushContents contents = Validated(store, push).value().Take();
  contents.others = {{"w", UINT64_MAX, UINT64_MAX}};
  contents.group = "g";
  contents.steps[0].updates[0].indices = PushTensor{0, value};
  contents.assignments[0].indices = PushTensor{0, value};
  const uint64_t most = MostHeaderBytes(contents);
  // What Lock would find.
  Variable* const slot = store.catalog.Find("v").value().get();
  contents.steps[0].non_slots = contents.steps[0].updates[0].slots = {slot, slot};
  PushRecord record(contents);
  const PushResult result{UINT64_MAX, UINT64_MAX, Outcome::kApplied, UINT64_MAX};
  record.SetAnswer(result);
  EXPECT_LE(record.bytes().header.size(), most);
}

// Nothing older goes on the strength of a damaged snapshot.
TEST(HeadsTest, DamagedSnapshotsDoNotCountAsKept) {
  const TemporaryDirectory directory;
  std::string before;
  {
    ServerRun run(directory.path());
    Fill(run);
    ASSERT_TRUE(run.recorder().TakeSnapshot("").ok());
    for (int i = 0; i < 3; ++i) {
      ASSERT_TRUE((*run.Submit(Add("v1", {})))->ok());
      const fs::path path = run.recorder().TakeSnapshot("")->path;
      fs::resize_file(path, 100);
    }
    ASSERT_TRUE(run.Settle().ok());
    before = run.state();
  }
  EXPECT_EQ(RecoveredState(directory.path()).value(), before);
}

// Not every text of a record is UTF-8, without which protobuf reads no string.
TEST(HeadsTest, TextsOfAnyBytesAreReadBack) {
  const TemporaryDirectory directory;
  std::string before;
  {
    ServerRun run(directory.path());
    const std::string host = "host\xff\xc3";
    WorkerRecord worker{.worker_id = "w\xff", .incarnation = 1, .host = host};
    run.workers().Restore(worker);
    Push push = Add("v", {"w\xff", 1, 1});
    ASSERT_TRUE(run.store().catalog.Resolve({"w", 1, Sharing::kGlobal}, NewVariableOf("v")).ok());
    ASSERT_TRUE(run.recorder().TakeSnapshot("").ok());
    before = run.state();
  }
  EXPECT_EQ(RecoveredState(directory.path()).value(), before);
}

}  // namespace
}  // namespace varscope::testing
