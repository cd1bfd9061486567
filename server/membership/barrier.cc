#include "server/membership/barrier.h"

#include <fmt/format.h>

#include <algorithm>
#include <new>

#include "absl/strings/str_cat.h"
#include "proto/wire/retry_info.h"
#include "server/membership/some_names.h"

namespace varscope::server {
namespace {

using Told = BarrierAnswer::Told;

// No worker comes to more rounds, nor to so many of which the server has heard nothing: whoever
// says so would take the numbers from the rest.
constexpr uint64_t kLastRound = uint64_t{1} << 62;
constexpr uint64_t kMostUnseenRounds = uint64_t{1} << 32;

absl::Status Stopping() { return absl::UnavailableError("the server is stopping"); }

constexpr BarrierAnswer kSuperseded{.told = Told::kSuperseded};

// Of an arrival whose round was complete before the server, or what it remembers, began.
BarrierAnswer AnswerOfUnseen(const Arrival& arrival) {
  if (arrival.passed > 0) return {.round = arrival.passed + 1};
  return {.told = Told::kUnseen};
}

// What an arrival and a name take beside their texts, all that grows with them included.
constexpr uint64_t kArrivalBytes = 768;
constexpr uint64_t kNameBytes = 512;
constexpr size_t kMostWaitsTold = 8;

}  // namespace

Barriers::Barriers(Describe describe, IsLive is_live, Env& env)
    : env_(env),
      describe_(std::move(describe)),
      is_live_(is_live),
      answers_(std::move(is_live)),
      timer_(env.StartTimer("barriers", [this] { return ReleaseExpired(); })) {}

void Barriers::Stop() {
  Released released;
  {
    MutexLock lock(mutex_);
    if (stopping_) return;
    stopping_ = true;
    const absl::Status stopping = Said(Stopping);
    for (auto& [name, round] : rounds_) {
      while (!round.waiting.empty()) {
        released.Add(round.waiting, round.waiting.begin(), stopping);
      }
    }
  }
  timer_->Stop();
}

void Barriers::Arrive(const std::string& name, const Arrival& arrival, Done done) {
  if (arrival.parties == 0 || arrival.timeout.count() <= 0) {
    return done(absl::InvalidArgumentError(
        absl::StrCat("barrier '", name, "' needs at least one party and a timeout above 0")));
  }
  Waiters own;
  Released released;
  own.emplace(arrival.worker_id, Waiter{.arrival = arrival})->second.done = std::move(done);
  {
    MutexLock lock(mutex_);
    try {
      Take(name, own, released);
    } catch (const std::bad_alloc&) {
      released.Add(own, own.begin(), *kNobodyAnswered);
    }
  }
  timer_->Wake();
}

void Barriers::Take(const std::string& name, Waiters& own, Released& released) {
  Waiter& waiter = own.begin()->second;
  const Arrival& arrival = waiter.arrival;
  const auto answer = [&](absl::StatusOr<uint64_t> result) {
    released.Add(own, own.begin(), std::move(result));
  };
  if (stopping_) return answer(Stopping());
  // It may have ended since the call was let in; later it is told through WorkerLost.
  if (!is_live_(arrival.worker_id, arrival.incarnation)) {
    return answer(absl::AbortedError(
        absl::StrCat("worker '", arrival.worker_id, "': its incarnation ended")));
  }
  if (std::optional<absl::StatusOr<uint64_t>> known = answers_.Find(name, arrival)) {
    return answer(*std::move(known));
  }
  absl::StatusOr<IdleMemory::Hold> held = IdleMemory::Process().Reserve(
      arrival.worker_id, kArrivalBytes + 4 * arrival.worker_id.size());
  if (!held.ok()) {
    return answer(Prefixed(absl::StrCat("worker '", arrival.worker_id, "', barrier '", name, "': "),
                           held.status()));
  }
  const Time now = env_.Now();
  const absl::StatusOr<BarrierAnswers::Place> place = answers_.Enter(arrival, now);
  if (!place.ok()) return answer(place.status());
  const absl::StatusOr<Round*> found = FindOrMake(name, arrival.worker_id);
  if (!found.ok()) return answer(found.status());
  Round& round = **found;
  if (!round.waiting.empty() && round.parties != arrival.parties) {
    return answer(absl::InvalidArgumentError(absl::StrCat(
        "barrier '", name, "' is waiting for ", round.parties, " parties, as worker '", round.first,
        "' said; worker '", arrival.worker_id, "' says ", arrival.parties)));
  }
  if (arrival.passed >= std::min(kLastRound, round.number + kMostUnseenRounds)) {
    answer(absl::InvalidArgumentError(
        absl::StrCat("worker '", arrival.worker_id, "' has not passed ", arrival.passed,
                     " rounds of barrier '", name, "', whose round ", round.number, " is open")));
    ForgetIfUnused(rounds_.find(name));
    return;
  }
  LearnOf(arrival.passed, name, round, released);
  if (WaitsAlready(round, own, released)) return;
  if (arrival.again && arrival.passed < round.unseen) {
    const BarrierAnswer unseen = AnswerOfUnseen(arrival);
    absl::StatusOr<uint64_t> told = unseen.ToStatus(name, arrival);
    answers_.Remember(arrival, unseen, now);
    return answer(std::move(told));
  }
  constexpr long kOthers = 2;  // that have the place: the answers, and `place`
  if (place->use_count() - kOthers >= kMostOfWorker) {
    answer(absl::ResourceExhaustedError(absl::StrCat("barrier '", name, "': worker '",
                                                     arrival.worker_id, "' waits at ",
                                                     kMostOfWorker, " others already")));
    ForgetIfUnused(rounds_.find(name));
    return;
  }
  if (round.waiting.empty()) {
    round.parties = arrival.parties;
    round.first = arrival.worker_id;
  }
  if (!IsMember(round, arrival)) {
    Members as_member;
    as_member.emplace(arrival.worker_id, Member());
    waiter.as_member = as_member.extract(as_member.begin());
    waiter.counted_as_new = round.new_ones;
  }
  waiter.since = now;
  waiter.deadline = now + arrival.timeout;
  waiter.held = *std::move(held);
  waiter.place = *place;
  round.waiting.insert(own.extract(own.begin()));
  CompleteIfAllHere(round, released);
}

bool Barriers::IsMember(Round& round, const Arrival& arrival) {
  const auto member = round.members.find(arrival.worker_id);
  if (member == round.members.end()) return false;
  member->second.incarnation = arrival.incarnation;
  if (std::exchange(member->second.lost, false)) --round.lost;
  return true;
}

bool Barriers::WaitsAlready(Round& round, Waiters& own, Released& released) {
  const Arrival& arrival = own.begin()->second.arrival;
  const auto it = round.waiting.find(arrival.worker_id);
  if (it == round.waiting.end()) return false;
  Waiter& waiter = it->second;
  const absl::StatusOr<uint64_t> superseded = kSuperseded.ToStatus("", arrival);
  if (arrival.sequence < waiter.arrival.sequence) {
    released.Add(own, own.begin(), superseded);
    return true;
  }
  // Whoever waited in the earlier call has given it up, or is another thread.
  if (arrival.sequence == 0 || arrival.sequence != waiter.arrival.sequence) {
    answers_.Remember(waiter.arrival, kSuperseded, env_.Now());
    released.Add(round.waiting, it, superseded);
    return false;
  }
  std::swap(waiter.done, own.begin()->second.done);
  waiter.arrival.call = arrival.call;
  waiter.arrival.incarnation = arrival.incarnation;
  IsMember(round, arrival);
  released.Add(own, own.begin(), superseded);
  return true;
}

void Barriers::LearnOf(uint64_t passed, const std::string& name, Round& round, Released& released) {
  if (passed < round.number) return;
  round.number = passed + 1;
  round.unseen = passed;
  for (auto it = round.waiting.begin(); it != round.waiting.end();) {
    const auto waiter = it++;
    const Arrival& arrival = waiter->second.arrival;
    if (!arrival.again || arrival.passed >= round.unseen) continue;
    const BarrierAnswer answer = AnswerOfUnseen(arrival);
    answers_.Remember(arrival, answer, env_.Now());
    if (answer.told == Told::kRound) {
      released.Add(round.waiting, waiter, answer.round);
    } else {
      released.Add(round.waiting, waiter,
                   Said([&] { return answer.ToStatus(name, arrival).status(); }));
    }
  }
}

absl::StatusOr<Barriers::Round*> Barriers::FindOrMake(const std::string& name,
                                                      const std::string& worker_id) {
  auto it = rounds_.find(name);
  if (it == rounds_.end()) {
    if (!MakeRoom(worker_id)) {
      return absl::ResourceExhaustedError(
          absl::StrCat("barrier '", name, "': there are ", rounds_.size(), " others, at most ",
                       kMostNames, ", and worker '", worker_id,
                       "' has made as many of them as it leaves to others; use fewer names"));
    }
    absl::StatusOr<IdleMemory::Hold> held =
        IdleMemory::Process().Reserve(worker_id, kNameBytes + 2 * name.size());
    if (!held.ok()) return held.status();
    size_t& made = made_[worker_id];
    Round round{.maker = worker_id, .held = *std::move(held)};
    it = rounds_.emplace(name, std::move(round)).first;
    ++made;
  }
  it->second.used = env_.Now();
  return &it->second;
}

bool Barriers::MakeRoom(const std::string& worker_id) {
  const size_t own = MadeBy(worker_id);
  const size_t left = kMostNames - rounds_.size();
  if (own == 0 ? left > 0 : own + kKeptNames < left) return true;
  auto oldest = rounds_.end();
  for (auto it = rounds_.begin(); it != rounds_.end(); ++it) {
    const Round& round = it->second;
    if (!round.idle() || (round.maker != worker_id && MadeBy(round.maker) <= own)) continue;
    if (oldest == rounds_.end() || round.used < oldest->second.used) oldest = it;
  }
  if (oldest == rounds_.end()) return false;
  Forget(oldest);
  return true;
}

size_t Barriers::MadeBy(const std::string& worker_id) const {
  const auto it = made_.find(worker_id);
  return it == made_.end() ? 0 : it->second;
}

Barriers::Rounds::iterator Barriers::Forget(Rounds::iterator round) {
  const auto made = made_.find(round->second.maker);
  if (--made->second == 0) made_.erase(made);
  return rounds_.erase(round);
}

Barriers::Rounds::iterator Barriers::ForgetIfUnused(Rounds::iterator round) {
  const Round& r = round->second;
  return r.idle() && r.lost == r.members.size() ? Forget(round) : std::next(round);
}

size_t Barriers::Excused(const Round& round) {
  if (round.parties != round.parties_of_members) return 0;
  const auto new_ones = static_cast<size_t>(round.new_ones.use_count() - 1);
  return round.lost - std::min(round.lost, new_ones);
}

size_t Barriers::StillToCome(const Round& round) {
  return round.parties - std::min<size_t>(round.parties, round.waiting.size() + Excused(round));
}

void Barriers::CompleteIfAllHere(Round& round, Released& released) noexcept {
  if (round.waiting.empty() || StillToCome(round) > 0) return;
  const size_t excused = Excused(round);
  size_t replaced = round.lost - excused;
  std::erase_if(round.members, [&](const auto& member) {
    if (!member.second.lost) return !round.waiting.contains(member.first);
    return replaced > 0 && replaced-- > 0;
  });
  round.lost = excused;
  round.parties_of_members = round.parties;
  while (!round.waiting.empty()) {
    const auto it = round.waiting.begin();
    Waiter& waiter = it->second;
    auto member = round.members.find(it->first);
    if (member == round.members.end()) {
      member = round.members.insert(std::move(waiter.as_member)).position;
    }
    member->second = {waiter.arrival.incarnation, false, std::move(waiter.held)};
    answers_.Remember(waiter.arrival, {.round = round.number}, env_.Now());
    released.Add(round.waiting, it, round.number);
  }
  ++round.number;
}

void Barriers::Leave(const std::string& name, const std::string& worker_id, const void* call) {
  Done left;
  {
    MutexLock lock(mutex_);
    const auto round = rounds_.find(name);
    if (round == rounds_.end()) return;
    const auto it = round->second.waiting.find(worker_id);
    if (it == round->second.waiting.end() || it->second.arrival.call != call) return;
    left = std::move(it->second.done);
    round->second.waiting.erase(it);
    ForgetIfUnused(round);
  }
  left(absl::CancelledError("the worker left"));
}

void Barriers::WorkerLost(const std::string& worker_id, uint64_t incarnation) noexcept {
  Released released;
  MutexLock lock(mutex_);
  for (auto it = rounds_.begin(); it != rounds_.end();) {
    Round& round = it->second;
    const auto waiter = round.waiting.find(worker_id);
    if (waiter != round.waiting.end() && waiter->second.arrival.incarnation <= incarnation) {
      released.Add(round.waiting, waiter, Said([&, &name = it->first] {
                     return absl::AbortedError(absl::StrCat(
                         "worker '", worker_id, "' is lost; it waited at barrier '", name, "'"));
                   }));
    }
    const auto member = round.members.find(worker_id);
    if (member != round.members.end() && member->second.incarnation <= incarnation) {
      if (!std::exchange(member->second.lost, true)) ++round.lost;
    }
    CompleteIfAllHere(round, released);
    it = ForgetIfUnused(it);
  }
}

std::string Barriers::Missing(const Round& round) const {
  SomeNames missing;
  // Others may come to a round of another number.
  if (round.parties != round.parties_of_members) return "";
  for (const auto& [worker, member] : round.members) {
    if (round.waiting.contains(worker) || member.lost) continue;
    missing.Add([&, &one = worker] { return describe_(one); });
  }
  return missing.size() == 0 ? "" : absl::StrCat("; missing: ", missing.Join("; "));
}

std::multimap<std::string, std::string> Barriers::waits(const std::string& first,
                                                        const std::string& last) const {
  std::multimap<std::string, std::string> waits;
  MutexLock lock(mutex_);
  for (const auto& [name, round] : rounds_) {
    const auto end = round.waiting.upper_bound(last);
    for (auto it = round.waiting.lower_bound(first); it != end; ++it) {
      if (waits.count(it->first) >= kMostWaitsTold) continue;
      waits.emplace(it->first,
                    fmt::format("barrier '{}' round {}, for {} more of {} parties{}", name,
                                round.number, StillToCome(round), round.parties, Missing(round)));
    }
  }
  return waits;
}

size_t Barriers::names() const {
  MutexLock lock(mutex_);
  return rounds_.size();
}

absl::Status Barriers::Late(const std::string& name, const Round& round, const Waiter& waiter,
                            Time now) const {
  const double waited = std::chrono::duration<double>(now - waiter.since).count();
  SomeNames here;
  for (const auto& [worker, other] : round.waiting) here.Add([&one = worker] { return one; });
  return absl::DeadlineExceededError(fmt::format(
      "barrier '{}' round {}: worker '{}' waited {:.1f} s for {} more of {} parties; here: {}{}",
      name, round.number, waiter.arrival.worker_id, waited, StillToCome(round), round.parties,
      here.Join(", "), Missing(round)));
}

Time Barriers::ReleaseExpired() {
  const Time now = env_.Now();
  Time next = kNever;
  Released released;
  {
    MutexLock lock(mutex_);
    for (auto it = rounds_.begin(); it != rounds_.end();) {
      Round& round = it->second;
      bool some_are_late = false;
      for (auto& [worker, waiter] : round.waiting) {
        if (waiter.deadline > now) {
          next = std::min(next, waiter.deadline);
        } else {
          waiter.answer = Late(it->first, round, waiter, now);
          some_are_late = true;
        }
      }
      for (auto late = round.waiting.begin(); late != round.waiting.end();) {
        const auto waiter = late++;
        if (waiter->second.deadline > now) continue;
        answers_.Remember(waiter->second.arrival, {.told = Told::kLate}, now);
        released.Add(round.waiting, waiter, std::move(waiter->second.answer));
      }
      it = some_are_late ? ForgetIfUnused(it) : std::next(it);
    }
  }
  return next;
}

}  // namespace varscope::server
