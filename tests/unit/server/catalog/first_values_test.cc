// First values that take long: nobody waits for them but who needs them, and a crash loses none.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <new>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include "absl/strings/str_cat.h"
#include "proto/memory/memory_account.h"
#include "proto/tensor/block_pool.h"
#include "server/catalog/initializers.h"
#include "server/durability/recorder.h"
#include "server/durability/recovery.h"
#include "server/env/env.h"
#include "server/store/read.h"
#include "server/store/state.h"
#include "tests/support/opened.h"
#include "tests/support/push.h"
#include "tests/support/sanitizer.h"
#include "tests/support/state_of.h"
#include "tests/support/temporary_directory.h"
#include "tests/unit/server/failing_memory.h"

namespace varscope::server {
namespace {

using ::testing::HasSubstr;

// Holds the thread of first values back until the test lets it go on.
class HoldingEnv final : public Env {
 public:
  Time Now() override { return SystemEnv().Now(); }
  int64_t WallMicros() override { return SystemEnv().WallMicros(); }
  uint64_t Random64() override { return SystemEnv().Random64(); }
  absl::StatusOr<std::unique_ptr<Directory>> OpenDirectory(const std::filesystem::path& path,
                                                           IfMissing missing) override {
    return SystemEnv().OpenDirectory(path, missing);
  }
  std::unique_ptr<Timer> StartTimer(std::string name, Timer::Task task) override {
    if (name != "first values") return SystemEnv().StartTimer(std::move(name), std::move(task));
    if (no_threads)
      throw std::system_error(std::make_error_code(std::errc::resource_unavailable_try_again));
    held_ = std::move(task);
    return std::make_unique<Held>();
  }

  bool holds() const { return held_ != nullptr; }
  void RunOnce() { held_(); }
  // Computes all that waits.
  void LetGo() {
    while (held_() != kNever) {
    }
  }

  bool no_threads = false;

 private:
  class Held final : public Timer {
   public:
    ~Held() override = default;
    void Wake() noexcept override {}
    void Stop() override {}
  };
  Timer::Task held_;
};

constexpr int64_t kLarge = 64;

class FirstValuesTest : public ::testing::Test {
 protected:
  FirstValuesTest() {
    store_.catalog.SetLarge(kLarge);
    Create("other", Shape{2}, "zeros");
    Create("slow", Shape{kLarge, 2}, "random_normal");
  }

  VariablePtr Create(const std::string& name, const Shape& shape,
                     const std::optional<std::string>& kind) {
    ResolveRequest request;
    request.request = {name, DType::kFloat32, shape, Reuse::kAuto, std::nullopt};
    request.name = name;
    request.worker_initialized = !kind;
    if (kind) request.initializer = InitializerSpec{.kind = *kind};
    request.creator.worker_id = "w";
    const absl::StatusOr<ChangesLock> changes = store_.changes.Lock();
    EXPECT_TRUE(changes.ok());
    const absl::StatusOr<Resolution> made =
        store_.catalog.Resolve({"w", 1, Sharing::kGlobal}, request);
    EXPECT_TRUE(made.ok()) << made.status();
    return made->variables[0];
  }

  Push PushTo(const std::string& variable, const Shape& shape, const std::string& optimizer) {
    Push push{.id = {"w", 1, ++sequence_}};
    OptimizerStep& step = push.steps.emplace_back();
    step.state = {optimizer, {{"learning_rate", 1}}, optimizer, 0, variable};
    Tensor ones(DType::kFloat32, shape);
    for (float& x : ones.mutable_values<float>()) x = 1;
    step.updates.push_back({.variable = variable, .gradient = ones});
    return push;
  }
  absl::Status PushOther() {
    return Apply(store_, PushTo("other", Shape{2}, "GradientDescent")).status();
  }
  absl::Status PushSlow() {
    return Apply(store_, PushTo("slow", Shape{kLarge, 2}, "GradientDescent")).status();
  }
  absl::StatusOr<std::vector<ReadValue>> Pull(const std::string& name) {
    return ReadTogether(std::vector{store_.catalog.Find(name).value().get()});
  }
  Tensor Expected() const {
    const VariablePtr slow = store_.catalog.Find("slow").value();
    Tensor expected(DType::kFloat32, slow->def.shape);
    Initialize({.kind = "random_normal"}, slow->def.seed, slow->def.shape, expected);
    return expected;
  }

