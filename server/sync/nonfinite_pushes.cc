#include "server/sync/nonfinite_pushes.h"

#include "proto/wire/push_window.h"

namespace varscope::server {

bool NonfinitePushes::Count(const PushId& id, uint32_t most) {
  MutexLock lock(mutex_);
  Worker& worker = workers_[id.worker_id];
  if (Remember(id, worker)) {
    ++total_;
    ++worker.count;
  }
  return most > 0 && worker.count >= most;
}

void NonfinitePushes::Acted(const std::string& worker_id) {
  MutexLock lock(mutex_);
  const auto worker = workers_.find(worker_id);
  if (worker != workers_.end()) worker->second.count = 0;
}

bool NonfinitePushes::Remember(const PushId& id, Worker& worker) {
  static_assert(kPushWindow <= 64);
  if (id.incarnation > worker.incarnation) {
    worker = {.incarnation = id.incarnation, .count = worker.count};
  }
  // One without a number is not sent again, nor is one of an incarnation that is over.
  if (id.sequence == 0 || id.incarnation < worker.incarnation) return true;
  if (id.sequence > worker.last) {
    const uint64_t ahead = id.sequence - worker.last;
    worker.counted = ahead < kPushWindow ? (worker.counted << ahead) | 1 : 1;
    worker.last = id.sequence;
    return true;
  }
  const uint64_t behind = worker.last - id.sequence;
  // No worker that counts its pushes one by one sends it again.
  if (behind >= kPushWindow) return true;
  const uint64_t bit = uint64_t{1} << behind;
  if ((worker.counted & bit) != 0) return false;
  worker.counted |= bit;
  return true;
}

void NonfinitePushes::Forget(const std::string& worker_id) {
  MutexLock lock(mutex_);
  workers_.erase(worker_id);
}

uint64_t NonfinitePushes::total() const {
  MutexLock lock(mutex_);
  return total_;
}

}  // namespace varscope::server
