#include "server/membership/barrier.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"

namespace varscope::server {
namespace {

template <typename Released>
void CallAll(Released& released) {
  for (auto& [done, result] : released) done(result);
}

absl::Status Stopping() { return absl::UnavailableError("the server is stopping"); }

}  // namespace

Barriers::Barriers(Describe describe, Env& env)
    : env_(env),
      describe_(std::move(describe)),
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

void Barriers::Arrive(const std::string& name, const std::string& worker_id, uint32_t parties,
                      std::chrono::milliseconds timeout, Done done) {
  if (parties == 0 || timeout.count() <= 0) {
    return done(absl::InvalidArgumentError(
        absl::StrCat("barrier '", name, "' needs at least one party and a timeout above 0")));
  }
  Released released;
  {
    MutexLock lock(mutex_);
    Round& round = rounds_[name];
    if (round.waiting.empty()) round.parties = parties;
    if (stopping_) {
      released.emplace_back(std::move(done), Stopping());
    } else if (round.parties != parties) {
      released.emplace_back(std::move(done),
                            absl::InvalidArgumentError(
                                absl::StrCat("barrier '", name, "' is waiting for ", round.parties,
                                             " parties, worker '", worker_id, "' says ", parties)));
    } else {
      const bool back = round.lost.erase(worker_id) > 0;
      const bool fresh = !back && !round.members.contains(worker_id);
      // In the first round everybody is.
      const bool takes_a_place = fresh && round.number > 1;
      if (takes_a_place && !round.lost.empty()) round.lost.erase(round.lost.begin());
      Waiter& waiter = round.waiting[worker_id];
      if (waiter.done) {
        released.emplace_back(std::move(waiter.done),
                              absl::AbortedError("the worker arrived again"));
      }
      const Time now = env_.Now();
      waiter = {now, now + timeout, std::move(done)};
      CompleteIfAllHere(round, released);
    }
  }
  timer_->Wake();
  CallAll(released);
}

void Barriers::CompleteIfAllHere(Round& round, Released& released) {
  if (round.waiting.empty() || round.waiting.size() + round.lost.size() < round.parties) return;
  round.members = round.lost;
  for (auto& [worker, waiter] : round.waiting) {
    round.members.insert(worker);
    released.emplace_back(std::move(waiter.done), round.number);
  }
  round.waiting.clear();
  ++round.number;
}

void Barriers::Leave(const std::string& name, const std::string& worker_id) {
  Done left;
  {
    MutexLock lock(mutex_);
    const auto round = rounds_.find(name);
    if (round == rounds_.end()) return;
    const auto it = round->second.waiting.find(worker_id);
    if (it == round->second.waiting.end()) return;
    left = std::move(it->second.done);
    round->second.waiting.erase(it);
  }
  left(absl::CancelledError("the worker left"));
}

void Barriers::WorkerLost(const std::string& worker_id) {
  Released released;
  {
    MutexLock lock(mutex_);
    for (auto& [name, round] : rounds_) {
      if (const auto it = round.waiting.find(worker_id); it != round.waiting.end()) {
        released.emplace_back(
            std::move(it->second.done),
            absl::AbortedError(absl::StrCat("worker '", worker_id,
                                            "' is lost; it waited at barrier '", name, "'")));
        round.waiting.erase(it);
        round.members.insert(worker_id);
      }
      if (round.members.contains(worker_id)) round.lost.insert(worker_id);
      CompleteIfAllHere(round, released);
    }
  }
  CallAll(released);
}

std::string Barriers::Missing(const Round& round) const {
  std::vector<std::string> missing;
  for (const std::string& member : round.members) {
    if (round.waiting.contains(member) || round.lost.contains(member)) continue;
    missing.push_back(describe_(member));
  }
  return missing.empty() ? "" : absl::StrCat("; missing: ", absl::StrJoin(missing, "; "));
}

std::multimap<std::string, std::string> Barriers::waits() const {
  std::multimap<std::string, std::string> waits;
  MutexLock lock(mutex_);
  for (const auto& [name, round] : rounds_) {
    for (const auto& [worker, waiter] : round.waiting) {
      waits.emplace(
          worker,
          absl::StrFormat("barrier '%s' round %d, for %d more of %d parties%s", name, round.number,
                          round.parties - round.waiting.size() - round.lost.size(), round.parties,
                          Missing(round)));
    }
  }
  return waits;
}

Time Barriers::ReleaseExpired() {
  const Time now = env_.Now();
  Time next = kNever;
  Released expired;
  {
    MutexLock lock(mutex_);
    for (auto& [name, round] : rounds_) {
      const std::string missing = Missing(round);
      std::vector<std::string> arrived;
      arrived.reserve(round.waiting.size());
      for (const auto& [worker, waiter] : round.waiting) arrived.push_back(worker);
      const size_t still = round.parties - arrived.size() - round.lost.size();
      for (auto it = round.waiting.begin(); it != round.waiting.end();) {
        if (it->second.deadline > now) {
          next = std::min(next, it->second.deadline);
          ++it;
          continue;
        }
        const double waited = std::chrono::duration<double>(now - it->second.since).count();
        expired.emplace_back(std::move(it->second.done),
                             absl::DeadlineExceededError(absl::StrFormat(
                                 "barrier '%s' round %d: worker '%s' waited %.1f s for %d more of "
                                 "%d parties; here: %s%s",
                                 name, round.number, it->first, waited, still, round.parties,
                                 absl::StrJoin(arrived, ", "), missing)));
        it = round.waiting.erase(it);
      }
    }
  }
  CallAll(expired);
  return next;
}

}  // namespace varscope::server
