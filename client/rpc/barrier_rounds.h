// What a worker remembers of its barriers.
#ifndef VARSCOPE_CLIENT_RPC_BARRIER_ROUNDS_H_
#define VARSCOPE_CLIENT_RPC_BARRIER_ROUNDS_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

#include "proto/concurrency/mutex.h"

namespace varscope::internal {

// Numbers of arrivals, and the last round of each barrier that the worker has passed: see
// BarrierRequest. Thread-safe.
class BarrierRounds {
 public:
  // `first_incarnation` is the worker's at its first connect. Its low 32 bits, which are all that
  // stays, are above those of all that had its id before: its numbers are above theirs.
  uint64_t NextSequence(uint64_t first_incarnation) {
    MutexLock lock(mutex_);
    return (first_incarnation << 32) + ++arrivals_;
  }

  void Passed(const std::string& name, uint64_t round) {
    MutexLock lock(mutex_);
    // It is needed only by a server that was started again while somebody waited there.
    if (rounds_.size() >= kMostNames && !rounds_.contains(name)) rounds_.clear();
    uint64_t& last = rounds_[name];
    if (last < round) last = round;
  }

  // 0: none.
  uint64_t LastOf(const std::string& name) const {
    MutexLock lock(mutex_);
    const auto it = rounds_.find(name);
    return it == rounds_.end() ? 0 : it->second;
  }

 private:
  static constexpr size_t kMostNames = 10000;

  mutable Mutex mutex_;
  uint64_t arrivals_ ABSL_GUARDED_BY(mutex_) = 0;
  std::map<std::string, uint64_t> rounds_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_RPC_BARRIER_ROUNDS_H_