  HoldingEnv env_;
  Store store_{StoreLimits{}, env_};
  Workers workers_;
  uint64_t sequence_ = 0;
};

TEST_F(FirstValuesTest, NothingElseWaits) {
  ASSERT_TRUE(env_.holds());
  EXPECT_TRUE(PushOther().ok());
  EXPECT_TRUE(Pull("other").ok());
  Create("third", Shape{1}, "ones");
  EXPECT_EQ(store_.catalog.size(), 3U);
  EXPECT_EQ(Capture(store_).variables.size(), 3U);
  { const auto nobody = store_.changes.LockOut(); }
  EXPECT_TRUE(PushOther().ok());
  EXPECT_EQ(ValueOf(store_, "other").values<float>()[0], -2);
}

// It stays in the queue.
TEST_F(FirstValuesTest, WhateverMemoryIsMissingAValueIsComputedLater) {
  if (testing::IsSanitized()) GTEST_SKIP() << "the sanitizers have their own operator new";
  env_.LetGo();
  bool failed = true;
  for (uint64_t calls = 0; failed; ++calls) {
    const std::string name = absl::StrCat("slow", calls);
    Create(name, Shape{kLarge, 2}, "random_normal");
    {
      const testing::FailingMemory memory(calls);
      try {
        env_.RunOnce();
      } catch (const std::bad_alloc&) {
      }
      failed = memory.failed();
    }
    env_.LetGo();
    EXPECT_TRUE(Pull(name).ok()) << "without allocation " << calls;
  }
}

TEST_F(FirstValuesTest, WhoNeedsTheValueIsToldToComeBack) {
  const auto expect_coming = [](const absl::Status& status) {
    EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
    EXPECT_THAT(std::string(status.message()),
                HasSubstr("variable slow: its first value, random_normal"));
    EXPECT_THAT(std::string(status.message()), HasSubstr("is being computed"));
  };
  expect_coming(Pull("slow").status());
  expect_coming(PushSlow());
  for (const AssignOp op : {AssignOp::kAssign, AssignOp::kAdd, AssignOp::kInitialize}) {
    Push push{.id = {"w", 1, ++sequence_}};
    push.assignments.push_back({"slow", op, Expected(), std::nullopt});
    expect_coming(Apply(store_, push).status());
  }
  env_.LetGo();
  EXPECT_TRUE(BytesEqual(ValueOf(store_, "slow"), Expected()));
  EXPECT_EQ(Pull("slow").value()[0].version, 0U);
  EXPECT_TRUE(PushSlow().ok());
}

TEST_F(FirstValuesTest, AVariableThatItsCreatorInitializesIsThatAlone) {
  Create("uninitialized", Shape{kLarge, 2}, std::nullopt);
  EXPECT_EQ(Pull("uninitialized").status().code(), absl::StatusCode::kUnavailable);
  env_.LetGo();
  EXPECT_EQ(Pull("uninitialized").status().code(), absl::StatusCode::kFailedPrecondition);
  Push push{.id = {"w", 1, ++sequence_}};
  push.assignments.push_back({"uninitialized", AssignOp::kInitialize, Expected(), std::nullopt});
  EXPECT_TRUE(Apply(store_, push).ok());
  EXPECT_TRUE(BytesEqual(ValueOf(store_, "uninitialized"), Expected()));
}

// Slots come with the push that needs them.
TEST_F(FirstValuesTest, ThePushThatMakesSlotsHasThem) {
  env_.LetGo();
  Push push = PushTo("slow", Shape{kLarge, 2}, "Adam");
  EXPECT_TRUE(Apply(store_, push).ok());
  for (const CapturedVariable& v : Capture(store_).variables) {
    EXPECT_EQ(v.first_value, nullptr) << v.definition->name;
  }
}

// Nobody computes what a rollback has taken away, though somebody still knows it.
TEST_F(FirstValuesTest, WhatWasDiscardedGetsNone) {
  const VariablePtr slow = store_.catalog.Find("slow").value();
  ASSERT_TRUE(Restore(store_, StoreState()).ok());
  env_.LetGo();
  EXPECT_TRUE(store_.catalog.FinishFirstValue(*slow).ok());
  EXPECT_EQ(ReadTogether(std::vector{slow.get()}).status().code(), absl::StatusCode::kAborted);
  const MutexLock lock(slow->mutex);
  EXPECT_FALSE(slow->value.defined());
}

TEST_F(FirstValuesTest, WithoutAThreadTheCreatorComputes) {
  HoldingEnv env;
  env.no_threads = true;
  Store store(StoreLimits{}, env);
  store.catalog.SetLarge(0);
  ResolveRequest request;
  request.request = {"v", DType::kFloat32, Shape{3}, Reuse::kAuto, std::nullopt};
  request.name = "v";
  request.initializer = InitializerSpec{.kind = "ones"};
  ASSERT_TRUE(store.catalog.Resolve({"w", 1, Sharing::kGlobal}, request).ok());
  EXPECT_EQ(ValueOf(store, "v").values<float>()[2], 1);
}

// With a log, and snapshots.
class KeptFirstValuesTest : public ::testing::Test {
 protected:
  // A run of the server that is killed at the end of `live`, and what its directory recovers to.
  template <typename Live>
  void ExpectThatItComesBack(const Live& live) {
    const testing::TemporaryDirectory directory;
    std::string before;
    {
      HoldingEnv env;
      Store store(StoreLimits{}, env);
      store.catalog.SetLarge(kLarge);
      Workers workers;
      Recorder recorder(testing::Opened(directory.path()), {}, store, workers, 0, 0, env);
      live(env, store, recorder);
      before = testing::StateOf(store, workers);
    }
    EXPECT_EQ(testing::RecoveredState(directory.path()).value(), before);
  }

