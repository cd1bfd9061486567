// Managed blocking: waits that may be long, on threads of a pool (Java's
// ForkJoinPool.ManagedBlocker).
#ifndef VARSCOPE_PROTO_CONCURRENCY_BLOCKING_REGION_H_
#define VARSCOPE_PROTO_CONCURRENCY_BLOCKING_REGION_H_

#include "proto/concurrency/mutex.h"

namespace varscope {

// A pool whose work must go on while one of its threads blocks: it lets a compensating thread work
// meanwhile. Called on the thread that blocks.
class CompensatingPool {
 public:
  virtual void BeginCompensatedBlock() noexcept = 0;
  virtual void EndCompensatedBlock() noexcept = 0;

 protected:
  ~CompensatingPool() = default;
};

// While it lives the calling thread blocks, or has something long to do, and its pool knows. Within
// another region, or on a thread of no pool, it does nothing. Throws nothing.
class BlockingRegion {
 public:
  BlockingRegion() noexcept;
  ~BlockingRegion();
  BlockingRegion(const BlockingRegion&) = delete;
  BlockingRegion& operator=(const BlockingRegion&) = delete;

  // The calling thread is one of the pool's from now on.
  static void SetPool(CompensatingPool* pool);

 private:
  CompensatingPool* const pool_;
};

// Locks; within a BlockingRegion when another thread has the lock.
inline void LockInBlockingRegion(Mutex& mutex) ABSL_EXCLUSIVE_LOCK_FUNCTION(mutex) {
  if (mutex.try_lock()) return;
  const BlockingRegion waiting;
  mutex.lock();
}

// As MutexLock; within a BlockingRegion when another thread has the lock.
class ABSL_SCOPED_LOCKABLE BlockingLock {
 public:
  explicit BlockingLock(Mutex& mutex) ABSL_EXCLUSIVE_LOCK_FUNCTION(mutex) : mutex_(mutex) {
    LockInBlockingRegion(mutex_);
  }
  ~BlockingLock() ABSL_UNLOCK_FUNCTION() { mutex_.unlock(); }
  BlockingLock(const BlockingLock&) = delete;
  BlockingLock& operator=(const BlockingLock&) = delete;

 private:
  Mutex& mutex_;
};

}  // namespace varscope

#endif  // VARSCOPE_PROTO_CONCURRENCY_BLOCKING_REGION_H_
