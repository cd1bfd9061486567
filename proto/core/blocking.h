// Waits that may be long, on threads that others count on.
#ifndef VARSCOPE_PROTO_CORE_BLOCKING_H_
#define VARSCOPE_PROTO_CORE_BLOCKING_H_

#include "proto/concurrency/mutex.h"

namespace varscope {

// Whose threads have work that must go on while one of them waits; told on the thread itself. (The
// idea is that of Java's ForkJoinPool.ManagedBlocker.)
class ThreadOwner {
 public:
  virtual void Leaves() = 0;
  virtual void Returns() = 0;

 protected:
  ~ThreadOwner() = default;
};

// While it lives the calling thread waits, or has something long to do, and its owner knows. Within
// another one, or on a thread that nobody owns, it does nothing.
class Blocking {
 public:
  Blocking();
  ~Blocking();
  Blocking(const Blocking&) = delete;
  Blocking& operator=(const Blocking&) = delete;

  // The calling thread is the owner's from now on.
  static void Own(ThreadOwner* owner);

 private:
  ThreadOwner* const owner_;
};

// Locks; Blocking when another thread has the lock.
inline void LockPatiently(Mutex& mutex) ABSL_EXCLUSIVE_LOCK_FUNCTION(mutex) {
  if (mutex.try_lock()) return;
  const Blocking waiting;
  mutex.lock();
}

// As MutexLock; Blocking when another thread has the lock.
class ABSL_SCOPED_LOCKABLE PatientLock {
 public:
  explicit PatientLock(Mutex& mutex) ABSL_EXCLUSIVE_LOCK_FUNCTION(mutex) : mutex_(mutex) {
    LockPatiently(mutex_);
  }
  ~PatientLock() ABSL_UNLOCK_FUNCTION() { mutex_.unlock(); }
  PatientLock(const PatientLock&) = delete;
  PatientLock& operator=(const PatientLock&) = delete;

 private:
  Mutex& mutex_;
};

}  // namespace varscope

#endif  // VARSCOPE_PROTO_CORE_BLOCKING_H_
