// Long work, one piece after the other, on the threads of those who bring it.
#ifndef VARSCOPE_SERVER_RPC_WORK_SERIALIZER_H_
#define VARSCOPE_SERVER_RPC_WORK_SERIALIZER_H_

#include <chrono>
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
#include "proto/wire/retry_info.h"
#include "server/limited_log.h"

namespace varscope::server {

// However much of it waits, it holds one thread; what nobody waits for any more is not done.
// Thread-safe.
class WorkSerializer {
 public:
  // At most `most` wait at a time.
  explicit WorkSerializer(size_t most = 1024) : most_(most) {}

  // Called with OK it does the work, else it is not to be done, and why. Called once; again, with
  // ResourceExhausted, when it threw std::bad_alloc.
  using Work = std::function<void(const absl::Status& may)>;

  // Calls `work`, at once, or on another caller's thread after what was brought before.
  // ResourceExhausted, with a delay after which to try again, when too many wait; Cancelled after
  // Leave; Unavailable after Stop. `who` tells it from all others. Work may bring what is left of
  // it for a turn of its own, as the same.
  void Run(const void* who, Work work) {
    if (absl::Status may = Bring(who, work); !may.ok()) return work(may);
    if (!Begin()) return;
    const BlockingRegion aside;
    std::optional<Waiting> next;
    while ((next = Next())) Do(*next);  // the last one stays until it is nobody's turn
  }

  // Who brought it waits no longer: what has not begun of it is not done.
  void Leave(const void* who) {
    std::optional<Waiting> left;
    {
      const MutexLock lock(mutex_);
      has_left_ = has_left_ || who == at_work_;
      const auto it = absl::c_find_if(waiting_, [who](const Waiting& w) { return w.who == who; });
      if (it == waiting_.end()) return;
      left = std::move(*it);
      waiting_.erase(it);
    }
    left->work(LeftError());
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
    return absl::UnavailableError("the server is stopping; it was not done");
  }
  static absl::Status LeftError() {
    return absl::CancelledError("nobody waited for it any more; it was not done");
  }

  // Takes `work` when it is well.
  absl::Status Bring(const void* who, Work& work) {
    const MutexLock lock(mutex_);
    if (stopping_) return StoppingError();
    if (has_left_ && who == at_work_) return LeftError();
    if (waiting_.size() >= most_) {
      constexpr std::chrono::milliseconds kRetryAfter{200};
      return WithRetryAfter(
          absl::ResourceExhaustedError(absl::StrCat(
              most_, " such calls wait for each other already; it was not done, try it again")),
          kRetryAfter);
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
    at_work_ = working_ ? waiting_.front().who : nullptr;
    has_left_ = false;
    if (!working_) return std::nullopt;
    std::optional<Waiting> next = std::move(waiting_.front());
    waiting_.pop_front();
    return next;
  }
  // Without memory its call ends, and what waits goes on.
  static void Do(const Waiting& next) try {
    try {
      next.work(absl::OkStatus());
    } catch (const std::bad_alloc&) {
      next.work(absl::ResourceExhaustedError(
          "there was no memory to go on with it; whether it was done is not known"));
    }
  } catch (const std::bad_alloc&) {
    static auto* const log = new LimitedLog;
    log->Warn("there is no memory to tell the caller of a call that there was none for it");
  }

  const size_t most_;
  Mutex mutex_;
  std::deque<Waiting> waiting_ ABSL_GUARDED_BY(mutex_);
  bool working_ ABSL_GUARDED_BY(mutex_) = false;
  const void* at_work_ ABSL_GUARDED_BY(mutex_) = nullptr;  // whose turn it is
  bool has_left_ ABSL_GUARDED_BY(mutex_) = false;          // that one
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_RPC_WORK_SERIALIZER_H_
