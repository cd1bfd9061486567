// A rollback is on stable storage when it is answered, whatever was before.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <new>

#include "proto/memory/memory_account.h"
#include "proto/wire/retry_info.h"
#include "server/durability/convert.h"
#include "server/durability/file_names.h"
#include "server/durability/log.h"
#include "tests/recovery/server_run.h"
#include "tests/support/opened.h"
#include "tests/support/sanitizer.h"
#include "tests/support/temporary_directory.h"
#include "tests/unit/server/failing_memory.h"

namespace varscope::testing {
namespace {

using namespace server;
using ::testing::HasSubstr;
namespace fs = std::filesystem;

void Create(ServerRun& run, const Shape& shape = Shape{1}) {
  ResolveRequest request;
  request.request = {"v", DType::kFloat32, shape, Reuse::kAuto, {}};
  request.name = "v";
  request.initializer = InitializerSpec{.kind = "zeros"};
  ASSERT_TRUE(run.store().catalog.Resolve({"w", 1, Sharing::kGlobal}, request).ok());
}

void Add(ServerRun& run, int times) {
  for (int i = 0; i < times; ++i) {
    Push push;
    push.assignments.push_back(
        {"v", AssignOp::kAdd, Tensor::Of<float>(Shape{1}, {1}), std::nullopt});
    ASSERT_TRUE((*run.Submit(push))->ok());
  }
  ASSERT_TRUE(run.Settle().ok());
}

Push Gradient(const PushId& id) {
  Push push{.id = id};
  OptimizerStep& step = push.steps.emplace_back();
  step.state = {.optimizer = "GradientDescent",
                .hyperparameters = {{"learning_rate", 1}},
                .name = "GradientDescent",
                .group = "v"};
  step.updates.push_back({.variable = "v", .gradient = Tensor::Of<float>(Shape{1}, {1})});
  return push;
}

float Value(ServerRun& run) { return ValueOf(run.store(), "v").scalar<float>(); }

// The order of a directory's files is anybody's: both of two names, where one is written first.
class RollbackTest : public ::testing::TestWithParam<std::tuple<DurabilityLevel, std::string>> {};

TEST_P(RollbackTest, ASnapshotJustBeforeIsNotTakenForIt) {
  const auto& [level, name] = GetParam();
  const TemporaryDirectory directory;
  std::string rolled_back;
  std::string before;
  {
    ServerRun run(directory.path(), {.level = level});
    Create(run);
    Add(run, 1);
    ASSERT_TRUE(run.recorder().TakeSnapshot("good").ok());
    Add(run, 5);
    ASSERT_TRUE(run.recorder().TakeSnapshot("").ok());
    ASSERT_TRUE(run.recorder().TakeSnapshot(name).ok());
    ASSERT_TRUE(run.recorder().Rollback("good").ok());
    EXPECT_EQ(Value(run), 1);
    rolled_back = run.state();
    const TemporaryDirectory copies;
    CopyDirectory(directory.path(), copies / "now");
    EXPECT_EQ(RecoveredState(copies / "now").value(), rolled_back);
    Add(run, 2);
    if (level == DurabilityLevel::kNone) {
      ASSERT_TRUE(run.recorder().TakeSnapshot("").ok());
    }
    before = run.state();
    EXPECT_EQ(Value(run), 3);
  }
  EXPECT_EQ(RecoveredState(directory.path()).value(), before);
}

TEST_P(RollbackTest, OneAfterTheOtherWithSnapshotsBetween) {
  const auto& [level, name] = GetParam();
  const TemporaryDirectory directory;
  ServerRun run(directory.path(), {.level = level});
  Create(run);
  for (int i = 0; i < 4; ++i) {
    const std::string round = name + std::to_string(i);
    ASSERT_TRUE(run.recorder().TakeSnapshot(round).ok());
    Add(run, 1);
    ASSERT_TRUE(run.recorder().Rollback(round).ok());
    ASSERT_TRUE(run.recorder().Rollback(round).ok());
    const TemporaryDirectory copies;
    CopyDirectory(directory.path(), copies / "now");
    EXPECT_EQ(RecoveredState(copies / "now").value(), run.state());
    ASSERT_TRUE(run.recorder().TakeSnapshot(round + "after").ok());
    CopyDirectory(directory.path(), copies / "now");
    EXPECT_EQ(RecoveredState(copies / "now").value(), run.state());
  }
}

INSTANTIATE_TEST_SUITE_P(
    AtEachLevel, RollbackTest,
    ::testing::Combine(::testing::Values(DurabilityLevel::kSync, DurabilityLevel::kAsync,
                                         DurabilityLevel::kNone),
                       ::testing::Values("a", "b", "before", "present", "zz", "0", "A_1", "x-y")));

// As often as it is fenced off, and before the rollback has returned: its record in the log comes
// after that of the rollback.
TEST(ConnectAtRollbackTest, WhoConnectsAgainAtOnceIsThereAfterARestartToo) {
  for (const DurabilityLevel level : {DurabilityLevel::kSync, DurabilityLevel::kAsync}) {
    const TemporaryDirectory directory;
    std::string before;
    {
      ServerRun run(directory.path(), {.level = level});
      Create(run);
      ASSERT_TRUE(run.recorder().TakeSnapshot("good").ok());
      Workers& workers = run.workers();
      uint64_t incarnation = workers.Connect("w", "host", 7, Sharing::kGlobal).value();
      int times = 0;
      workers.Start(
          [&](const WorkerRecord& w) {
            run.store().completion_records.Fence(w.worker_id, w.incarnation);
          },
          [&](const WorkerRecord& w) {
            ++times;
            incarnation = workers.Connect(w.worker_id, "host", 7, Sharing::kGlobal).value();
          });
      ASSERT_TRUE(run.recorder().Rollback("good").ok());
      EXPECT_GT(times, 0);
      EXPECT_TRUE(workers.IsLive("w", incarnation));
      ASSERT_TRUE(run.Settle().ok());
      before = run.state();
    }
    EXPECT_EQ(RecoveredState(directory.path()).value(), before);
  }
}

// What the store has and what it had are in memory together, however little of it may be taken.
TEST(ScarceRollbackTest, NoLimitOfMemoryRefusesAStateThatWas) {
  MemoryAccount& memory = MemoryAccount::Process();
  for (const int64_t elements :
       {int64_t{1}, int64_t{1} << 10, int64_t{1} << 16, int64_t{1} << 20}) {
    const TemporaryDirectory directory;
    ServerRun run(directory.path());
    Create(run, Shape{elements});
    ASSERT_TRUE(run.store().catalog.FinishFirstValues().ok());
    const auto assign = [&](float x) {
      Tensor value(DType::kFloat32, Shape{elements});
      for (float& one : value.mutable_values<float>()) one = x;
      Push push;
      push.assignments.push_back({"v", AssignOp::kAssign, value, std::nullopt});
      ASSERT_TRUE((*run.Submit(push))->ok());
      ASSERT_TRUE(run.Settle().ok());
    };
    assign(1);
    ASSERT_TRUE(run.recorder().TakeSnapshot("good").ok());
    for (const double part : {1.0, 0.75, 0.5, 0.25}) {
      assign(2);
      memory.SetLimit(static_cast<uint64_t>(part * static_cast<double>(memory.used())));
      const absl::Status status = run.recorder().Rollback("good").status();
      memory.SetLimit(MemoryAccount::kUnlimited);
      ASSERT_TRUE(status.ok()) << elements << " elements, " << part << ": " << status;
      EXPECT_EQ(ValueOf(run.store(), "v").data<float>()[elements - 1], 1);
    }
  }
}

// The file that holds the state since then is damaged: the one that was chosen is still there.
TEST(DamagedRollbackTest, IsMadeAgainFromTheSnapshotThatWasChosen) {
  const TemporaryDirectory directory;
  std::string before;
  {
    ServerRun run(directory.path());
    Create(run);
    ASSERT_TRUE(run.recorder().TakeSnapshot("").ok());
    Add(run, 1);
    ASSERT_TRUE(run.recorder().TakeSnapshot("good").ok());
    Add(run, 5);
    ASSERT_TRUE(run.recorder().Rollback("good").ok());
    Add(run, 2);
    before = run.state();
  }
  const fs::path newest = directory / ListSnapshots(*Opened(directory.path())).value()[0].name;
  fs::resize_file(newest, fs::file_size(newest) - 1);
  EXPECT_EQ(RecoveredState(directory.path()).value(), before);
  fs::remove(newest);
  EXPECT_EQ(RecoveredState(directory.path()).value(), before);
  const std::vector<SnapshotFile> files = ListSnapshots(*Opened(directory.path())).value();
  for (const SnapshotFile& file : files) {
    if (file.name.ends_with("-good")) fs::remove(directory / file.name);
  }
  const absl::Status refused = RecoveredState(directory.path()).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(refused.message()), HasSubstr("rolled back"));
}

// Wherever memory fails, the disk and the process have the same state: that before, or that after.
TEST(MemoryOfRollbackTest, WhateverCannotBeHadTheDiskAndTheProcessAgree) {
  if (IsSanitized()) GTEST_SKIP() << "operator new is the sanitizer's";
  int rolled_back = 0;
  int stayed = 0;
  bool failed = true;
  for (uint64_t calls = 0; failed; ++calls) {
    SCOPED_TRACE(calls);
    const TemporaryDirectory directory;
    std::string before;
    {
      ServerRun run(directory.path(), {.groups = {"bsp:workers=2,deadline=3600s"}});
      Create(run);
      Add(run, 1);
      const uint64_t w = run.workers().Connect("w", "host", 7, Sharing::kGlobal).value();
      ASSERT_TRUE(run.recorder().TakeSnapshot("good").ok());
      Add(run, 2);
      // It waits for another worker's.
      const ServerRun::Answer answer = run.Submit(Gradient({"w", w, 1}));
      ASSERT_FALSE(answer->has_value());
      {
        const FailingMemory memory(calls);
        try {
          run.recorder().Rollback("good").IgnoreError();
        } catch (const std::bad_alloc&) {
        }
        failed = memory.failed();
      }
      const float now = Value(run);
      ++(now == 1 ? rolled_back : stayed);
      ASSERT_TRUE(now == 1 || now == 3) << now;
      ASSERT_EQ(run.workers().records()[0].state,
                now == 1 ? WorkerState::kRolledBack : WorkerState::kLive);
      ASSERT_EQ(answer->has_value(), now == 1) << "nobody waits for a worker that is fenced off";
      Add(run, 2);
      before = run.state();
    }
    ASSERT_EQ(RecoveredState(directory.path()).value(), before);
  }
  EXPECT_GT(rolled_back, 1);
  EXPECT_GT(stayed, 50);
}

// Killed between the two: the snapshot of the rollback is there, its second record is not.
TEST(UnfinishedRollbackTest, WhoConnectedMeanwhileIsFencedOffTooAndWhoComesAfterIsNot) {
  const TemporaryDirectory directory;
  {
    ServerRun run(directory.path());
    Create(run);
    ASSERT_TRUE(run.recorder().TakeSnapshot("good").ok());
    Add(run, 2);
    ASSERT_TRUE(run.recorder().Rollback("good").ok());
  }
  const std::vector<Segment> segments = ListSegments(*Opened(directory.path())).value();
  const uint64_t first = segments.back().first;
  fs::remove(segments.back().path);
  const WorkerRecord late{.worker_id = "late", .incarnation = 7, .nonce = 1};
  {
    const auto opened = Opened(directory.path());
    Log log(*opened, {}, first);
    log.Append(ToRecord(late));
    ASSERT_TRUE(log.Flush().ok());
  }
  uint64_t next = 0;
  for (int i = 0; i < 3; ++i) {
    SCOPED_TRACE(i);
    ServerRun run(directory.path());
    EXPECT_EQ(run.recovered().unfinished_rollback.has_value(), i == 0);
    EXPECT_EQ(Value(run), 0);
    EXPECT_EQ(run.workers().Check({"late", 7}).GetPayload(kReconnectKey), absl::Cord("r"));
    if (i == 0) next = run.workers().Connect("next", "host", 7, Sharing::kGlobal).value();
    EXPECT_TRUE(run.workers().Check({"next", next}).ok());
    ASSERT_TRUE(run.Settle().ok());
  }
}

}  // namespace
}  // namespace varscope::testing
