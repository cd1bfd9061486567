// Waits that may be long, on threads that others count on.
#ifndef VARSCOPE_PROTO_CORE_BLOCKING_H_
#define VARSCOPE_PROTO_CORE_BLOCKING_H_

#include <mutex>

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
template <typename Mutex>
void LockPatiently(Mutex& mutex) {
  if (mutex.try_lock()) return;
  const Blocking waiting;
  mutex.lock();
}

template <typename Mutex>
[[nodiscard]] std::unique_lock<Mutex> PatientLock(Mutex& mutex) {
  LockPatiently(mutex);
  return std::unique_lock<Mutex>(mutex, std::adopt_lock);
}

}  // namespace varscope

#endif  // VARSCOPE_PROTO_CORE_BLOCKING_H_