  static void Create(Store& store, const std::string& name, const std::string& kind) {
    ResolveRequest request;
    request.request = {name, DType::kFloat32, Shape{kLarge, 2}, Reuse::kAuto, std::nullopt};
    request.name = name;
    request.initializer = InitializerSpec{.kind = kind};
    ASSERT_TRUE(store.catalog.Resolve({"w", 1, Sharing::kGlobal}, request).ok());
  }
};

// The matrix that is taken apart is several times the variable.
TEST_F(FirstValuesTest, WhatComputingTakesIsInTheAccount) {
  const Shape shape{1024, 1024};
  ResolveRequest request;
  request.request = {"matrix", DType::kFloat32, shape, Reuse::kAuto, std::nullopt};
  request.name = "matrix";
  request.initializer = InitializerSpec{.kind = "orthogonal"};
  MemoryAccount& memory = MemoryAccount::Process();
  const uint64_t working = WorkingBytes(*request.initializer, shape);
  EXPECT_EQ(working, uint64_t{16} << 20);
  const auto resolve = [&](uint64_t room) {
    // Else there would be more of it than the limit says.
    BlockPool::Process()->FreeKept();
    memory.SetLimit(memory.used() + room);
    absl::Status status = store_.catalog.Resolve({"w", 1, Sharing::kGlobal}, request).status();
    memory.SetLimit(MemoryAccount::kUnlimited);
    return status;
  };
  EXPECT_TRUE(absl::IsResourceExhausted(resolve(working)));
  EXPECT_FALSE(store_.catalog.Find("matrix").ok());
  EXPECT_TRUE(resolve(3 * working).ok());
}

TEST_F(KeptFirstValuesTest, AfterACrashMeanwhile) {
  ExpectThatItComesBack([](HoldingEnv&, Store& store, Recorder&) {
    Create(store, "slow", "random_normal");
    Create(store, "orthogonal", "orthogonal");
  });
}

TEST_F(KeptFirstValuesTest, ASnapshotMeanwhileHasHowItIsMade) {
  ExpectThatItComesBack([](HoldingEnv& env, Store& store, Recorder& recorder) {
    Create(store, "slow", "random_normal");
    Create(store, "glorot", "glorot_uniform");
    ASSERT_TRUE(recorder.TakeSnapshot("").ok());
    ASSERT_TRUE(recorder.TakeSnapshot("").ok());
    env.LetGo();
    Push push{.id = {"w", 1, 1}};
    push.assignments.push_back({"slow", AssignOp::kAdd, ValueOf(store, "glorot"), std::nullopt});
    ASSERT_TRUE(Apply(store, push).ok());
  });
}

TEST_F(KeptFirstValuesTest, ARollbackToThatSnapshotComputesThem) {
  ExpectThatItComesBack([](HoldingEnv& env, Store& store, Recorder& recorder) {
    Create(store, "slow", "random_normal");
    ASSERT_TRUE(recorder.TakeSnapshot("meanwhile").ok());
    env.LetGo();
    const Tensor first = ValueOf(store, "slow");
    Push push{.id = {"w", 1, 1}};
    push.assignments.push_back({"slow", AssignOp::kAdd, first, std::nullopt});
    ASSERT_TRUE(Apply(store, push).ok());
    ASSERT_TRUE(recorder.Rollback("meanwhile").ok());
    EXPECT_EQ(ReadTogether(std::vector{store.catalog.Find("slow").value().get()}).status().code(),
              absl::StatusCode::kUnavailable);
    env.LetGo();
    EXPECT_TRUE(BytesEqual(ValueOf(store, "slow"), first));
  });
}

}  // namespace
}  // namespace varscope::server
