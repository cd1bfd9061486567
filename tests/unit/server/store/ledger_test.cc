// Which pushes were applied: each exactly once.
#include "server/store/ledger.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace varscope::server {
namespace {

using ::testing::HasSubstr;

void Record(Ledger& ledger, const PushId& id, const Applied& applied) {
  absl::StatusOr<Ledger::Admission> admission = ledger.Begin(id);
  admission->Reserve(applied.versions.size());
  admission->Record(applied);
}

TEST(LedgerTest, ASecondTimeGetsTheFirstAnswer) {
  Ledger ledger;
  Applied applied{.global_step = 5, .versions = {3}};
  Record(ledger, {"w", 1, 1}, applied);
  EXPECT_EQ(ledger.Begin({"w", 1, 1})->earlier(), applied);
  EXPECT_EQ(ledger.Begin({"w", 1, 2})->earlier(), std::nullopt);
  EXPECT_EQ(ledger.Begin({"other", 1, 1})->earlier(), std::nullopt);
}

TEST(LedgerTest, OneAtATime) {
  Ledger ledger;
  {
    const auto first = ledger.Begin({"w", 1, 1});
    ASSERT_TRUE(first.ok());
    EXPECT_EQ(ledger.Begin({"w", 1, 1}).status().code(), absl::StatusCode::kUnavailable);
  }
  // It was refused, so it may come again.
  EXPECT_TRUE(ledger.Begin({"w", 1, 1}).ok());
}

TEST(LedgerTest, WindowAndFence) {
  Ledger ledger;
  for (uint64_t s = 1; s <= 100; ++s) Record(ledger, {"w", 1, s}, {.global_step = s});
  EXPECT_EQ(ledger.entries().size(), Ledger::kWindow);
  EXPECT_EQ(ledger.Begin({"w", 1, 100})->earlier()->global_step, 100U);
  EXPECT_TRUE(ledger.Begin({"w", 1, 101 - Ledger::kWindow})->earlier().has_value());
  EXPECT_EQ(ledger.Begin({"w", 1, 100 - Ledger::kWindow}).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(ledger.Begin({"w", 2, 1}).ok());
  EXPECT_EQ(ledger.Begin({"w", 1, 101}).status().code(), absl::StatusCode::kAborted);
}

TEST(LedgerTest, NothingOfOneWorkerIsLostByWrapping) {
  constexpr uint64_t kMax = std::numeric_limits<uint64_t>::max();
  for (const uint64_t last : {uint64_t{1}, Ledger::kWindow, Ledger::kLastSequence, kMax - 16,
                              kMax - 15, kMax - 1, kMax}) {
    Ledger ledger;
    // As from a log, which may be an older server's.
    ledger.Restore({{"w", 1, last}, {.global_step = 7}});
    ASSERT_EQ(ledger.entries().size(), 1U) << last;
    EXPECT_EQ(ledger.entries()[0].applied.global_step, 7U);
    EXPECT_TRUE(ledger.Knows({"w", 1, last}));
    ledger.Restore({{"w", 1, last - 1}, {.global_step = 6}});
    EXPECT_EQ(ledger.entries().size(), 2U) << last;
  }
  Ledger ledger;
  const absl::Status impossible = ledger.Begin({"w", 1, kMax}).status();
  EXPECT_EQ(impossible.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(impossible.message()), HasSubstr("worker 'w'"));
}

TEST(LedgerTest, APushWithoutANumberIsLetInEachTime) {
  Ledger ledger;
  const PushId id{"w", 1, 0};
  const absl::StatusOr<Ledger::Admission> first = ledger.Begin(id);
  const absl::StatusOr<Ledger::Admission> second = ledger.Begin(id);
  EXPECT_TRUE(first.ok() && second.ok());
  Record(ledger, id, {.global_step = 1});
  EXPECT_EQ(ledger.Begin(id)->earlier(), std::nullopt);
  EXPECT_TRUE(ledger.entries().empty());
  EXPECT_FALSE(ledger.Knows(id));
}

TEST(LedgerTest, AFenceLetsInNothingNewAndAnswersWhatWas) {
  Ledger ledger;
  Record(ledger, {"w", 1, 1}, {.global_step = 7});
  absl::StatusOr<Ledger::Admission> under_way = ledger.Begin({"w", 1, 2});
  ledger.Fence("w", 1);
  EXPECT_EQ(ledger.Begin({"w", 1, 1})->earlier()->global_step, 7U);
  EXPECT_EQ(ledger.Begin({"w", 1, 2}).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ledger.Begin({"w", 1, 3}).status().code(), absl::StatusCode::kAborted);
  under_way->Reserve(0);
  under_way->Record({.global_step = 8});
  EXPECT_EQ(ledger.Begin({"w", 1, 2})->earlier()->global_step, 8U);
  // One that was let in and then refused is fenced off as well.
  Ledger other;
  {
    const absl::StatusOr<Ledger::Admission> refused = other.Begin({"w", 1, 1});
    other.Fence("w", 1);
  }
  EXPECT_EQ(other.Begin({"w", 1, 1}).status().code(), absl::StatusCode::kAborted);
  EXPECT_TRUE(other.Begin({"w", 2, 1}).ok());
  // A fence never moves back.
  other.Fence("w", 5);
  other.Fence("w", 3);
  EXPECT_EQ(other.Begin({"w", 4, 1}).status().code(), absl::StatusCode::kAborted);
}

TEST(LedgerTest, AnAdmissionEndsOnceWhoeverHoldsIt) {
  Ledger ledger;
  absl::StatusOr<Ledger::Admission> first = ledger.Begin({"w", 1, 1});
  Ledger::Admission moved = *std::move(first);
  EXPECT_TRUE(ledger.Knows({"w", 1, 1}));
  moved.Abandon();
  EXPECT_FALSE(ledger.Knows({"w", 1, 1}));
  const absl::StatusOr<Ledger::Admission> again = ledger.Begin({"w", 1, 1});
  ASSERT_TRUE(again.ok());
  moved.Abandon();  // is over: it does not end the one that came after it
  EXPECT_TRUE(ledger.Knows({"w", 1, 1}));
}

// A worker sends its last push again, if any: the versions of thousands of variables are kept once.
TEST(LedgerTest, OnlyTheLastAnswerHasItsVersions) {
  Ledger ledger;
  for (uint64_t s = 1; s <= 40; ++s) {
    Record(ledger, {"w", 1, s}, {.global_step = s, .versions = std::vector<uint64_t>(1000, s)});
  }
  size_t versions = 0;
  for (const Ledger::Entry& entry : ledger.entries()) versions += entry.applied.versions.size();
  EXPECT_EQ(versions, 1000U);
  EXPECT_EQ(ledger.Begin({"w", 1, 40})->earlier()->versions.front(), 40U);
}

TEST(LedgerTest, AWorkerThatIsForgottenTakesNoMemory) {
  Ledger ledger;
  Record(ledger, {"w", 3, 1}, {.global_step = 1});
  {
    const absl::StatusOr<Ledger::Admission> under_way = ledger.Begin({"w", 3, 2});
    ledger.Forget("w");  // not while a push of it is under way
    EXPECT_TRUE(ledger.Knows({"w", 3, 1}));
  }
  ledger.Forget("w");
  EXPECT_FALSE(ledger.Knows({"w", 3, 1}));
  EXPECT_TRUE(ledger.entries().empty());
  ledger.Forget("nobody");
}

TEST(LedgerTest, ResetLeavesTheFences) {
  Ledger ledger;
  Record(ledger, {"w", 1, 1}, {.global_step = 1});
  ledger.Fence("w", 1);
  ledger.Reset({{{"v", 4, 9}, {.global_step = 2}}});
  EXPECT_EQ(ledger.Begin({"w", 1, 1}).status().code(), absl::StatusCode::kAborted);
  EXPECT_EQ(ledger.Begin({"v", 4, 9})->earlier()->global_step, 2U);
}

// Random workers that send pushes in any order within their window, send them again, are refused,
// come back in another life and are fenced off, against a model that remembers everything.
class LedgerModel {
 public:
  explicit LedgerModel(uint32_t seed) : random_(seed) {}

  void Step() {
    const std::string worker = std::string(1, static_cast<char>('a' + random_() % 3));
    Life& life = lives_[worker];
    if (random_() % 40 == 0) BeginAnotherLife(worker, life);
    // As a worker numbers them, and as the network repeats them.
    const uint64_t newest = life.last + 1;
    const uint64_t oldest = newest > kPushWindow ? newest - kPushWindow + 1 : 1;
    Send({worker, life.incarnation, oldest + random_() % (newest - oldest + 1)}, life);
  }

  // Each push was applied as often as it was recorded: at most once.
  void ExpectExactlyOnce() const {
    for (const auto& [id, applied] : applied_) EXPECT_EQ(applied.times, 1) << std::get<0>(id);
    EXPECT_GT(repeated_, 0);
    EXPECT_GT(applied_.size(), 100U);
  }
  // What recovery makes of the entries is the same ledger.
  void ExpectTheSameAfterRecovery() const {
    Ledger recovered;
    for (const Ledger::Entry& entry : ledger_.entries()) recovered.Restore(entry);
    const std::vector<Ledger::Entry> entries = ledger_.entries();
    EXPECT_EQ(recovered.entries().size(), entries.size());
    for (const Ledger::Entry& entry : entries) {
      EXPECT_EQ(recovered.Begin(entry.id)->earlier(), entry.applied);
    }
    EXPECT_LE(entries.size(), 3 * Ledger::kWindow);
  }

 private:
  struct Life {
    uint64_t incarnation = 1;
    uint64_t last = 0;  // push that was sent
  };
  struct Once {
    int times = 0;
    uint64_t step = 0;
  };
  using Key = std::tuple<std::string, uint64_t, uint64_t>;

  // From now on no push of the one before is let in.
  void BeginAnotherLife(const std::string& worker, Life& life) {
    const PushId late{worker, life.incarnation, life.last + 1};
    if (random_() % 2 == 0) ledger_.Fence(worker, life.incarnation);
    life.incarnation += 1 + random_() % 3;
    life.last = 0;
    {
      const absl::StatusOr<Ledger::Admission> first = ledger_.Begin({worker, life.incarnation, 1});
    }
    ASSERT_EQ(ledger_.Begin(late).status().code(), absl::StatusCode::kAborted);
  }

  void Send(const PushId& id, Life& life) {
    life.last = std::max(life.last, id.sequence);
    const auto known = applied_.find({id.worker_id, id.incarnation, id.sequence});
    absl::StatusOr<Ledger::Admission> admission = ledger_.Begin(id);
    if (known != applied_.end()) {
      ASSERT_TRUE(admission.ok()) << admission.status();
      ASSERT_TRUE(admission->earlier().has_value()) << "a push would be applied again";
      EXPECT_EQ(admission->earlier()->global_step, known->second.step);
      ++repeated_;
      return;
    }
    ASSERT_TRUE(admission.ok()) << admission.status();
    ASSERT_FALSE(admission->earlier().has_value()) << "an answer of a push that was never applied";
    ASSERT_EQ(ledger_.Begin(id).status().code(), absl::StatusCode::kUnavailable);
    if (random_() % 4 == 0) return;  // refused: as if it had never come
    admission->Reserve(2);
    admission->Record({.global_step = ++step_, .versions = {step_, step_}});
    Once& once = applied_[{id.worker_id, id.incarnation, id.sequence}];
    ++once.times;
    once.step = step_;
  }

  std::mt19937 random_;
  Ledger ledger_;
  std::map<std::string, Life> lives_;
  std::map<Key, Once> applied_;
  uint64_t step_ = 0;
  int repeated_ = 0;
};

TEST(LedgerTest, EveryPushIsAppliedOnceWhateverIsSentAgain) {
  for (uint32_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    LedgerModel model(seed);
    for (int i = 0; i < 2000 && !::testing::Test::HasFatalFailure(); ++i) model.Step();
    model.ExpectExactlyOnce();
    model.ExpectTheSameAfterRecovery();
  }
}

// Of threads that send the same push, one applies it.
TEST(LedgerTest, OneOfManyThreadsIsLetIn) {
  Ledger ledger;
  constexpr int kThreads = 4;
  constexpr uint64_t kPushes = 500;
  std::vector<std::atomic<int>> applied(kPushes + 1);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      for (uint64_t s = 1; s <= kPushes; ++s) {
        std::optional<absl::StatusOr<Ledger::Admission>> begun;
        do begun.emplace(ledger.Begin({"w", 1, s}));
        while (absl::IsUnavailable(begun->status()));
        if (!begun->ok()) continue;  // the others are a window ahead
        Ledger::Admission& admission = **begun;
        if (admission.earlier()) {
          EXPECT_EQ(admission.earlier()->global_step, s);
          continue;
        }
        ++applied[s];
        admission.Reserve(0);
        admission.Record({.global_step = s});
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (uint64_t s = 1; s <= kPushes; ++s) EXPECT_EQ(applied[s], 1) << s;
}

}  // namespace
}  // namespace varscope::server
