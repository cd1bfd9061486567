// Who is waited for at a barrier when workers die, come back under other ids, or agree on another
// number of parties.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <future>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "server/membership/barrier.h"

namespace varscope::server {
namespace {

using ::testing::HasSubstr;

using Answer = absl::StatusOr<uint64_t>;

std::future<Answer> Arrive(Barriers& barriers, const std::string& worker, uint32_t parties,
                           std::chrono::milliseconds timeout = std::chrono::minutes(1)) {
  auto promise = std::make_shared<std::promise<Answer>>();
  std::future<Answer> future = promise->get_future();
  barriers.Arrive("b", {.worker_id = worker, .parties = parties, .timeout = timeout},
                  [promise](Answer round) { promise->set_value(round); });
  return future;
}

bool IsReady(const std::future<Answer>& answer) {
  return answer.wait_for(std::chrono::milliseconds(0)) == std::future_status::ready;
}

// All pass one round.
void Pass(Barriers& barriers, const std::vector<std::string>& workers) {
  std::vector<std::future<Answer>> answers;
  for (const std::string& worker : workers) {
    answers.push_back(Arrive(barriers, worker, static_cast<uint32_t>(workers.size())));
  }
  for (std::future<Answer>& answer : answers) ASSERT_TRUE(answer.get().ok());
}

TEST(BarrierPlacesTest, TheLostDoNotCountForAnotherNumberOfParties) {
  for (const bool they_die_late : {false, true}) {
    Barriers barriers;
    Pass(barriers, {"a", "b", "c", "d", "e"});
    const auto lose = [&] {
      barriers.WorkerLost("d", 0);
      barriers.WorkerLost("e", 0);
    };
    if (!they_die_late) lose();
    auto a = Arrive(barriers, "a", 3);
    if (they_die_late) lose();
    EXPECT_FALSE(IsReady(a)) << "alone";
    auto b = Arrive(barriers, "b", 3);
    EXPECT_FALSE(IsReady(b));
    EXPECT_EQ(Arrive(barriers, "c", 3).get().value(), 2U);
    EXPECT_EQ(a.get().value(), 2U);
    EXPECT_EQ(b.get().value(), 2U);
    // Now the three are those who are waited for.
    barriers.WorkerLost("c", 0);
    auto next = Arrive(barriers, "a", 3);
    EXPECT_EQ(Arrive(barriers, "b", 3).get().value(), 3U);
    EXPECT_EQ(next.get().value(), 3U);
  }
}

// Who said it by mistake, and gave up, changes nothing.
TEST(BarrierPlacesTest, AnotherNumberOfPartiesHoldsOnceItsRoundIsComplete) {
  Barriers barriers;
  Pass(barriers, {"a", "b", "c"});
  barriers.WorkerLost("c", 0);
  const Answer late = Arrive(barriers, "a", 7, std::chrono::milliseconds(1)).get();
  EXPECT_THAT(std::string(late.status().message()), HasSubstr("for 6 more of 7 parties"));
  auto a = Arrive(barriers, "a", 3);
  EXPECT_EQ(Arrive(barriers, "b", 3).get().value(), 2U);
  EXPECT_TRUE(a.get().ok());
}

TEST(BarrierPlacesTest, WhoIsLostInTheFirstRoundIsNoMember) {
  Barriers barriers;
  auto y = Arrive(barriers, "y", 3);
  auto x = Arrive(barriers, "x", 3);
  barriers.WorkerLost("x", 0);
  EXPECT_TRUE(absl::IsAborted(x.get().status()));
  auto back = Arrive(barriers, "x2", 3);
  EXPECT_FALSE(IsReady(back) || IsReady(y)) << "z has not come";
  EXPECT_EQ(Arrive(barriers, "z", 3).get().value(), 1U);
  EXPECT_EQ(back.get().value(), 1U);
  EXPECT_EQ(y.get().value(), 1U);
}

TEST(BarrierPlacesTest, WhoComesBackUnderAnotherIdBeforeItIsKnownToBeLostTakesItsOwnPlace) {
  Barriers barriers;
  Pass(barriers, {"x", "y", "z"});
  auto back = Arrive(barriers, "x2", 3);
  auto y = Arrive(barriers, "y", 3);
  barriers.WorkerLost("x", 0);
  EXPECT_FALSE(IsReady(back) || IsReady(y)) << "z has not come";
  EXPECT_EQ(Arrive(barriers, "z", 3).get().value(), 2U);
}

TEST(BarrierPlacesTest, WhoComesAgainTakesOnePlaceOnly) {
  Barriers barriers;
  Pass(barriers, {"a", "b", "c", "d"});
  barriers.WorkerLost("c", 0);
  barriers.WorkerLost("d", 0);
  for (int i = 0; i < 3; ++i) {
    auto breaks_off = Arrive(barriers, "new", 4);
    barriers.Leave("b", "new", nullptr);
    EXPECT_TRUE(absl::IsCancelled(breaks_off.get().status()));
  }
  auto replaced = Arrive(barriers, "new", 4);
  auto fresh = Arrive(barriers, "new", 4);
  EXPECT_TRUE(absl::IsAborted(replaced.get().status()));
  auto a = Arrive(barriers, "a", 4);
  EXPECT_EQ(Arrive(barriers, "b", 4).get().value(), 2U);
  EXPECT_TRUE(a.get().ok() && fresh.get().ok());
}

// Seats, in each of which there is a worker that comes to every round, dies, and is started again
// under another id. A round is passed when all seats with a worker have come; those without one are
// left out only where the round before was of the same seats.
class Seats {
 public:
  explicit Seats(uint32_t seed) : random_(seed) {
    for (uint32_t n = 2 + Below(4); n > 0; --n) seats_.push_back({NewId()});
  }

