// Which workers are silent for too long.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <list>
#include <new>
#include <string>
#include <utility>

#include "server/limited_log.h"
#include "server/membership/workers.h"

namespace varscope::server {
namespace {

// The timer for evictions looks so often.
Time::duration BetweenLooks(std::chrono::milliseconds lease) { return Time::duration(lease) / 4; }

}  // namespace

Workers::HeldLease Workers::HoldLease(const std::string& worker_id, uint64_t incarnation) {
  HeldLease held(*this, worker_id, incarnation);
  MutexLock lock(mutex_);
  Worker* const worker = Find(worker_id, incarnation);
  if (worker == nullptr) {
    held.workers_ = nullptr;
  } else {
    worker->held_lease = true;
  }
  return held;
}

void Workers::HeldLease::Start() noexcept {
  Workers* const workers = std::exchange(workers_, nullptr);
  if (workers == nullptr) return;
  MutexLock lock(workers->mutex_);
  if (Worker* const worker = workers->Find(worker_id_, incarnation_)) {
    worker->held_lease = false;
    worker->heard = workers->env_.Now();
  }
}

void Workers::ForgivePause(Time now) {
  if (next_look_ == kNever || now - next_look_ < BetweenLooks(lease_)) return;
  const Time::duration pause = now - next_look_;
  for (auto& [worker_id, worker] : workers_) worker.heard = std::min(now, worker.heard + pause);
}

bool Workers::Evict(Worker& worker, std::list<std::string>& said) noexcept {
  try {
    std::list<std::string> text;
    text.push_back(fmt::format("worker '{}' evicted: silent for its whole lease of {:.1f} s",
                               worker.record.worker_id,
                               std::chrono::duration<double>(lease_).count()));
    EndAndRecord(worker, WorkerState::kEvicted);
    said.splice(said.end(), text);
    return true;
  } catch (const std::bad_alloc&) {
    return false;
  }
}

Time Workers::EvictSilent() {
  constexpr std::chrono::milliseconds kWithoutMemory{100};
  if (lease_.count() == 0) return kNever;
  std::list<std::string> said;
  const Time now = env_.Now();
  // Often enough to tell a pause of this process from a worker's silence.
  Time next = now + BetweenLooks(lease_);
  {
    MutexLock lock(mutex_);
    ForgivePause(now);
    for (auto& [worker_id, worker] : workers_) {
      if (!worker.live() || worker.held_lease) continue;
      if (worker.heard + lease_ > now) {
        next = std::min(next, worker.heard + lease_);
      } else if (!Evict(worker, said)) {
        next = std::min<Time>(next, now + kWithoutMemory);
      }
    }
    ForgetMany();
    next_look_ = next;
  }
  TellLost();
  static constinit LimitedLog log;
  for (const std::string& text : said) log.Warn(text);
  return next;
}

}  // namespace varscope::server
