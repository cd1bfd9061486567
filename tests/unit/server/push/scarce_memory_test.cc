// A push for which the memory of a tensor cannot be had, whichever it is, changes nothing.
#include <gtest/gtest.h>

#include <map>
#include <optional>

#include "absl/status/status.h"
#include "proto/memory/memory_account.h"
#include "proto/tensor/block_pool.h"
#include "server/durability/recorder.h"
#include "server/membership/workers.h"
#include "server/store/store.h"
#include "server/sync/aggregate.h"
#include "tests/support/opened.h"
#include "tests/support/push.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/variables_of.h"
#include "tests/unit/server/failing_memory.h"

namespace varscope::server {
namespace {

const std::vector<std::string> kNames = {"dense", "sparse", "assigned"};

class ScarceMemoryTest : public ::testing::Test {
 protected:
  ScarceMemoryTest() {
    for (const std::string& name : kNames) {
      ResolveRequest request;
      request.request = {name, DType::kFloat32, Shape{4, 2}, Reuse::kAuto, std::nullopt};
      request.name = name;
      request.initializer = InitializerSpec{.kind = "ones"};
      EXPECT_TRUE(store_.catalog.Resolve({"w", 1, Sharing::kGlobal}, request).ok());
    }
    EXPECT_TRUE(Apply(store_, EveryKind()).ok());
  }

  // Dense with decay, rows of a rule that needs the whole variable, a value that is added to after
  // it was replaced.
  static Push EveryKind() {
    Push push{.id = {.worker_id = "w"}};
    const Tensor gradient = Tensor::Of<float>(Shape{4, 2}, {1, 2, 3, 4, 5, 6, 7, 8});
    OptimizerStep& dense = push.steps.emplace_back();
    dense.state = {"Adam", {}, "Adam", 0, "dense"};
    dense.weight_decay = 0.1;
    dense.updates.push_back({.variable = "dense", .gradient = gradient});
    OptimizerStep& sparse = push.steps.emplace_back();
    sparse.state = {"LAMB", {}, "LAMB", 0, "sparse"};
    sparse.updates.push_back({.variable = "sparse",
                              .gradient = Tensor::Of<float>(Shape{1, 2}, {1, 2}),
                              .rows = Tensor::Of<int64_t>(Shape{1}, {2})});
    push.assignments = {{"assigned", AssignOp::kAdd, gradient.Clone(), std::nullopt},
                        {"assigned", AssignOp::kAssign, gradient, std::nullopt},
                        {"assigned", AssignOp::kAdd, gradient, std::nullopt}};
    return push;
  }

  // Of all variables and slots, by name.
  std::map<std::string, std::pair<uint64_t, std::string>> State() const {
    std::map<std::string, std::pair<uint64_t, std::string>> state;
    for (const VariablePtr& variable : testing::VariablesOf(store_.catalog)) {
      const MutexLock lock(variable->mutex);
      const auto bytes = variable->value.bytes();
      state[variable->def.name] = {
          variable->version,
          std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size())};
    }
    return state;
  }

  Store store_{StoreLimits{uint64_t{1} << 20, uint64_t{1} << 20}};
};

TEST_F(ScarceMemoryTest, APushThatFailsChangesNothing) {
  const auto before = State();
  // Else there would be more room than the limit says.
  BlockPool::Process()->FreeKept();
  int failed = 0;
  for (uint64_t more = 0;; more += 32, ++failed) {
    const Push push = EveryKind();
    // Readers hold everything: each change needs a copy.
    std::vector<Tensor> held;
    for (const VariablePtr& variable : testing::VariablesOf(store_.catalog)) {
      const MutexLock lock(variable->mutex);
      held.push_back(variable->value);
    }
    MemoryAccount& memory = MemoryAccount::Process();
    memory.SetLimit(memory.used() + more);
    const absl::StatusOr<PushResult> result = Apply(store_, push);
    memory.SetLimit(MemoryAccount::kUnlimited);
    // What was sent stays as it was: it is logged.
    ASSERT_EQ(Summarize(push.assignments[1].value, 3), "[1 2 3 ...]");
    ASSERT_EQ(Summarize(push.steps[0].updates[0].gradient, 3), "[1 2 3 ...]");
    if (result.ok()) break;
    ASSERT_EQ(result.status().code(), absl::StatusCode::kResourceExhausted) << result.status();
    ASSERT_EQ(State(), before) << "with " << more << " bytes";
    ASSERT_EQ(store_.changes.global_step(), 1U);
    ASSERT_TRUE(BytesEqual(push.assignments[1].value, push.assignments[2].value));
  }
  EXPECT_GE(failed, 12);
  EXPECT_EQ(store_.changes.global_step(), 2U);
  const Tensor assigned = ValueOf(store_, "assigned");
  EXPECT_EQ(Summarize(assigned, 3), "[2 4 6 ...]");
}

// Whatever it changes, and though it is kept in a log and its worker waits for an answer.
TEST_F(ScarceMemoryTest, CommitTakesNoMemory) {
  const testing::TemporaryDirectory directory;
  Workers workers;
  Recorder recorder(testing::Opened(directory.path()), {.level = DurabilityLevel::kSync}, store_,
                    workers, 0);
  for (uint64_t sequence = 1; sequence <= 20; ++sequence) {
    Push push = EveryKind();
    push.id = {"w", 1, sequence};
    std::vector<ValidPush> one;
    one.push_back(Validated(store_, push).value());
    CompletionRecords::InFlightPush in_flight_push =
        store_.completion_records.Begin(push.id).value();
    absl::StatusOr<ValidPush> merged = Aggregate(std::move(one), "group", Aggregation::kMean, 0);
    LockedPush locked = Lock(store_, *std::move(merged), std::move(in_flight_push)).value();
    const PushResult result = [&] {
      const testing::NoMemory none;
      return Commit(std::move(locked));
    }();
    EXPECT_EQ(result.group_step, sequence);
    EXPECT_EQ(store_.completion_records.Begin(push.id)->cached_result(), result);
  }
}

// Of a size that several threads share.
TEST(LargeCommitTest, TakesNoMemory) {
  Store store(StoreLimits{});
  const Shape shape{1 << 20};
  ResolveRequest request;
  request.request = {"v", DType::kFloat32, shape, Reuse::kAuto, std::nullopt};
  request.name = "v";
  request.initializer = InitializerSpec{.kind = "ones"};
  ASSERT_TRUE(store.catalog.Resolve({"w", 1, Sharing::kGlobal}, request).ok());
  ASSERT_TRUE(store.catalog.FinishFirstValues().ok());
  for (uint64_t sequence = 1; sequence <= 2; ++sequence) {
    Push push{.id = {"w", 1, sequence}};
    OptimizerStep& step = push.steps.emplace_back();
    step.state = {"Adam", {}, "Adam", 0, "v"};
    step.weight_decay = 0.1;
    Tensor gradient(DType::kFloat32, shape);
    for (float& x : gradient.mutable_values<float>()) x = 1;
    step.updates.push_back({.variable = "v", .gradient = std::move(gradient)});
    LockedPush locked = Locked(store, push).value();
    std::optional<testing::NoMemory> none;
    if (sequence > 1) none.emplace();  // the first makes the threads
    const PushResult result = Commit(std::move(locked));
    none.reset();
    EXPECT_EQ(result.global_step, sequence);
  }
}

}  // namespace
}  // namespace varscope::server
