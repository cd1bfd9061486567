// Long work, one turn after the other, on the threads of those who bring it.
#ifndef VARSCOPE_SERVER_RPC_WORK_SERIALIZER_H_
#define VARSCOPE_SERVER_RPC_WORK_SERIALIZER_H_

#include <chrono>
#include <cstddef>
#include <list>
#include <new>
#include <optional>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "proto/concurrency/blocking_region.h"
#include "proto/concurrency/done_once.h"
#include "proto/concurrency/mutex.h"
#include "proto/wire/retry_info.h"

namespace varscope::server {

// However much of it waits, it holds one thread; what nobody waits for any more is not done.
// Thread-safe.
class WorkSerializer {
 public:
  // At most `most` wait at a time.
  explicit WorkSerializer(size_t most = 1024) : most_(most) {}

  // Does a part of the work, or all of it. Nothing: it wants another turn; else how the work ended.
  using Turn = absl::AnyInvocable<std::optional<absl::Status>()>;
  using Done = DoneOnce<absl::Status>;

  // Gives the work its turns until it ends, at once, or on another caller's thread after what was
  // brought before. Then it calls `done`, when it is no longer the work's turn, with how it ended,
  // or why it has no (further) turn: ResourceExhausted, with a delay after which to try again, when
  // too many wait; Cancelled after Leave; Unavailable after Stop, and *kNobodyAnswered when a turn
  // threw std::bad_alloc, or Run did. `who` tells it from all others.
  void Run(const void* who, Turn turn, Done done) {
    Work work;
    work.emplace_back(who, std::move(turn), std::move(done));
    if (absl::Status may = Said([&] { return Bring(work); }); !may.ok()) {
      return work.front().done.Tell(std::move(may));
    }
    if (!Begin()) return;
    const BlockingRegion aside;
    while (Next(work)) {
      std::optional<absl::Status> end = TakeTurn(work.front());
      if (!end) end = Again(work);
      if (end) EndWork(work).Tell(*std::move(end));
      work.clear();
    }
  }

  // Who brought it waits no longer: what has not begun of it is not done.
  void Leave(const void* who) {
    Work left;
    {
      const MutexLock lock(mutex_);
      has_left_ = has_left_ || who == at_work_;
      const auto it = absl::c_find_if(waiting_, [who](const One& one) { return one.who == who; });
      if (it == waiting_.end()) return;
      left.splice(left.end(), waiting_, it);
    }
    left.front().done.Tell(Said(LeftError));
  }

  // What waits, and what is brought from now on, is not done.
  void Stop() {
    Work left;
    {
      const MutexLock lock(mutex_);
      stopping_ = true;
      left.swap(waiting_);
    }
    for (One& one : left) one.done.Tell(Said(StoppingError));
  }

 private:
  struct One {
    One(const void* whose, Turn its_turn, Done its_done) noexcept
        : who(whose), turn(std::move(its_turn)), done(std::move(its_done)) {}
    const void* who;
    Turn turn;
    Done done;
  };
  // One, or none, or all that wait: they go from list to list without memory.
  using Work = std::list<One>;

  static absl::Status StoppingError() {
    return absl::UnavailableError("the server is stopping; it was not done");
  }
  static absl::Status LeftError() {
    return absl::CancelledError("nobody waited for it any more; it was not done");
  }
  static std::optional<absl::Status> TakeTurn(One& one) noexcept {
    try {
      return one.turn();
    } catch (const std::bad_alloc&) {
      return *kNobodyAnswered;
    }
  }

  // Takes `work` when it is well.
  absl::Status Bring(Work& work) {
    const MutexLock lock(mutex_);
    if (stopping_) return StoppingError();
    if (waiting_.size() >= most_) {
      constexpr std::chrono::milliseconds kRetryAfter{200};
      return WithRetryAfter(
          absl::ResourceExhaustedError(absl::StrCat(
              most_, " such calls wait for each other already; it was not done, try it again")),
          kRetryAfter);
    }
    waiting_.splice(waiting_.end(), work);
    return absl::OkStatus();
  }
  // False: somebody works.
  bool Begin() {
    const MutexLock lock(mutex_);
    return !std::exchange(working_, true);
  }
  // The next whose turn it is. False: there is none, and whoever brings the next works.
  bool Next(Work& work) noexcept {
    const MutexLock lock(mutex_);
    working_ = !waiting_.empty();
    if (!working_) return false;
    work.splice(work.end(), waiting_, waiting_.begin());
    at_work_ = work.front().who;
    has_left_ = false;
    return true;
  }
  // What is at work goes behind the others; else why it has no further turn.
  std::optional<absl::Status> Again(Work& work) noexcept {
    const MutexLock lock(mutex_);
    if (stopping_) return Said(StoppingError);
    if (has_left_) return Said(LeftError);
    at_work_ = nullptr;
    waiting_.splice(waiting_.end(), work);
    return std::nullopt;
  }
  // It is no longer its turn: whoever is told may bring other work as the same.
  Done EndWork(Work& work) noexcept {
    const MutexLock lock(mutex_);
    at_work_ = nullptr;
    return std::move(work.front().done);
  }

  const size_t most_;
  Mutex mutex_;
  Work waiting_ ABSL_GUARDED_BY(mutex_);
  bool working_ ABSL_GUARDED_BY(mutex_) = false;
  const void* at_work_ ABSL_GUARDED_BY(mutex_) = nullptr;  // whose turn it is
  bool has_left_ ABSL_GUARDED_BY(mutex_) = false;          // that one
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_RPC_WORK_SERIALIZER_H_
