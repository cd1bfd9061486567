// The order of all changes: side by side with each other, never with a rollback; and pushes end one
// after the other.
#ifndef VARSCOPE_SERVER_STORE_CHANGES_H_
#define VARSCOPE_SERVER_STORE_CHANGES_H_

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <shared_mutex>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "proto/concurrency/mutex.h"
#include "server/store/completion_records.h"
#include "server/store/push_observer.h"
#include "server/store/push_result.h"

namespace varscope::server {

// Held by a change: see Changes::Lock.
using ChangesLock = std::shared_lock<SharedMutex>;

// Steps count pushes with gradients that were applied.
struct Steps {
  uint64_t global = 0;
  std::map<std::string, uint64_t> groups;  // by name; those of the pushes that named the group
};

// Thread-safe.
class Changes {
 public:
  // Held by every change from its checks to its end, so that a rollback never meets half of one.
  // Never waits. Unavailable, with a delay after which to try again, while somebody has LockOut or
  // waits for it: that may take seconds, for which no thread that others need can be held.
  absl::StatusOr<ChangesLock> Lock();
  // Waits for the changes that are under way, and lets none begin meanwhile and while it lives.
  class LockedOut {
   public:
    ~LockedOut() {
      lock_.unlock();
      --changes_.locked_out_;
    }
    LockedOut(const LockedOut&) = delete;
    LockedOut& operator=(const LockedOut&) = delete;

   private:
    friend class Changes;
    explicit LockedOut(Changes& changes);

    Changes& changes_;
    std::unique_lock<SharedMutex> lock_;
  };
  [[nodiscard]] LockedOut LockOut() { return LockedOut(*this); }

  // Counts everything that changes values. As long as it stays, each read since then is the same.
  uint64_t count() const { return count_.load(); }
  uint64_t global_step() const { return global_step_.load(); }
  uint64_t group_step(const std::string& group) const;

  // The counter of a group's steps, for Commit; stays as long as Lock is held.
  uint64_t* GroupStep(const std::string& group);
  // The last act of applying a push, while the locks of all its variables are held: advances the
  // global step when `has_gradients`, and the group's unless null; completes `result`, and records
  // it in `in_flight_push` and, unless null, in `entry`. Takes no memory.
  void Commit(CompletionRecords::InFlightPush& in_flight_push, bool has_gradients,
              uint64_t* group_step, PushEntry* entry, PushResult& result) noexcept;

  // Returns the steps at a moment at which no Commit is under way, and calls `at_cut` then: a cut
  // through everything that Commit makes agree. What changes no variable, as a step whose gradients
  // were all left out, holds no lock that others could have instead.
  Steps Cut(absl::FunctionRef<void()> at_cut = [] {}) const;
  // Of a store that has other values from now on. The caller holds LockOut. Takes no memory.
  void Replace(Steps steps) noexcept;

 private:
  std::atomic<int> locked_out_{0};  // who have it, or wait: no change begins
  SharedMutex changing_;            // taken before all others

  std::atomic<uint64_t> count_{0};
  std::atomic<uint64_t> global_step_{0};
  // Makes the steps, the completion records and the entries agree. Taken after the variables'.
  mutable Mutex commit_mutex_ ABSL_ACQUIRED_AFTER(changing_);
  std::map<std::string, uint64_t> group_steps_ ABSL_GUARDED_BY(commit_mutex_);
};

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_STORE_CHANGES_H_
