#include "server/sync/barrier.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"

namespace varscope::server {

Barriers::Barriers() : timer_([this] { RunTimer(); }) {}

void Barriers::Stop() {
  std::vector<Done> released;
  {
    std::lock_guard lock(mutex_);
    if (stopping_) return;
    stopping_ = true;
    for (auto& [name, round] : rounds_) {
      for (auto& [worker, waiter] : round.waiting) released.push_back(std::move(waiter.done));
      round.waiting.clear();
    }
  }
  changed_.notify_all();
  timer_.join();
  for (Done& done : released) done(absl::UnavailableError("the server is stopping"));
}

void Barriers::Arrive(const std::string& name, const std::string& worker_id, uint32_t parties,
                      std::chrono::milliseconds timeout, Done done) {
  if (parties == 0 || timeout.count() <= 0) {
    return done(absl::InvalidArgumentError(
        absl::StrCat("barrier '", name, "' needs at least one party and a timeout above 0")));
  }
  std::vector<Done> released;
  uint64_t number = 0;
  {
    std::unique_lock lock(mutex_);
    if (stopping_) return lock.unlock(), done(absl::UnavailableError("the server is stopping"));
    Round& round = rounds_[name];
    if (round.waiting.empty()) round.parties = parties;
    if (round.parties != parties) {
      const uint32_t expected = round.parties;
      lock.unlock();
      return done(absl::InvalidArgumentError(absl::StrCat("barrier '", name, "' is waiting for ",
                                                          expected, " parties, worker '", worker_id,
                                                          "' says ", parties)));
    }
    const Clock::time_point now = Clock::now();
    const auto [it, fresh] = round.waiting.try_emplace(worker_id);
    Done superseded = std::exchange(it->second.done, std::move(done));
    it->second.since = now;
    it->second.deadline = now + timeout;
    number = round.number;
    if (round.waiting.size() == round.parties) {
      for (auto& [worker, waiter] : round.waiting) released.push_back(std::move(waiter.done));
      round.waiting.clear();
      ++round.number;
    }
    lock.unlock();
    changed_.notify_all();
    if (superseded) superseded(absl::AbortedError("the worker arrived again"));
  }
  for (Done& release : released) release(number);
}

void Barriers::Leave(const std::string& name, const std::string& worker_id) {
  Done gone;
  {
    std::lock_guard lock(mutex_);
    const auto round = rounds_.find(name);
    if (round == rounds_.end()) return;
    const auto it = round->second.waiting.find(worker_id);
    if (it == round->second.waiting.end()) return;
    gone = std::move(it->second.done);
    round->second.waiting.erase(it);
  }
  gone(absl::CancelledError("the worker left"));
}

void Barriers::RunTimer() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    Clock::time_point next = Clock::time_point::max();
    for (const auto& [name, round] : rounds_) {
      for (const auto& [worker, waiter] : round.waiting) next = std::min(next, waiter.deadline);
    }
    if (next == Clock::time_point::max()) {
      changed_.wait(lock);
    } else if (changed_.wait_until(lock, next) == std::cv_status::timeout) {
      ReleaseExpired(lock);
    }
  }
}

void Barriers::ReleaseExpired(std::unique_lock<std::mutex>& lock) {
  const Clock::time_point now = Clock::now();
  std::vector<std::pair<Done, absl::Status>> expired;
  for (auto& [name, round] : rounds_) {
    std::vector<std::string> arrived;
    for (const auto& [worker, waiter] : round.waiting) arrived.push_back(worker);
    for (auto it = round.waiting.begin(); it != round.waiting.end();) {
      if (it->second.deadline > now) {
        ++it;
        continue;
      }
      const double waited = std::chrono::duration<double>(now - it->second.since).count();
      expired.emplace_back(
          std::move(it->second.done),
          absl::DeadlineExceededError(absl::StrFormat("barrier '%s' round %d: worker '%s' waited "
                                                      "%.1f s for %d more of %d parties; here: %s",
                                                      name, round.number, it->first, waited,
                                                      round.parties - arrived.size(), round.parties,
                                                      absl::StrJoin(arrived, ", "))));
      it = round.waiting.erase(it);
    }
  }
  lock.unlock();
  for (auto& [done, status] : expired) done(status);
  lock.lock();
}

}  // namespace varscope::server
