// Storage that fails at any one call, or from any call on, and a kill at any call: the directory
// always recovers, to what was told to be durable or later, and never to what was told to have
// failed.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>
#include <optional>
#include <thread>

#include "absl/strings/str_cat.h"
#include "server/env/posix_files.h"
#include "tests/recovery/failing_calls.h"
#include "tests/recovery/server_run.h"
#include "tests/support/temporary_directory.h"

namespace varscope::testing {
namespace {

using namespace server;
namespace fs = std::filesystem;

// The same changes each time, and what a directory may recover to.
class Story {
 public:
  // At kAsync records wait for stable storage together, before and after a rotation.
  Story(const fs::path& directory, DurabilityLevel level)
      : run_(directory, {.level = level,
                         .interval = std::chrono::hours(1),
                         .retry = std::chrono::milliseconds(1)}) {
    states_.push_back(run_.state());
  }

  void Tell() {
    Connect();
    Create("v");
    Push("v");
    Settle();
    Snapshot("");
    Push("v");
    Snapshot("good");
    Push("v");
    Push("v");
    Settle();
    Snapshot("later");
    RollBack("good");
    Push("v");
    Settle();
    Create("w");
    Snapshot("");
    Push("w");
    Settle();
    RollBack("good");
    Snapshot("last");
  }

  // The number of the last state that was told to be durable.
  size_t durable() const { return durable_; }
  // What a kill may find besides, while a rollback is under way.
  std::optional<std::string> coming() const {
    std::lock_guard lock(mutex_);
    return coming_;
  }
  std::vector<std::string> StatesFrom(size_t first) const {
    return {states_.begin() + static_cast<int64_t>(first), states_.end()};
  }
  bool Settle() {
    if (!run_.Settle().ok()) return false;
    durable_ = states_.size() - 1;
    return true;
  }
  void Connect() {
    incarnation_ = run_.workers().Connect("w", "host", 7, Sharing::kGlobal).value();
    sequence_ = 0;
    Happened();
  }
  void Push(const std::string& name) {
    server::Push push{.id = {"w", incarnation_, ++sequence_}};
    OptimizerStep& step = push.steps.emplace_back();
    step.state = {"GradientDescent", {{"learning_rate", 1}}, "GradientDescent", 0, name};
    step.updates.push_back({name, Tensor::Of<float>(Shape{2}, {1, 2}), std::nullopt, std::nullopt});
    EXPECT_TRUE((*run_.Submit(push))->ok());
    Happened();
  }
  std::string state() const { return run_.state(); }

  void Create(const std::string& name) {
    ResolveRequest request;
    request.request = {name, DType::kFloat32, Shape{2}, Reuse::kAuto, {}};
    request.name = name;
    request.initializer = InitializerSpec{.kind = "zeros", .seed = 1};
    (void)run_.store().Resolve({"w", incarnation_, Sharing::kGlobal}, request);
    Happened();
  }

  void Snapshot(const std::string& name) {
    if (name == "good") good_ = run_.store().Capture([] {});
    if (run_.recorder().TakeSnapshot(name).ok()) durable_ = states_.size() - 1;
  }

 private:
  void Happened() { states_.push_back(run_.state()); }

  void SetComing(std::optional<std::string> state) {
    std::lock_guard lock(mutex_);
    coming_ = std::move(state);
  }

  void RollBack(const std::string& name) {
    const bool may_live = run_.workers().IsLive("w", incarnation_);
    const std::string before = run_.state();
    std::vector<WorkerRecord> fenced = run_.workers().records();
    for (WorkerRecord& worker : fenced) worker.state = WorkerState::kRolledBack;
    SetComing(StateOf(good_, fenced));
    const bool done = run_.recorder().Rollback(name).ok();
    SetComing(std::nullopt);
    if (!done) {
      EXPECT_EQ(run_.state(), before) << "a rollback that failed changed something";
      EXPECT_EQ(run_.workers().IsLive("w", incarnation_), may_live);
      return;
    }
    Happened();
    durable_ = states_.size() - 1;
    Connect();
  }

