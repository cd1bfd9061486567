// Barriers: rounds, deadlines that say who is missing, leaving, stopping.
#include "server/membership/barrier.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <future>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "proto/memory/memory_account.h"

namespace varscope::server {
namespace {

using std::chrono::milliseconds;
using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr milliseconds kLong = std::chrono::minutes(1);

using Answer = absl::StatusOr<uint64_t>;

std::future<Answer> Arrive(Barriers& barriers, const Arrival& arrival,
                           const std::string& name = "b") {
  auto promise = std::make_shared<std::promise<Answer>>();
  std::future<Answer> future = promise->get_future();
  barriers.Arrive(name, arrival, [promise](Answer round) { promise->set_value(round); });
  return future;
}

std::future<Answer> Arrive(Barriers& barriers, const std::string& worker, uint32_t parties,
                           milliseconds timeout = kLong) {
  return Arrive(barriers, {.worker_id = worker, .parties = parties, .timeout = timeout});
}

// A worker's arrival with a number, of two parties.
Arrival Of(const std::string& worker, uint64_t sequence, uint64_t incarnation = 1) {
  return {.worker_id = worker,
          .incarnation = incarnation,
          .sequence = sequence,
          .parties = 2,
          .timeout = kLong};
}

bool IsReady(const std::future<Answer>& answer) {
  return answer.wait_for(milliseconds(0)) == std::future_status::ready;
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
  barriers.Leave("b", "a", nullptr);
  EXPECT_EQ(second.get().status().code(), absl::StatusCode::kCancelled);
}

TEST(BarrierTest, PartiesMustAgree) {
  Barriers barriers;
  auto a = Arrive(barriers, "a", 2);
  const absl::Status other = Arrive(barriers, "b", 3).get().status();
  EXPECT_EQ(other.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(other.message()),
              AllOf(HasSubstr("2 parties, as worker 'a' said"), HasSubstr("worker 'b' says 3")));
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
  barriers.WorkerLost("b", 0);
  EXPECT_EQ(alone.get().value(), 3U);
  EXPECT_EQ(Arrive(barriers, "a", 2).get().value(), 4U);
  auto back = Arrive(barriers, "b", 2);
  EXPECT_EQ(barriers.waits("a", "c").count("b"), 1U);
  EXPECT_EQ(Arrive(barriers, "a", 2).get().value(), 5U);
  EXPECT_EQ(back.get().value(), 5U);
}

TEST(BarrierTest, AnotherWorkerTakesTheDeadOnesPlace) {
  Barriers barriers;
  auto a = Arrive(barriers, "a", 2);
  auto b = Arrive(barriers, "b", 2);
  ASSERT_TRUE(a.get().ok() && b.get().ok());
  barriers.WorkerLost("b", 0);
  auto c = Arrive(barriers, "c", 2);
  EXPECT_EQ(Arrive(barriers, "a", 2).get().value(), 2U);
  EXPECT_TRUE(c.get().ok());
}

TEST(BarrierTest, WhoDiesWhileWaitingIsToldAndItsShareReleased) {
  Barriers barriers;
  for (uint64_t round = 1; round <= 2; ++round) {
    auto a = Arrive(barriers, "a", 3);
    auto dying = Arrive(barriers, "dying", 3);
    if (round == 2) {
      barriers.WorkerLost("dying", 0);
      EXPECT_TRUE(absl::IsAborted(dying.get().status()));
    }
    EXPECT_EQ(Arrive(barriers, "b", 3).get().value(), round);
    EXPECT_EQ(a.get().value(), round);
  }
}

TEST(BarrierTest, TheDeadlineNamesWhoIsMissing) {
  Barriers barriers([](const std::string& id) { return id + ", silent 4.2 s"; });
  auto a = Arrive(barriers, "a", 2);
  auto b = Arrive(barriers, "b", 2);
  ASSERT_TRUE(a.get().ok() && b.get().ok());
  EXPECT_THAT(std::string(Arrive(barriers, "a", 2, milliseconds(20)).get().status().message()),
              HasSubstr("missing: b, silent 4.2 s"));
}

// Its answer was lost.
TEST(BarrierTest, AnArrivalThatIsSentAgainGetsItsOwnRound) {
  Barriers barriers;
  auto a = Arrive(barriers, Of("a", 1));
  EXPECT_EQ(Arrive(barriers, Of("b", 1)).get().value(), 1U);
  EXPECT_EQ(a.get().value(), 1U);
  auto next = Arrive(barriers, Of("b", 2));
  EXPECT_EQ(Arrive(barriers, Of("a", 1)).get().value(), 1U);
  EXPECT_FALSE(IsReady(next)) << "it came to the next round";
  EXPECT_EQ(Arrive(barriers, Of("a", 2)).get().value(), 2U);
  EXPECT_EQ(next.get().value(), 2U);
}

TEST(BarrierTest, TheEndOfACallIsNotTheEndOfTheOneThatSentItAgain) {
  Barriers barriers;
  Arrival arrival = Of("a", 1);
  const int first_call = 0;
  const int second_call = 0;
  arrival.call = &first_call;
  auto first = Arrive(barriers, arrival);
  arrival.call = &second_call;
  auto second = Arrive(barriers, arrival);
  EXPECT_TRUE(absl::IsAborted(first.get().status()));
  barriers.Leave("b", "a", &first_call);
  EXPECT_EQ(Arrive(barriers, Of("b", 1)).get().value(), 1U);
  EXPECT_EQ(second.get().value(), 1U);
}

TEST(BarrierTest, AnArrivalOfAnotherThreadReplacesAnEarlierOneInWhateverOrderTheyCome) {
  Barriers barriers;
  auto second = Arrive(barriers, Of("a", 2));
  EXPECT_TRUE(absl::IsAborted(Arrive(barriers, Of("a", 1)).get().status()));
  auto third = Arrive(barriers, Of("a", 3));
  EXPECT_TRUE(absl::IsAborted(second.get().status()));
  EXPECT_TRUE(absl::IsAborted(Arrive(barriers, Of("a", 2)).get().status()));
  EXPECT_FALSE(IsReady(third));
}

TEST(BarrierTest, AnAnswerOutlivesAnEviction) {
  Barriers barriers;
  auto a = Arrive(barriers, Of("a", 1));
  EXPECT_TRUE(Arrive(barriers, Of("b", 1)).get().ok());
  barriers.WorkerLost("a", 1);
  EXPECT_EQ(Arrive(barriers, Of("a", 1, 2)).get().value(), 1U);
  auto b = Arrive(barriers, Of("b", 2));
  EXPECT_EQ(b.get().value(), 2U) << "the first incarnation is lost, and the second has not come";
}

TEST(BarrierTest, ALateEvictionDoesNotStrikeOutWhoIsBack) {
  Barriers barriers;
  auto a = Arrive(barriers, Of("a", 1));
  ASSERT_TRUE(Arrive(barriers, Of("b", 1)).get().ok());
  auto back = Arrive(barriers, Of("a", 2, 2));
  barriers.WorkerLost("a", 1);
  EXPECT_FALSE(IsReady(back));
  EXPECT_EQ(Arrive(barriers, Of("b", 2)).get().value(), 2U);
  EXPECT_EQ(back.get().value(), 2U);
  auto b = Arrive(barriers, Of("b", 3));
  barriers.WorkerLost("a", 1);
  EXPECT_FALSE(IsReady(b)) << "the worker that is back is waited for";
  barriers.WorkerLost("a", 2);
  EXPECT_EQ(b.get().value(), 3U);
}

TEST(BarrierTest, AnIncarnationThatEndedMeanwhileDoesNotWait) {
  Barriers barriers([](const std::string& id) { return id; },
                    [](const std::string&, uint64_t incarnation) { return incarnation > 1; });
  EXPECT_TRUE(absl::IsAborted(Arrive(barriers, Of("a", 1)).get().status()));
  EXPECT_EQ(barriers.names(), 0U);
}

// Two workers passed a round at a server that died; the answer of one was lost.
TEST(BarrierTest, AfterARestartWhoMissedItsAnswerGetsIt) {
  for (const bool the_ignorant_comes_first : {false, true}) {
    Barriers barriers;
    Arrival ignorant = Of("b", 5);
    ignorant.again = true;
    ignorant.passed = 2;
    Arrival told = Of("a", 9);
    told.passed = 3;
    std::future<Answer> next;
    std::future<Answer> missed;
    if (!the_ignorant_comes_first) next = Arrive(barriers, told);
    missed = Arrive(barriers, ignorant);
    if (the_ignorant_comes_first) next = Arrive(barriers, told);
    EXPECT_EQ(missed.get().value(), 3U);
    EXPECT_FALSE(IsReady(next));
    Arrival follows = Of("b", 6);
    follows.passed = 3;
    EXPECT_EQ(Arrive(barriers, follows).get().value(), 4U);
    EXPECT_EQ(next.get().value(), 4U);
  }
}

TEST(BarrierTest, AfterARestartWhoMayHaveMissedTheFirstRoundIsTold) {
  Barriers barriers;
  Arrival told = Of("a", 9);
  told.passed = 1;
  auto next = Arrive(barriers, told);
  Arrival perhaps = Of("b", 5);
  perhaps.again = true;
  const absl::Status unknown = Arrive(barriers, perhaps).get().status();
  EXPECT_TRUE(absl::IsAborted(unknown));
  EXPECT_THAT(std::string(unknown.message()), HasSubstr("the server was started again"));
  // One that comes for the first time takes part.
  EXPECT_EQ(Arrive(barriers, Of("b", 6)).get().value(), 2U);
  EXPECT_EQ(next.get().value(), 2U);
}

// It came after the restart, so it has missed nothing, whatever the others have passed.
TEST(BarrierTest, AfterARestartWhoWaitsAlreadyGoesOnWaiting) {
  Barriers barriers;
  const auto of_three = [](const std::string& worker, uint64_t passed) {
    Arrival arrival = Of(worker, 5);
    arrival.parties = 3;
    arrival.passed = passed;
    return arrival;
  };
  Arrival b = of_three("b", 0);
  auto replaced = Arrive(barriers, b);
  auto a = Arrive(barriers, of_three("a", 3));
  b.again = true;
  auto waits = Arrive(barriers, b);
  EXPECT_TRUE(absl::IsAborted(replaced.get().status()));
  EXPECT_FALSE(IsReady(waits));
  EXPECT_EQ(Arrive(barriers, of_three("c", 3)).get().value(), 4U);
  EXPECT_EQ(waits.get().value(), 4U);
  EXPECT_EQ(a.get().value(), 4U);
}

TEST(BarrierTest, RoundsThatNobodyCouldHavePassedAreRefused) {
  Barriers barriers;
  Arrival liar = Of("a", 1);
  for (const uint64_t passed : {UINT64_MAX, uint64_t{1} << 62, uint64_t{1} << 33}) {
    ++liar.sequence;
    liar.passed = passed;
    EXPECT_TRUE(absl::IsInvalidArgument(Arrive(barriers, liar).get().status()));
  }
  EXPECT_EQ(barriers.names(), 0U);
}

TEST(BarrierTest, NamesArrivalsMembersAndAnswersAreInTheAccount) {
  MemoryAccount& memory = MemoryAccount::Process();
  const uint64_t before = memory.used();
  {
    Barriers barriers;
    const std::string worker(256, 'w');
    auto first = Arrive(
        barriers,
        {.worker_id = worker, .incarnation = 1, .sequence = 1, .parties = 2, .timeout = kLong});
    const uint64_t one = memory.used() - before;
    EXPECT_GT(one, 1024U);
    memory.SetLimit(memory.used() + one / 8);
    const Answer refused = Arrive(barriers, Of("b", 1)).get();
    EXPECT_TRUE(absl::IsResourceExhausted(refused.status())) << refused.status();
    EXPECT_FALSE(IsReady(first));
    memory.SetLimit(MemoryAccount::kUnlimited);
    // What was refused is as if it had never come.
    EXPECT_EQ(Arrive(barriers, Of("b", 1)).get().value(), 1U);
    EXPECT_EQ(first.get().value(), 1U);
    // Both are members now, and their answers are known.
    EXPECT_GT(memory.used() - before, one);
    EXPECT_EQ(Arrive(barriers, Of("b", 1)).get().value(), 1U);
  }
  EXPECT_EQ(memory.used(), before);
}

TEST(BarrierTest, AThousandWhoWaitAreNotAllNamed) {
  Barriers barriers;
  std::vector<std::future<Answer>> waiting;
  for (int i = 0; i < 1000; ++i) {
    waiting.push_back(Arrive(barriers, absl::StrCat("worker-", i, std::string(200, 'x')), 2000));
  }
  const Answer late = Arrive(barriers, "late", 2000, milliseconds(1)).get();
  EXPECT_TRUE(absl::IsDeadlineExceeded(late.status()));
  EXPECT_LT(late.status().message().size(), 3000U);
  EXPECT_THAT(std::string(late.status().message()), HasSubstr("993 others"));
  barriers.Stop();
}

}  // namespace
}  // namespace varscope::server
