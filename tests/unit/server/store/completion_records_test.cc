// Which pushes were applied: each exactly once.
#include "server/store/completion_records.h"

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

void Record(CompletionRecords& completion_records, const PushId& id, const PushResult& applied) {
  absl::StatusOr<CompletionRecords::InFlightPush> in_flight_push = completion_records.Begin(id);
  in_flight_push->Reserve();
  in_flight_push->Record(applied);
}

TEST(CompletionRecordsTest, ASecondTimeGetsTheFirstAnswer) {
  CompletionRecords completion_records;
  const PushResult applied{.global_step = 5};
  Record(completion_records, {"w", 1, 1}, applied);
  EXPECT_EQ(completion_records.Begin({"w", 1, 1})->cached_result(), applied);
  EXPECT_EQ(completion_records.Begin({"w", 1, 2})->cached_result(), std::nullopt);
  EXPECT_EQ(completion_records.Begin({"other", 1, 1})->cached_result(), std::nullopt);
}

TEST(CompletionRecordsTest, OneAtATime) {
  CompletionRecords completion_records;
  {
    const auto first = completion_records.Begin({"w", 1, 1});
    ASSERT_TRUE(first.ok());
    EXPECT_EQ(completion_records.Begin({"w", 1, 1}).status().code(),
              absl::StatusCode::kUnavailable);
  }
  // It was refused, so it may come again.
  EXPECT_TRUE(completion_records.Begin({"w", 1, 1}).ok());
}

TEST(CompletionRecordsTest, WhatWasDroppedStaysSo) {
  CompletionRecords completion_records;
  const PushResult stale{.global_step = 5, .outcome = Outcome::kStale, .staleness = 3};
  EXPECT_EQ(completion_records.Begin({"w", 1, 2})->Drop(stale), stale);
  EXPECT_TRUE(completion_records.Knows({"w", 1, 2}));
  // Also when others were applied meanwhile, and when its incarnation is fenced off.
  Record(completion_records, {"w", 1, 3}, {.global_step = 6});
  completion_records.Fence("w", 1);
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(completion_records.Begin({"w", 1, 2})->cached_result(), stale);
  }
  EXPECT_FALSE(completion_records.Knows({"w", 2, 2}));
  EXPECT_EQ(completion_records.Begin({"w", 2, 2})->cached_result(), std::nullopt);
  // It is no part of the state.
  EXPECT_EQ(completion_records.entries().size(), 1U);
  CompletionRecords others;
  others.Restore(completion_records.entries().front());
  completion_records.Reset(others);
  EXPECT_TRUE(others.entries().empty());
  EXPECT_FALSE(completion_records.Knows({"w", 1, 2}));
}

TEST(CompletionRecordsTest, OfWhatWasDroppedTheLastAreKept) {
  CompletionRecords completion_records;
  const PushResult stale{.outcome = Outcome::kStale};
  for (uint64_t s = 1; s <= 100; ++s) {
    EXPECT_EQ(completion_records.Begin({"w", 1, s})->Drop(stale), stale);
  }
  EXPECT_TRUE(completion_records.Knows({"w", 1, 101 - CompletionRecords::kWindow}));
  EXPECT_FALSE(completion_records.Knows({"w", 1, 100 - CompletionRecords::kWindow}));
  // One without a number is not asked for again.
  EXPECT_EQ(completion_records.Begin({"w", 1, 0})->Drop(stale), stale);
  EXPECT_EQ(completion_records.Begin({"w", 1, 0})->cached_result(), std::nullopt);
}

