// A lock for those who hold it for long, or again and again.
#ifndef VARSCOPE_PROTO_CONCURRENCY_FAIR_MUTEX_H_
#define VARSCOPE_PROTO_CONCURRENCY_FAIR_MUTEX_H_

#include <cstdint>

#include "proto/concurrency/blocking_region.h"
#include "proto/concurrency/mutex.h"

namespace varscope {

// One thread holds it at a time, in the order in which they came: whoever takes it again at once
// goes behind those who wait. A wait is within a BlockingRegion. Not recursive.
class ABSL_LOCKABLE FairMutex {
 public:
  FairMutex() = default;
  FairMutex(const FairMutex&) = delete;
  FairMutex& operator=(const FairMutex&) = delete;

  void lock() ABSL_EXCLUSIVE_LOCK_FUNCTION() {
    uint64_t turn = 0;
    {
      const MutexLock lock(mutex_);
      turn = last_++;
      if (turn == now_) return;
    }
    const BlockingRegion waiting;
    const MutexLock lock(mutex_);
    came_.Wait(mutex_, [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return turn == now_; });
  }
  void unlock() ABSL_UNLOCK_FUNCTION() {
    {
      const MutexLock lock(mutex_);
      ++now_;
    }
    came_.NotifyAll();
  }

 private:
  Mutex mutex_;
  CondVar came_;
  uint64_t last_ ABSL_GUARDED_BY(mutex_) = 0;  // of who comes next
  uint64_t now_ ABSL_GUARDED_BY(mutex_) = 0;   // whose turn it is, or who may come
};
using FairLock = ExclusiveLock<FairMutex>;

}  // namespace varscope

#endif  // VARSCOPE_PROTO_CONCURRENCY_FAIR_MUTEX_H_
