#include "server/membership/barrier.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "proto/wire/retry_info.h"
#include "server/membership/some_names.h"

namespace varscope::server {
namespace {

using Told = BarrierAnswer::Told;

// No worker comes to more rounds, nor to so many of which the server has heard nothing: whoever
// says so would take the numbers from the rest.
constexpr uint64_t kLastRound = uint64_t{1} << 62;
constexpr uint64_t kMostUnseenRounds = uint64_t{1} << 32;

template <typename Released>
void CallAll(Released& released) {
  for (auto& [done, result] : released) done(result);
}

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
    for (auto& [name, round] : rounds_) {
      for (auto& [worker, waiter] : round.waiting) {
        released.emplace_back(std::move(waiter.done), Stopping());
      }
      round.waiting.clear();
    }
  }
  timer_->Stop();
  CallAll(released);
}

void Barriers::Arrive(const std::string& name, const Arrival& arrival, Done done) {
  if (arrival.parties == 0 || arrival.timeout.count() <= 0) {
    return done(absl::InvalidArgumentError(
        absl::StrCat("barrier '", name, "' needs at least one party and a timeout above 0")));
  }
  Released released;
  {
    MutexLock lock(mutex_);
    Take(name, arrival, std::move(done), released);
  }
  timer_->Wake();
  CallAll(released);
}

void Barriers::Take(const std::string& name, const Arrival& arrival, Done done,
                    Released& released) {
  const auto answer = [&](absl::StatusOr<uint64_t> result) {
    released.emplace_back(std::move(done), std::move(result));
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
  if (WaitsAlready(round, arrival, done, released)) return;
  if (arrival.again && arrival.passed < round.unseen) {
    const BarrierAnswer unseen = AnswerOfUnseen(arrival);
    answers_.Remember(arrival, unseen, now);
    return answer(unseen.ToStatus(name, arrival));
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
  round.lost.erase(arrival.worker_id);
  const auto member = round.members.find(arrival.worker_id);
  const bool is_new = member == round.members.end();
  if (!is_new) member->second.incarnation = arrival.incarnation;
  round.waiting[arrival.worker_id] = {.arrival = arrival,
                                      .since = now,
                                      .deadline = now + arrival.timeout,
                                      .done = std::move(done),
                                      .held = *std::move(held),
                                      .place = *place,
                                      .counted_as_new = is_new ? round.new_ones : nullptr};
  CompleteIfAllHere(round, released);
}

bool Barriers::WaitsAlready(Round& round, const Arrival& arrival, Done& done, Released& released) {
  const auto it = round.waiting.find(arrival.worker_id);
  if (it == round.waiting.end()) return false;
  Waiter& waiter = it->second;
  if (arrival.sequence < waiter.arrival.sequence) {
    released.emplace_back(std::move(done), kSuperseded.ToStatus("", arrival));
    return true;
  }
  // Whoever waited in the earlier call has given it up, or is another thread.
  released.emplace_back(std::move(waiter.done), kSuperseded.ToStatus("", arrival));
  if (arrival.sequence == 0 || arrival.sequence != waiter.arrival.sequence) {
    answers_.Remember(waiter.arrival, kSuperseded, env_.Now());
    round.waiting.erase(it);
    return false;
  }
  waiter.done = std::move(done);
  waiter.arrival.call = arrival.call;
  waiter.arrival.incarnation = arrival.incarnation;
  return true;
}

void Barriers::LearnOf(uint64_t passed, const std::string& name, Round& round, Released& released) {
  if (passed < round.number) return;
  round.number = passed + 1;
  round.unseen = passed;
  for (auto it = round.waiting.begin(); it != round.waiting.end();) {
    const Arrival& arrival = it->second.arrival;
    if (!arrival.again || arrival.passed >= round.unseen) {
      ++it;
      continue;
    }
    const BarrierAnswer answer = AnswerOfUnseen(arrival);
    answers_.Remember(arrival, answer, env_.Now());
    released.emplace_back(std::move(it->second.done), answer.ToStatus(name, arrival));
    it = round.waiting.erase(it);
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
  return r.idle() && r.lost.size() == r.members.size() ? Forget(round) : std::next(round);
}

size_t Barriers::Excused(const Round& round) {
  if (round.parties != round.parties_of_members) return 0;
  const auto new_ones = static_cast<size_t>(round.new_ones.use_count() - 1);
  return round.lost.size() - std::min(round.lost.size(), new_ones);
}

size_t Barriers::StillToCome(const Round& round) {
  return round.parties - std::min<size_t>(round.parties, round.waiting.size() + Excused(round));
}

void Barriers::CompleteIfAllHere(Round& round, Released& released) {
  if (round.waiting.empty() || StillToCome(round) > 0) return;
  const size_t excused = Excused(round);
  while (round.lost.size() > excused) round.lost.erase(round.lost.begin());
  std::erase_if(round.members, [&](const auto& m) { return !round.lost.contains(m.first); });
  round.parties_of_members = round.parties;
  for (auto& [worker, waiter] : round.waiting) {
    round.members[worker] = {waiter.arrival.incarnation, std::move(waiter.held)};
    answers_.Remember(waiter.arrival, {.round = round.number}, env_.Now());
    released.emplace_back(std::move(waiter.done), round.number);
  }
  round.waiting.clear();
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

void Barriers::WorkerLost(const std::string& worker_id, uint64_t incarnation) {
  Released released;
  {
    MutexLock lock(mutex_);
    for (auto it = rounds_.begin(); it != rounds_.end();) {
      Round& round = it->second;
      const auto waiter = round.waiting.find(worker_id);
      if (waiter != round.waiting.end() && waiter->second.arrival.incarnation <= incarnation) {
        released.emplace_back(
            std::move(waiter->second.done),
            absl::AbortedError(absl::StrCat("worker '", worker_id,
                                            "' is lost; it waited at barrier '", it->first, "'")));
        round.waiting.erase(waiter);
      }
      const auto member = round.members.find(worker_id);
      if (member != round.members.end() && member->second.incarnation <= incarnation) {
        round.lost.insert(worker_id);
      }
      CompleteIfAllHere(round, released);
      it = ForgetIfUnused(it);
    }
  }
  CallAll(released);
}

std::string Barriers::Missing(const Round& round) const {
  SomeNames missing;
  // Others may come to a round of another number.
  if (round.parties != round.parties_of_members) return "";
  for (const auto& [worker, member] : round.members) {
    if (round.waiting.contains(worker) || round.lost.contains(worker)) continue;
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
      waits.emplace(it->first, absl::StrFormat("barrier '%s' round %d, for %d more of %d parties%s",
                                               name, round.number, StillToCome(round),
                                               round.parties, Missing(round)));
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
  return absl::DeadlineExceededError(absl::StrFormat(
      "barrier '%s' round %d: worker '%s' waited %.1f s for %d more of %d parties; here: %s%s",
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
      std::vector<std::pair<std::string, absl::Status>> late;
      for (const auto& [worker, waiter] : round.waiting) {
        if (waiter.deadline > now) {
          next = std::min(next, waiter.deadline);
        } else {
          late.emplace_back(worker, Late(it->first, round, waiter, now));
        }
      }
      for (auto& [worker, why] : late) {
        const auto waiter = round.waiting.find(worker);
        answers_.Remember(waiter->second.arrival, {.told = Told::kLate}, now);
        released.emplace_back(std::move(waiter->second.done), std::move(why));
        round.waiting.erase(waiter);
      }
      it = late.empty() ? std::next(it) : ForgetIfUnused(it);
    }
  }
  CallAll(released);
  return next;
}

}  // namespace varscope::server