  ServerRun run_;
  std::vector<std::string> states_;
  std::atomic<size_t> durable_{0};
  uint64_t incarnation_ = 0;
  uint64_t sequence_ = 0;
  StoreState good_;
  mutable std::mutex mutex_;
  std::optional<std::string> coming_;
};

void ExpectOneOf(const fs::path& directory, const std::vector<std::string>& possible) {
  const absl::StatusOr<std::string> recovered = RecoveredState(directory);
  ASSERT_TRUE(recovered.ok()) << recovered.status();
  const bool found = std::find(possible.begin(), possible.end(), *recovered) != possible.end();
  EXPECT_TRUE(found) << "recovered to\n"
                     << *recovered << "\nlast of " << possible.size() << " possible:\n"
                     << possible.back();
}

// What `number` calls of a story may leave.
struct Kill {
  size_t durable;
  std::optional<std::string> coming;
  fs::path copy;
};

// Tells the story with failures, and kills it before each of the calls [from, from + count).
void TellAndKill(DurabilityLevel level, const CallWatch::Failing& failing, int from, int count,
                 int* calls = nullptr) {
  const TemporaryDirectory directory;
  const TemporaryDirectory copies;
  std::vector<Kill> kills;
  Story story(directory.path(), level);
  {
    CallWatch watch(directory.path(), failing, [&](int number) {
      if (number < from || number >= from + count) return;
      const fs::path copy = copies / std::to_string(number);
      kills.push_back({story.durable(), story.coming(), copy});
      CopyDirectory(directory.path(), copy);
    });
    story.Tell();
    if (calls != nullptr) *calls = watch.calls();
    watch.Between([&] { CopyDirectory(directory.path(), copies / "sick"); });
    ExpectOneOf(copies / "sick", story.StatesFrom(story.durable()));
    // Storage works again, and nothing is missing.
    watch.Heal();
    story.Push("v");
    while (!story.Settle()) std::this_thread::yield();
  }
  CopyDirectory(directory.path(), copies / "end");
  ExpectOneOf(copies / "end", {story.state()});
  for (const Kill& kill : kills) {
    SCOPED_TRACE(absl::StrCat("killed at ", kill.copy.filename().string()));
    std::vector<std::string> possible = story.StatesFrom(kill.durable);
    if (kill.coming) possible.push_back(*kill.coming);
    ExpectOneOf(kill.copy, possible);
  }
}

class FailingStorageTest : public ::testing::TestWithParam<DurabilityLevel> {
 protected:
  // Tells the story as often as it has calls, with `failing` from each of them on.
  void TellFromEach(CallWatch::Failing failing, int kills) {
    const int calls = Calls();
    for (int at = 0; at < calls && !HasFailure(); ++at) {
      SCOPED_TRACE(absl::StrCat(failing.count, " calls fail from ", at, " on"));
      failing.from = at;
      TellAndKill(GetParam(), failing, at, kills);
    }
  }

  static int Calls() {
    int calls = 0;
    TellAndKill(GetParam(), {}, 0, 0, &calls);
    EXPECT_GT(calls, 30);
    return calls;
  }
};

TEST_P(FailingStorageTest, AKillAtAnyCall) { TellAndKill(GetParam(), {}, 0, Calls()); }

TEST_P(FailingStorageTest, AnyOneCallFails) { TellFromEach({.error = EIO}, 8); }

TEST_P(FailingStorageTest, AnyTwoCallsFail) { TellFromEach({.count = 2, .error = EIO}, 8); }

TEST_P(FailingStorageTest, AllButRemovalsFailFromAnyCallOn) {
  TellFromEach({.count = 1 << 30, .error = EIO, .removals = false}, 12);
}

// Files can be opened, emptied and renamed, but not written.
TEST_P(FailingStorageTest, TheStorageIsFullFromAnyCallOn) {
  TellFromEach({.count = 1 << 30, .error = ENOSPC, .others = false}, 12);
}

// What fits goes to the present segment; the next one, and a snapshot, get nothing.
TEST(FullStorageTest, ARotationThatFailsIsNoProofThatAllBeforeItIsDurable) {
  const TemporaryDirectory directory;
  const TemporaryDirectory copies;
  int kills = 0;
  std::string acknowledged;
  std::string before;
  std::string after;
  {
    Story story(directory.path(), DurabilityLevel::kAsync);
    story.Connect();
    story.Create("v");
    ASSERT_TRUE(story.Settle());
    acknowledged = story.state();
    const std::string present =
        ListSegments(PosixFiles(), directory.path()).value().back().path.filename();
    CallWatch watch(directory.path(),
                    {.from = 0, .count = 1 << 30, .others = false, .except = present}, [&](int) {
                      if (kills >= 60) return;
                      CopyDirectory(directory.path(), copies / std::to_string(kills++));
                    });
    story.Push("v");
    before = story.state();
    story.Snapshot("");  // has no room
    story.Push("v");     // in the next segment, written together with the one before
    after = story.state();
    while (kills < 60) EXPECT_FALSE(story.Settle());
    watch.Heal();
    while (!story.Settle()) std::this_thread::yield();
  }
  ExpectOneOf(directory.path(), {after});
  for (int i = 0; i < kills; ++i) {
    SCOPED_TRACE(absl::StrCat("killed at ", i));
    ExpectOneOf(copies / std::to_string(i), {acknowledged, before, after});
  }
}

INSTANTIATE_TEST_SUITE_P(AtEachLevel, FailingStorageTest,
                         ::testing::Values(DurabilityLevel::kSync, DurabilityLevel::kAsync));

}  // namespace
}  // namespace varscope::testing
