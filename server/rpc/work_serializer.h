// Long work, one piece after the other, on the threads of those who bring it.
#ifndef VARSCOPE_SERVER_RPC_WORK_SERIALIZER_H_
#define VARSCOPE_SERVER_RPC_WORK_SERIALIZER_H_

#include <deque>
#include <functional>
#include <utility>

#include "proto/concurrency/blocking_region.h"
#include "proto/concurrency/mutex.h"

namespace varscope::server {

// However much of it waits, it holds one thread. Thread-safe.
class WorkSerializer {
 public:
  // Calls `work`, at once, or on another caller's thread after what was brought before.
  void Run(std::function<void()> work) {
    {
      const MutexLock lock(mutex_);
      waiting_.push_back(std::move(work));
      if (working_) return;
      working_ = true;
    }
    const BlockingRegion aside;
    while (std::function<void()> next = Next()) next();
  }

 private:
  // Null: there is none, and whoever brings the next works.
  std::function<void()> Next() {
    const MutexLock lock(mutex_);
    working_ = !waiting_.empty();
    if (!working_) return nullptr;
    std::function<void()> next = std::move(waiting_.front());
    waiting_.pop_front();
    return next;
  }

  Mutex mutex_;
  std::deque<std::function<void()>> waiting_ ABSL_GUARDED_BY(mutex_);
  bool working_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_RPC_WORK_SERIALIZER_H_
