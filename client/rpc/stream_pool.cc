#include "client/rpc/stream_pool.h"

namespace varscope::internal {

PooledStream StreamPool::Take(const Incarnation& incarnation) {
  std::vector<PooledStream> others;
  MutexLock lock(mutex_);
  while (!idle_.empty()) {
    PooledStream pooled = std::move(idle_.back());
    idle_.pop_back();
    if (pooled.incarnation == incarnation.number) return pooled;
    others.push_back(std::move(pooled));
  }
  const uint64_t age = age_;
  lock.unlock();
  return {.stream = open_(incarnation), .age = age, .incarnation = incarnation.number};
}

void StreamPool::Keep(PooledStream pooled) {
  MutexLock lock(mutex_);
  if (pooled.age == age_ && !pooled.variables.full()) idle_.push_back(std::move(pooled));
}

void StreamPool::Renew() {
  std::vector<PooledStream> old;
  MutexLock lock(mutex_);
  old.swap(idle_);
  ++age_;
}

}  // namespace varscope::internal
