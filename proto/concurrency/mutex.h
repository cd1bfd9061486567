// Locks whose use clang checks: see tests/lint.sh. A member says by which mutex it is guarded, a
// function which one its caller holds (absl/base/thread_annotations.h). They are over the standard
// ones and not absl::Mutex, because ThreadSanitizer does not see into Debian's Abseil, which is not
// instrumented.
#ifndef VARSCOPE_PROTO_CONCURRENCY_MUTEX_H_
#define VARSCOPE_PROTO_CONCURRENCY_MUTEX_H_

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <shared_mutex>
#include <utility>

#include "absl/base/config.h"
#include "absl/base/thread_annotations.h"

// Abseil has no such one for a constructor that lets a mutex go which is held alone.
#if ABSL_HAVE_ATTRIBUTE(release_capability)
#define VARSCOPE_RELEASES(mutex) __attribute__((release_capability(mutex)))
#else
#define VARSCOPE_RELEASES(mutex)
#endif

namespace varscope {

// One thread holds it at a time. Not recursive. The names of its functions are the standard ones,
// so that the standard locks take it, which clang does not follow.
class ABSL_LOCKABLE Mutex {
 public:
  Mutex() = default;
  Mutex(const Mutex&) = delete;
  Mutex& operator=(const Mutex&) = delete;

  void lock() ABSL_EXCLUSIVE_LOCK_FUNCTION() { mutex_.lock(); }
  bool try_lock() ABSL_EXCLUSIVE_TRYLOCK_FUNCTION(true) { return mutex_.try_lock(); }
  void unlock() ABSL_UNLOCK_FUNCTION() { mutex_.unlock(); }
  // Does nothing. Tells clang that the caller holds it in a way that clang does not follow.
  void AssertHeld() const ABSL_ASSERT_EXCLUSIVE_LOCK() {}

 private:
  friend class CondVar;
  std::mutex mutex_;
};

// Many threads hold it shared at a time, or one holds it alone. Not recursive. Names as Mutex's.
class ABSL_LOCKABLE SharedMutex {
 public:
  SharedMutex() = default;
  SharedMutex(const SharedMutex&) = delete;
  SharedMutex& operator=(const SharedMutex&) = delete;

  void lock() ABSL_EXCLUSIVE_LOCK_FUNCTION() { mutex_.lock(); }
  void unlock() ABSL_UNLOCK_FUNCTION() { mutex_.unlock(); }
  void lock_shared() ABSL_SHARED_LOCK_FUNCTION() { mutex_.lock_shared(); }
  bool try_lock_shared() ABSL_SHARED_TRYLOCK_FUNCTION(true) { return mutex_.try_lock_shared(); }
  void unlock_shared() ABSL_UNLOCK_FUNCTION() { mutex_.unlock_shared(); }

 private:
  std::shared_mutex mutex_;
};

// Holds the mutex alone until its end, or until unlock(). The mutex outlives it.
template <typename AnyMutex>
class ABSL_SCOPED_LOCKABLE ExclusiveLock {
 public:
  explicit ExclusiveLock(AnyMutex& mutex) ABSL_EXCLUSIVE_LOCK_FUNCTION(mutex) : mutex_(&mutex) {
    mutex_->lock();
  }
  ~ExclusiveLock() ABSL_UNLOCK_FUNCTION() {
    if (mutex_ != nullptr) mutex_->unlock();
  }
  ExclusiveLock(const ExclusiveLock&) = delete;
  ExclusiveLock& operator=(const ExclusiveLock&) = delete;
  // Once.
  void unlock() ABSL_UNLOCK_FUNCTION() { std::exchange(mutex_, nullptr)->unlock(); }

 private:
  AnyMutex* mutex_;  // null: no longer held
};
using MutexLock = ExclusiveLock<Mutex>;
using WriterLock = ExclusiveLock<SharedMutex>;

// Lets the mutex go, which the caller holds, and takes it again at its end. The mutex outlives it.
class ABSL_SCOPED_LOCKABLE MutexUnlock {
 public:
  explicit MutexUnlock(Mutex& mutex) VARSCOPE_RELEASES(mutex) : mutex_(mutex) { mutex_.unlock(); }
  // To clang the end of any scope is an unlock: this one is of what the constructor did.
  ~MutexUnlock() ABSL_UNLOCK_FUNCTION() { mutex_.lock(); }
  MutexUnlock(const MutexUnlock&) = delete;
  MutexUnlock& operator=(const MutexUnlock&) = delete;

 private:
  Mutex& mutex_;
};

// Holds the mutex shared until its end. The mutex outlives it.
class ABSL_SCOPED_LOCKABLE ReaderLock {
 public:
  explicit ReaderLock(SharedMutex& mutex) ABSL_SHARED_LOCK_FUNCTION(mutex) : mutex_(mutex) {
    mutex_.lock_shared();
  }
  ~ReaderLock() ABSL_UNLOCK_FUNCTION() { mutex_.unlock_shared(); }
  ReaderLock(const ReaderLock&) = delete;
  ReaderLock& operator=(const ReaderLock&) = delete;

 private:
  SharedMutex& mutex_;
};

// Waits until a predicate holds of what a mutex guards. The caller holds the mutex, as the
// predicate does, which says so by ABSL_EXCLUSIVE_LOCKS_REQUIRED and must not throw; meanwhile
// others may.
class CondVar {
 public:
  template <typename Predicate>
  void Wait(Mutex& mutex, Predicate holds) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    std::unique_lock lock(mutex.mutex_, std::adopt_lock);
    changed_.wait(lock, std::move(holds));
    lock.release();
  }
  // Returns what the predicate says at the end.
  template <typename Clock, typename Duration, typename Predicate>
  bool WaitUntil(Mutex& mutex, const std::chrono::time_point<Clock, Duration>& deadline,
                 Predicate holds) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    std::unique_lock lock(mutex.mutex_, std::adopt_lock);
    const bool held = changed_.wait_until(lock, deadline, std::move(holds));
    lock.release();
    return held;
  }
  template <typename Rep, typename Period, typename Predicate>
  bool WaitFor(Mutex& mutex, const std::chrono::duration<Rep, Period>& limit, Predicate holds)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    return WaitUntil(mutex, std::chrono::steady_clock::now() + limit, std::move(holds));
  }
  void NotifyOne() { changed_.notify_one(); }
  void NotifyAll() { changed_.notify_all(); }

 private:
  std::condition_variable changed_;
};

}  // namespace varscope

#endif  // VARSCOPE_PROTO_CONCURRENCY_MUTEX_H_
