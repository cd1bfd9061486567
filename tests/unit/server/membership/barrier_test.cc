// Barriers: rounds, deadlines that say who is missing, leaving, stopping.
#include "server/membership/barrier.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>

#include "absl/status/statusor.h"

namespace varscope::server {
namespace {

using std::chrono::milliseconds;
using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr milliseconds kLong = std::chrono::minutes(1);

std::future<absl::StatusOr<uint64_t>> Arrive(Barriers& barriers, const std::string& worker,
                                             uint32_t parties, milliseconds timeout = kLong) {
  auto promise = std::make_shared<std::promise<absl::StatusOr<uint64_t>>>();
  std::future<absl::StatusOr<uint64_t>> future = promise->get_future();
  barriers.Arrive("b", worker, parties, timeout,
                  [promise](absl::StatusOr<uint64_t> round) { promise->set_value(round); });
  return future;
}

TEST(BarrierTest, TheLastArrivalReleasesAllAndStartsTheNextRound) {
  Barriers barriers;
  for (uint64_t round = 1; round <= 3; ++round) {
    auto a = Arrive(barriers, "a", 2);
    auto b = Arrive(barriers, "b", 2);
    EXPECT_EQ(a.get().value(), round);
    EXPECT_EQ(b.get().value(), round);
  }
}

TEST(BarrierTest, ADeadlineSaysWhoIsHereAndHowManyAreMissing) {
  Barriers barriers;
  auto patient = Arrive(barriers, "a", 3);
  const absl::StatusOr<uint64_t> late = Arrive(barriers, "b", 3, milliseconds(1)).get();
  EXPECT_EQ(late.status().code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_THAT(std::string(late.status().message()),
              AllOf(HasSubstr("worker 'b' waited"), HasSubstr("for 1 more of 3 parties"),
                    HasSubstr("here: a, b")));
  auto again = Arrive(barriers, "b", 3);
  auto last = Arrive(barriers, "c", 3);
  EXPECT_TRUE(patient.get().ok());
  EXPECT_TRUE(again.get().ok());
  EXPECT_TRUE(last.get().ok());
}

TEST(BarrierTest, OneWorkerCountsOnce) {
  Barriers barriers;
  auto first = Arrive(barriers, "a", 2);
  auto second = Arrive(barriers, "a", 2);
  EXPECT_EQ(first.get().status().code(), absl::StatusCode::kAborted);
  barriers.Leave("b", "a");
  EXPECT_EQ(second.get().status().code(), absl::StatusCode::kCancelled);
}

TEST(BarrierTest, PartiesMustAgree) {
  Barriers barriers;
  auto a = Arrive(barriers, "a", 2);
  EXPECT_EQ(Arrive(barriers, "b", 3).get().status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Arrive(barriers, "b", 0).get().status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(Arrive(barriers, "b", 2).get().ok());
  EXPECT_TRUE(a.get().ok());
}

TEST(BarrierTest, StoppingReleasesEverybody) {
  std::future<absl::StatusOr<uint64_t>> waiting;
  {
    Barriers barriers;
    waiting = Arrive(barriers, "a", 2);
  }
  EXPECT_EQ(waiting.get().status().code(), absl::StatusCode::kUnavailable);
}

TEST(BarrierTest, TheDeadAreNotWaitedForUntilTheyComeBack) {
  Barriers barriers;
  for (int round = 0; round < 2; ++round) {
    auto a = Arrive(barriers, "a", 2);
    auto b = Arrive(barriers, "b", 2);
    ASSERT_TRUE(a.get().ok() && b.get().ok());
  }
  auto alone = Arrive(barriers, "a", 2);
  barriers.WorkerLost("b");
  EXPECT_EQ(alone.get().value(), 3U);
  EXPECT_EQ(Arrive(barriers, "a", 2).get().value(), 4U);
  auto back = Arrive(barriers, "b", 2);
  EXPECT_EQ(barriers.waits().count("b"), 1U);
  EXPECT_EQ(Arrive(barriers, "a", 2).get().value(), 5U);
  EXPECT_EQ(back.get().value(), 5U);
}

TEST(BarrierTest, AnotherWorkerTakesTheDeadOnesPlace) {
  Barriers barriers;
  auto a = Arrive(barriers, "a", 2);
  auto b = Arrive(barriers, "b", 2);
  ASSERT_TRUE(a.get().ok() && b.get().ok());
  barriers.WorkerLost("b");
  auto c = Arrive(barriers, "c", 2);
  EXPECT_EQ(Arrive(barriers, "a", 2).get().value(), 2U);
  EXPECT_TRUE(c.get().ok());
}

TEST(BarrierTest, WhoDiesWhileWaitingIsToldAndItsShareReleased) {
  Barriers barriers;
  auto a = Arrive(barriers, "a", 3);
  auto dying = Arrive(barriers, "dying", 3);
  barriers.WorkerLost("dying");
  EXPECT_TRUE(absl::IsAborted(dying.get().status()));
  auto b = Arrive(barriers, "b", 3);
  EXPECT_TRUE(a.get().ok());
  EXPECT_TRUE(b.get().ok());
}

TEST(BarrierTest, TheDeadlineNamesWhoIsMissing) {
  Barriers barriers([](const std::string& id) { return id + ", silent 4.2 s"; });
  auto a = Arrive(barriers, "a", 2);
  auto b = Arrive(barriers, "b", 2);
  ASSERT_TRUE(a.get().ok() && b.get().ok());
  EXPECT_THAT(std::string(Arrive(barriers, "a", 2, milliseconds(20)).get().status().message()),
              HasSubstr("missing: b, silent 4.2 s"));
}

}  // namespace
}  // namespace varscope::server