  void Run() {
    for (int step = 0; step < 150 && !::testing::Test::HasFailure(); ++step) {
      const bool agree = waiting_ == 0 && parties() == parties_before_;
      if (agree && OneIn(6)) ChangeParties();
      Act(seats_[Below(static_cast<uint32_t>(seats_.size()))]);
      Check();
    }
  }
  uint64_t rounds() const { return round_ - 1; }
  const std::string& story() const { return story_; }

 private:
  struct Seat {
    std::string worker;
    bool alive = true;
    bool member = false;  // it has passed the last round
    std::future<Answer> answer = {};
    bool waits() const { return answer.valid(); }
  };

  uint32_t Below(uint32_t n) { return random_() % n; }
  bool OneIn(uint32_t n) { return Below(n) == 0; }
  std::string NewId() { return absl::StrCat("w", ++ids_); }
  uint32_t parties() const { return static_cast<uint32_t>(seats_.size()); }
  void Note(const std::string& what) { absl::StrAppend(&story_, what, "\n"); }

  // The first seat's worker never dies: a barrier at which nobody is left is forgotten.
  bool MayDie(const Seat& seat) const { return &seat != &seats_[0] && seat.alive; }

  void ChangeParties() {
    if (OneIn(2)) {
      seats_.push_back({NewId()});
    } else {
      std::erase_if(seats_, [](const Seat& seat) { return !seat.alive; });
    }
    Note(absl::StrCat("from now on they are ", parties()));
  }

  void Act(Seat& seat) {
    switch (Below(6)) {
      case 0:
        if (MayDie(seat)) Die(seat);
        return;
      case 1:
        if (seat.waits()) BreakOff(seat);
        return;
      case 2:
        if (MayDie(seat) && !seat.waits()) ComeBackTooEarly(seat);
        return;
      default:
        if (!seat.waits()) Come(seat);
        return;
    }
  }

  void Come(Seat& seat) {
    if (!seat.alive) seat = {NewId()};
    Note(absl::StrCat(seat.worker, " comes"));
    seat.answer = Arrive(barriers_, seat.worker, parties());
    ++waiting_;
  }

  void Lose(const std::string& worker) {
    Note(absl::StrCat(worker, " is lost"));
    barriers_.WorkerLost(worker, 0);
  }

  void Die(Seat& seat) {
    Lose(seat.worker);
    seat.alive = false;
    if (seat.waits()) NoLongerWaits(seat, absl::StatusCode::kAborted);
  }

  // Nobody knows a worker that waits no longer, and has passed no round.
  void BreakOff(Seat& seat) {
    Note(absl::StrCat(seat.worker, " breaks off"));
    barriers_.Leave("b", seat.worker, nullptr);
    NoLongerWaits(seat, absl::StatusCode::kCancelled);
    seat.alive = seat.member;
  }

  void NoLongerWaits(Seat& seat, absl::StatusCode code) {
    EXPECT_EQ(seat.answer.get().status().code(), code);
    --waiting_;
  }

  void ComeBackTooEarly(Seat& seat) {
    const std::string before = seat.worker;
    seat = {NewId()};
    Come(seat);
    Lose(before);
  }

  bool IsComplete() const {
    if (waiting_ == 0) return false;
    for (const Seat& seat : seats_) {
      if (!seat.waits() && (seat.alive || parties() != parties_before_)) return false;
    }
    return true;
  }

  void Check() {
    const bool complete = IsComplete();
    for (Seat& seat : seats_) {
      if (!seat.waits()) continue;
      ASSERT_EQ(IsReady(seat.answer), complete) << seat.worker << " in round " << round_;
    }
    if (!complete) return;
    for (Seat& seat : seats_) {
      seat.member = seat.waits();
      if (!seat.waits()) continue;
      EXPECT_EQ(seat.answer.get().value(), round_);
    }
    Note(absl::StrCat("round ", round_, " is complete"));
    waiting_ = 0;
    parties_before_ = parties();
    ++round_;
  }

  std::mt19937 random_;
  std::string story_;
  uint64_t ids_ = 0;
  Barriers barriers_;
  std::vector<Seat> seats_;
  size_t waiting_ = 0;
  uint32_t parties_before_ = 0;
  uint64_t round_ = 1;
};

TEST(BarrierPlacesTest, ARoundIsPassedByAllWhoAreThereAndByNobodyBefore) {
  uint64_t rounds = 0;
  for (uint32_t seed = 1; seed <= 500; ++seed) {
    Seats seats(seed);
    seats.Run();
    ASSERT_FALSE(HasFailure()) << "seed " << seed << "\n" << seats.story();
    rounds += seats.rounds();
  }
  EXPECT_GT(rounds, 500U);
}

}  // namespace
}  // namespace varscope::server
