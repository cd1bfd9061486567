#include "server/membership/barrier.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "server/failpoint.h"
#include "server/membership/some_names.h"

namespace varscope::server {
namespace {

// No worker comes to more rounds.
constexpr uint64_t kLastRound = uint64_t{1} << 62;

template <typename Released>
void CallAll(Released& released) {
  for (auto& [done, result] : released) done(result);
}

absl::Status Stopping() { return absl::UnavailableError("the server is stopping"); }

absl::Status Superseded() { return absl::AbortedError("the worker arrived again"); }

// What an arrival, a name and a worker's answers take beside their texts, all that grows with them
// included.
constexpr uint64_t kArrivalBytes = 768;
constexpr uint64_t kNameBytes = 512;
constexpr uint64_t kAnswersBytes = 2048;

absl::StatusOr<MemoryAccount::Hold> Reserve(uint64_t bytes) {
  return MemoryAccount::Process().Reserve(bytes);
}

}  // namespace

Barriers::Barriers(Describe describe, IsLive is_live, Env& env)
    : env_(env),
      describe_(std::move(describe)),
      is_live_(std::move(is_live)),
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
  if (arrival.passed >= kLastRound) {
    return done(absl::InvalidArgumentError(absl::StrCat(
        "worker '", arrival.worker_id, "' has not passed ", arrival.passed, " rounds")));
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
  if (std::optional<absl::StatusOr<uint64_t>> known = AnswerOf(name, arrival)) {
    return answer(*std::move(known));
  }
  absl::StatusOr<MemoryAccount::Hold> held = Reserve(kArrivalBytes + 4 * arrival.worker_id.size());
  if (!held.ok()) return answer(held.status());
  if (absl::Status room = ReserveAnswers(arrival); !room.ok()) return answer(std::move(room));
  const absl::StatusOr<Round*> found = FindOrMake(name);
  if (!found.ok()) return answer(found.status());
  Round& round = **found;
  if (!round.waiting.empty() && round.parties != arrival.parties) {
    return answer(absl::InvalidArgumentError(absl::StrCat(
        "barrier '", name, "' is waiting for ", round.parties, " parties, as worker '", round.first,
        "' said; worker '", arrival.worker_id, "' says ", arrival.parties)));
  }
  LearnOf(arrival.passed, name, round, released);
  if (arrival.again && arrival.passed < round.unseen) {
    const Answer unseen = AnswerOfUnseen(arrival);
    Remember(arrival, unseen);
    return answer(ToStatus(name, arrival, unseen));
  }
  if (WaitsAlready(round, arrival, done, released)) return;
  if (round.waiting.empty()) {
    round.parties = arrival.parties;
    round.first = arrival.worker_id;
  }
  const bool back = round.lost.erase(arrival.worker_id) > 0;
  const auto member = round.members.find(arrival.worker_id);
  if (member != round.members.end()) member->second.incarnation = arrival.incarnation;
  const bool fresh = !back && member == round.members.end();
  // In the first round everybody is.
  const bool takes_a_place = fresh && round.number > 1;
  if (takes_a_place && !round.lost.empty()) {
    round.members.erase(*round.lost.begin());
    round.lost.erase(round.lost.begin());
  }
  const Time now = env_.Now();
  round.waiting[arrival.worker_id] = {arrival, now, now + arrival.timeout, std::move(done),
                                      *std::move(held)};
  CompleteIfAllHere(round, released);
}

bool Barriers::WaitsAlready(Round& round, const Arrival& arrival, Done& done, Released& released) {
  const auto it = round.waiting.find(arrival.worker_id);
  if (it == round.waiting.end()) return false;
  Waiter& waiter = it->second;
  if (arrival.sequence < waiter.arrival.sequence) {
    released.emplace_back(std::move(done), Superseded());
    return true;
  }
  // Whoever waited in the earlier call has given it up, or is another thread.
  released.emplace_back(std::move(waiter.done), Superseded());
  if (arrival.sequence == 0 || arrival.sequence != waiter.arrival.sequence) {
    Remember(waiter.arrival, {.told = Told::kSuperseded});
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
    const Answer answer = AnswerOfUnseen(arrival);
    Remember(arrival, answer);
    released.emplace_back(std::move(it->second.done), ToStatus(name, arrival, answer));
    it = round.waiting.erase(it);
  }
}

absl::StatusOr<Barriers::Round*> Barriers::FindOrMake(const std::string& name) {
  auto it = rounds_.find(name);
  if (it == rounds_.end() && rounds_.size() >= kMostNames) {
    auto oldest = rounds_.end();
    for (auto other = rounds_.begin(); other != rounds_.end(); ++other) {
      if (!other->second.idle()) continue;
      if (oldest == rounds_.end() || other->second.used < oldest->second.used) oldest = other;
    }
    if (oldest == rounds_.end()) {
      return absl::ResourceExhaustedError(
          absl::StrCat("barrier '", name, "': workers wait at ", kMostNames, " others"));
    }
    rounds_.erase(oldest);
  }
  if (it == rounds_.end()) {
    absl::StatusOr<MemoryAccount::Hold> held = Reserve(kNameBytes + 2 * name.size());
    if (!held.ok()) return held.status();
    it = rounds_.try_emplace(name).first;
    it->second.held = *std::move(held);
  }
  it->second.used = env_.Now();
  return &it->second;
}

Barriers::Rounds::iterator Barriers::ForgetIfUnused(Rounds::iterator round) {
  const Round& r = round->second;
  return r.idle() && r.lost.size() == r.members.size() ? rounds_.erase(round) : std::next(round);
}

absl::StatusOr<uint64_t> Barriers::ToStatus(const std::string& name, const Arrival& arrival,
                                            const Answer& answer) {
  switch (answer.told) {
    case Told::kRound:
      return answer.round;
    case Told::kSuperseded:
      return Superseded();
    case Told::kUnseen:
      return absl::AbortedError(absl::StrCat(
          "the server was started again while worker '", arrival.worker_id, "' came to barrier '",
          name,
          "' for the first time: a round is complete, and nobody knows whether with this worker"));
    case Told::kLate:
      break;
  }
  return absl::DeadlineExceededError("its time was over when it was sent again");
}

Barriers::Answer Barriers::AnswerOfUnseen(const Arrival& arrival) {
  if (arrival.passed > 0) return {.round = arrival.passed + 1};
  return {.told = Told::kUnseen};
}

std::optional<absl::StatusOr<uint64_t>> Barriers::AnswerOf(const std::string& name,
                                                           const Arrival& arrival) const {
  if (arrival.sequence == 0 || FailpointIsOn(Failpoint::kBarrierCountsTwice)) return std::nullopt;
  const auto worker = answers_.find(arrival.worker_id);
  if (worker == answers_.end()) return std::nullopt;
  for (const Answer& answer : worker->second.by_sequence) {
    if (answer.sequence == arrival.sequence) return ToStatus(name, arrival, answer);
  }
  if (arrival.sequence > worker->second.forgotten) return std::nullopt;
  return absl::AbortedError(absl::StrCat("worker '", arrival.worker_id, "': its arrival ",
                                         arrival.sequence, " is older than all that are known"));
}

// What a live worker was answered it may still ask for.
bool Barriers::ForgetOneThatIsOver() {
  auto oldest = answers_.end();
  for (auto it = answers_.begin(); it != answers_.end(); ++it) {
    if (is_live_(it->first, it->second.incarnation)) continue;
    if (oldest == answers_.end() || it->second.used < oldest->second.used) oldest = it;
  }
  if (oldest == answers_.end()) return false;
  answers_.erase(oldest);
  return true;
}

absl::Status Barriers::ReserveAnswers(const Arrival& arrival) {
  if (arrival.sequence == 0) return absl::OkStatus();
  if (const auto known = answers_.find(arrival.worker_id); known != answers_.end()) {
    known->second.incarnation = arrival.incarnation;
    return absl::OkStatus();
  }
  if (answers_.size() >= kMostWorkers && !ForgetOneThatIsOver()) {
    return absl::ResourceExhaustedError(
        absl::StrCat("worker '", arrival.worker_id, "': ", kMostWorkers,
                     " workers that are connected have come to barriers"));
  }
  absl::StatusOr<MemoryAccount::Hold> held = Reserve(kAnswersBytes + 2 * arrival.worker_id.size());
  if (!held.ok()) return held.status();
  answers_[arrival.worker_id] = {.by_sequence = {},
                                 .incarnation = arrival.incarnation,
                                 .used = env_.Now(),
                                 .held = *std::move(held)};
  return absl::OkStatus();
}

void Barriers::Remember(const Arrival& arrival, Answer answer) {
  const auto worker = answers_.find(arrival.worker_id);
  // Others have come since, so many that it is forgotten.
  if (arrival.sequence == 0 || worker == answers_.end()) return;
  Answers& answers = worker->second;
  answers.used = env_.Now();
  answer.sequence = arrival.sequence;
  answers.by_sequence.push_back(answer);
  if (answers.by_sequence.size() <= kMostAnswers) return;
  answers.forgotten = std::max(answers.forgotten, answers.by_sequence.front().sequence);
  answers.by_sequence.pop_front();
}

void Barriers::CompleteIfAllHere(Round& round, Released& released) {
  if (round.waiting.empty() || round.waiting.size() + round.lost.size() < round.parties) return;
  std::erase_if(round.members, [&](const auto& m) { return !round.lost.contains(m.first); });
  for (auto& [worker, waiter] : round.waiting) {
    round.members[worker] = {waiter.arrival.incarnation, std::move(waiter.held)};
    Remember(waiter.arrival, {.round = round.number});
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
        round.members[worker_id] = {incarnation, std::move(waiter->second.held)};
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
      waits.emplace(
          it->first,
          absl::StrFormat("barrier '%s' round %d, for %d more of %d parties%s", name, round.number,
                          round.parties - round.waiting.size() - round.lost.size(), round.parties,
                          Missing(round)));
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
      name, round.number, waiter.arrival.worker_id, waited,
      round.parties - round.waiting.size() - round.lost.size(), round.parties, here.Join(", "),
      Missing(round)));
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
        Remember(waiter->second.arrival, {.told = Told::kLate});
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