TEST(CompletionRecordsTest, WindowAndFence) {
  CompletionRecords completion_records;
  for (uint64_t s = 1; s <= 100; ++s) Record(completion_records, {"w", 1, s}, {.global_step = s});
  EXPECT_EQ(completion_records.entries().size(), CompletionRecords::kWindow);
  EXPECT_EQ(completion_records.Begin({"w", 1, 100})->cached_result()->global_step, 100U);
  EXPECT_TRUE(completion_records.Begin({"w", 1, 101 - CompletionRecords::kWindow})
                  ->cached_result()
                  .has_value());
  EXPECT_EQ(completion_records.Begin({"w", 1, 100 - CompletionRecords::kWindow}).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(completion_records.Begin({"w", 2, 1}).ok());
  EXPECT_EQ(completion_records.Begin({"w", 1, 101}).status().code(), absl::StatusCode::kAborted);
}

TEST(CompletionRecordsTest, NothingOfOneWorkerIsLostByWrapping) {
  constexpr uint64_t kMax = std::numeric_limits<uint64_t>::max();
  for (const uint64_t last :
       {uint64_t{1}, CompletionRecords::kWindow, CompletionRecords::kLastSequence, kMax - 16,
        kMax - 15, kMax - 1, kMax}) {
    CompletionRecords completion_records;
    // As from a log, which may be an older server's.
    completion_records.Restore({{"w", 1, last}, {.global_step = 7}});
    ASSERT_EQ(completion_records.entries().size(), 1U) << last;
    EXPECT_EQ(completion_records.entries()[0].result.global_step, 7U);
    EXPECT_TRUE(completion_records.Knows({"w", 1, last}));
    completion_records.Restore({{"w", 1, last - 1}, {.global_step = 6}});
    EXPECT_EQ(completion_records.entries().size(), 2U) << last;
  }
  CompletionRecords completion_records;
  const absl::Status impossible = completion_records.Begin({"w", 1, kMax}).status();
  EXPECT_EQ(impossible.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(impossible.message()), HasSubstr("worker 'w'"));
}

TEST(CompletionRecordsTest, APushWithoutANumberIsLetInEachTime) {
  CompletionRecords completion_records;
  const PushId id{"w", 1, 0};
  const absl::StatusOr<CompletionRecords::InFlightPush> first = completion_records.Begin(id);
  const absl::StatusOr<CompletionRecords::InFlightPush> second = completion_records.Begin(id);
  EXPECT_TRUE(first.ok() && second.ok());
  Record(completion_records, id, {.global_step = 1});
  EXPECT_EQ(completion_records.Begin(id)->cached_result(), std::nullopt);
  EXPECT_TRUE(completion_records.entries().empty());
  EXPECT_FALSE(completion_records.Knows(id));
}

TEST(CompletionRecordsTest, AFenceLetsInNothingNewAndAnswersWhatWas) {
  CompletionRecords completion_records;
  Record(completion_records, {"w", 1, 1}, {.global_step = 7});
  absl::StatusOr<CompletionRecords::InFlightPush> under_way = completion_records.Begin({"w", 1, 2});
  completion_records.Fence("w", 1);
  EXPECT_EQ(completion_records.Begin({"w", 1, 1})->cached_result()->global_step, 7U);
  EXPECT_EQ(completion_records.Begin({"w", 1, 2}).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(completion_records.Begin({"w", 1, 3}).status().code(), absl::StatusCode::kAborted);
  under_way->Reserve();
  under_way->Record({.global_step = 8});
  EXPECT_EQ(completion_records.Begin({"w", 1, 2})->cached_result()->global_step, 8U);
  // One that was let in and then refused is fenced off as well.
  CompletionRecords other;
  {
    const absl::StatusOr<CompletionRecords::InFlightPush> refused = other.Begin({"w", 1, 1});
    other.Fence("w", 1);
  }
  EXPECT_EQ(other.Begin({"w", 1, 1}).status().code(), absl::StatusCode::kAborted);
  EXPECT_TRUE(other.Begin({"w", 2, 1}).ok());
  // Nor is one without a number let in, which nobody could know again.
  for (const uint64_t sequence : {0, 1, 2, 9}) {
    EXPECT_EQ(other.Begin({"w", 1, sequence}).status().code(), absl::StatusCode::kAborted);
  }
  EXPECT_TRUE(other.Begin({"w", 2, 0}).ok());
  EXPECT_EQ(other.Begin({"w", 1, 0}).status().code(), absl::StatusCode::kAborted);
  // A fence never moves back.
  other.Fence("w", 5);
  other.Fence("w", 3);
  EXPECT_EQ(other.Begin({"w", 4, 1}).status().code(), absl::StatusCode::kAborted);
}

TEST(CompletionRecordsTest, PushesThatBecameOneEndTogether) {
  CompletionRecords completion_records;
  const std::vector<PushId> ids = {{"a", 1, 1}, {"b", 3, 7}, {"c", 2, 1}};
  const auto merged = [&] {
    CompletionRecords::InFlightPush all = completion_records.Begin(ids[0]).value();
    for (size_t i = 1; i < ids.size(); ++i) all.Merge(completion_records.Begin(ids[i]).value());
    return all;
  };
  {
    const CompletionRecords::InFlightPush abandoned = merged();
    for (const PushId& id : ids) {
      EXPECT_EQ(completion_records.Begin(id).status().code(), absl::StatusCode::kUnavailable);
    }
  }
  const PushResult result{.global_step = 5};
  CompletionRecords::InFlightPush recorded = merged();
  recorded.Reserve();
  recorded.Record(result);
  for (const PushId& id : ids) EXPECT_EQ(completion_records.Begin(id)->cached_result(), result);
  EXPECT_EQ(completion_records.entries().size(), ids.size());
}

TEST(CompletionRecordsTest, AnInFlightPushEndsOnceWhoeverHoldsIt) {
  CompletionRecords completion_records;
  absl::StatusOr<CompletionRecords::InFlightPush> first = completion_records.Begin({"w", 1, 1});
  CompletionRecords::InFlightPush moved = *std::move(first);
  EXPECT_TRUE(completion_records.Knows({"w", 1, 1}));
  moved.Abandon();
  EXPECT_FALSE(completion_records.Knows({"w", 1, 1}));
  const absl::StatusOr<CompletionRecords::InFlightPush> again =
      completion_records.Begin({"w", 1, 1});
  ASSERT_TRUE(again.ok());
  moved.Abandon();  // is over: it does not end the one that came after it
  EXPECT_TRUE(completion_records.Knows({"w", 1, 1}));
}

TEST(CompletionRecordsTest, AnOlderStateHasLostWhatItDoesNotKnow) {
  CompletionRecords records;
  EXPECT_TRUE(records.HasLost({"w", 2, 1}));
  records.Restore({{"w", 2, 5}, {}});
  for (const uint64_t sequence : {1, 4, 5}) EXPECT_FALSE(records.HasLost({"w", 2, sequence}));
  EXPECT_TRUE(records.HasLost({"w", 2, 6}));
  EXPECT_TRUE(records.HasLost({"w", 3, 1}));
  // Of an incarnation that is over: its worker is told that.
  EXPECT_FALSE(records.HasLost({"w", 1, 9}));
}

TEST(CompletionRecordsTest, AWorkerThatIsCollectedTakesNoMemory) {
  CompletionRecords completion_records;
  Record(completion_records, {"w", 3, 1}, {.global_step = 1});
  {
    const absl::StatusOr<CompletionRecords::InFlightPush> under_way =
        completion_records.Begin({"w", 3, 2});
    EXPECT_FALSE(completion_records.Collect("w"));  // not while a push of it is under way
    EXPECT_TRUE(completion_records.Knows({"w", 3, 1}));
  }
  EXPECT_TRUE(completion_records.Collect("w"));
  EXPECT_FALSE(completion_records.Knows({"w", 3, 1}));
  EXPECT_TRUE(completion_records.entries().empty());
  EXPECT_TRUE(completion_records.Collect("nobody"));
}

TEST(CompletionRecordsTest, ResetLeavesTheFences) {
  CompletionRecords completion_records;
  Record(completion_records, {"w", 1, 1}, {.global_step = 1});
  completion_records.Fence("w", 1);
  CompletionRecords others;
  others.Restore({{"v", 4, 9}, {.global_step = 2}});
  completion_records.Reset(others);
  EXPECT_EQ(completion_records.Begin({"w", 1, 1}).status().code(), absl::StatusCode::kAborted);
  EXPECT_EQ(completion_records.Begin({"v", 4, 9})->cached_result()->global_step, 2U);
}

// Random workers that send pushes in any order within their window, send them again, are refused,
// come back in another incarnation and are fenced off, against a model that remembers everything.
class CompletionRecordsModel {
 public:
  explicit CompletionRecordsModel(uint32_t seed) : random_(seed) {}

  void Step() {
    const std::string worker = std::string(1, static_cast<char>('a' + random_() % 3));
    Worker& model = workers_[worker];
    if (random_() % 40 == 0) BeginAnotherIncarnation(worker, model);
    // As a worker numbers them, and as the network repeats them.
    const uint64_t newest = model.last + 1;
    const uint64_t oldest = newest > kPushWindow ? newest - kPushWindow + 1 : 1;
    Send({worker, model.incarnation, oldest + random_() % (newest - oldest + 1)}, model);
  }

  // Each push was applied as often as it was recorded: at most once.
  void ExpectExactlyOnce() const {
    for (const auto& [id, applied] : applied_) EXPECT_EQ(applied.times, 1) << std::get<0>(id);
    EXPECT_GT(repeated_, 0);
    EXPECT_GT(applied_.size(), 100U);
  }
  // What recovery makes of the entries is the same completion records.
  void ExpectTheSameAfterRecovery() const {
    CompletionRecords recovered;
    for (const CompletionRecords::Entry& entry : completion_records_.entries())
      recovered.Restore(entry);
    const std::vector<CompletionRecords::Entry> entries = completion_records_.entries();
    EXPECT_EQ(recovered.entries().size(), entries.size());
    for (const CompletionRecords::Entry& entry : entries) {
      EXPECT_EQ(recovered.Begin(entry.id)->cached_result(), entry.result);
    }
    EXPECT_LE(entries.size(), 3 * CompletionRecords::kWindow);
  }

 private:
  struct Worker {
    uint64_t incarnation = 1;
    uint64_t last = 0;  // push that was sent
  };
  struct Once {
    int times = 0;
    uint64_t step = 0;
  };
  using Key = std::tuple<std::string, uint64_t, uint64_t>;

  // From now on no push of the one before is let in.
  void BeginAnotherIncarnation(const std::string& worker, Worker& model) {
    const PushId late{worker, model.incarnation, model.last + 1};
    if (random_() % 2 == 0) completion_records_.Fence(worker, model.incarnation);
    model.incarnation += 1 + random_() % 3;
    model.last = 0;
    {
      const absl::StatusOr<CompletionRecords::InFlightPush> first =
          completion_records_.Begin({worker, model.incarnation, 1});
    }
    ASSERT_EQ(completion_records_.Begin(late).status().code(), absl::StatusCode::kAborted);
  }

  void Send(const PushId& id, Worker& model) {
    model.last = std::max(model.last, id.sequence);
    const auto known = applied_.find({id.worker_id, id.incarnation, id.sequence});
    absl::StatusOr<CompletionRecords::InFlightPush> in_flight_push = completion_records_.Begin(id);
    if (known != applied_.end()) {
      ASSERT_TRUE(in_flight_push.ok()) << in_flight_push.status();
      ASSERT_TRUE(in_flight_push->cached_result().has_value()) << "a push would be applied again";
      EXPECT_EQ(in_flight_push->cached_result()->global_step, known->second.step);
      ++repeated_;
      return;
    }
    ASSERT_TRUE(in_flight_push.ok()) << in_flight_push.status();
    ASSERT_FALSE(in_flight_push->cached_result().has_value())
        << "an answer of a push that was never applied";
    ASSERT_EQ(completion_records_.Begin(id).status().code(), absl::StatusCode::kUnavailable);
    if (random_() % 4 == 0) return;  // refused: as if it had never come
    in_flight_push->Reserve();
    in_flight_push->Record({.global_step = ++step_});
    Once& once = applied_[{id.worker_id, id.incarnation, id.sequence}];
    ++once.times;
    once.step = step_;
  }

  std::mt19937 random_;
  CompletionRecords completion_records_;
  std::map<std::string, Worker> workers_;
  std::map<Key, Once> applied_;
  uint64_t step_ = 0;
  int repeated_ = 0;
};

TEST(CompletionRecordsTest, EveryPushIsAppliedOnceWhateverIsSentAgain) {
  for (uint32_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    CompletionRecordsModel model(seed);
    for (int i = 0; i < 2000 && !::testing::Test::HasFatalFailure(); ++i) model.Step();
    model.ExpectExactlyOnce();
    model.ExpectTheSameAfterRecovery();
  }
}

// Of threads that send the same push, one applies it.
TEST(CompletionRecordsTest, OneOfManyThreadsIsLetIn) {
  CompletionRecords completion_records;
  constexpr int kThreads = 4;
  constexpr uint64_t kPushes = 500;
  std::vector<std::atomic<int>> applied(kPushes + 1);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      for (uint64_t s = 1; s <= kPushes; ++s) {
        std::optional<absl::StatusOr<CompletionRecords::InFlightPush>> begun;
        do begun.emplace(completion_records.Begin({"w", 1, s}));
        while (absl::IsUnavailable(begun->status()));
        if (!begun->ok()) continue;  // the others are a window ahead
        CompletionRecords::InFlightPush& in_flight_push = **begun;
        if (in_flight_push.cached_result()) {
          EXPECT_EQ(in_flight_push.cached_result()->global_step, s);
          continue;
        }
        ++applied[s];
        in_flight_push.Reserve();
        in_flight_push.Record({.global_step = s});
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (uint64_t s = 1; s <= kPushes; ++s) EXPECT_EQ(applied[s], 1) << s;
}

}  // namespace
}  // namespace varscope::server
