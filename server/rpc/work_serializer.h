// Long work, one piece after the other, on the threads of those who bring it.
#ifndef VARSCOPE_SERVER_RPC_WORK_SERIALIZER_H_
#define VARSCOPE_SERVER_RPC_WORK_SERIALIZER_H_

#include <cstddef>
#include <deque>
#include <functional>
#include <new>
#include <optional>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "proto/concurrency/blocking_region.h"
#include "proto/concurrency/mutex.h"
#include "server/limited_log.h"

namespace varscope::server {

// However much of it waits, it holds one thread; what nobody waits for any more is not done.
// Thread-safe.
class WorkSerializer {
 public:
  // So many wait at a time.
  static constexpr size_t kMost = 32;
  // Called once: with OK it does the work, else it is not to be done, and why.
  using Work = std::function<void(const absl::Status& may)>;

  // Calls `work`, at once, or on another caller's thread after what was brought before.
  // ResourceExhausted when kMost wait, Cancelled after Leave, Unavailable after Stop. `who` tells
  // it from all others that wait.
  void Run(const void* who, Work work) {
    if (absl::Status may = Bring(who, work); !may.ok()) return work(may);
    if (!Begin()) return;
    const BlockingRegion aside;
    while (const std::optional<Waiting> next = Next()) Do(*next);
  }

  // Who brought it waits no longer: unless it has begun, it is not done.
  void Leave(const void* who) {
    std::optional<Waiting> left;
    {
      const MutexLock lock(mutex_);
      const auto it = absl::c_find_if(waiting_, [who](const Waiting& w) { return w.who == who; });
      if (it == waiting_.end()) return;
      left = std::move(*it);
      waiting_.erase(it);
    }
    left->work(absl::CancelledError("nobody waited for it any more, and it was not done"));
  }

  // What waits, and what is brought from now on, is not done.
  void Stop() {
    std::deque<Waiting> left;
    {
      const MutexLock lock(mutex_);
      stopping_ = true;
      left.swap(waiting_);
    }
    for (const Waiting& one : left) one.work(StoppingError());
  }

 private:
  struct Waiting {
    const void* who;
    Work work;
  };

  static absl::Status StoppingError() {
    return absl::UnavailableError("the server is stopping; nothing was done");
  }

  // Takes `work` when it is well.
  absl::Status Bring(const void* who, Work& work) {
    const MutexLock lock(mutex_);
    if (stopping_) return StoppingError();
    if (waiting_.size() >= kMost) {
      return absl::ResourceExhaustedError(
          absl::StrCat(kMost,
                       " such calls wait for each other already; nothing was done, try again "
                       "when they have ended"));
    }
    waiting_.push_back({who, std::move(work)});
    return absl::OkStatus();
  }
  // False: somebody works.
  bool Begin() {
    const MutexLock lock(mutex_);
    return !std::exchange(working_, true);
  }
  // Nothing: there is none, and whoever brings the next works.
  std::optional<Waiting> Next() {
    const MutexLock lock(mutex_);
    working_ = !waiting_.empty();
    if (!working_) return std::nullopt;
    std::optional<Waiting> next = std::move(waiting_.front());
    waiting_.pop_front();
    return next;
  }
  // Its call ends without memory, and what waits goes on.
  static void Do(const Waiting& next) try {
    next.work(absl::OkStatus());
  } catch (const std::bad_alloc&) {
    static auto* const log = new LimitedLog;
    log->Warn("there is no memory to go on with an operator's call, which ends");
  }

  Mutex mutex_;
  std::deque<Waiting> waiting_ ABSL_GUARDED_BY(mutex_);
  bool working_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_RPC_WORK_SERIALIZER_H_
