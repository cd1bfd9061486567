#include "server/store/changes.h"

#include <chrono>
#include <utility>

#include "proto/concurrency/blocking_region.h"
#include "proto/wire/retry_info.h"

namespace varscope::server {

absl::StatusOr<ChangesLock> Changes::Lock() {
  constexpr std::chrono::milliseconds kRetryAfter{50};
  // Nobody has it alone unless locked_out_ says so, but a try may fail without a reason.
  while (locked_out_ == 0) {
    ChangesLock lock(changing_, std::try_to_lock);
    if (lock.owns_lock()) return lock;
  }
  return WithRetryAfter(absl::UnavailableError("the store is being rolled back; nothing was "
                                               "changed, ask again"),
                        kRetryAfter);
}

Changes::LockedOut::LockedOut(Changes& changes) : changes_(changes) {
  ++changes_.locked_out_;
  lock_ = std::unique_lock(changes_.changing_);
}

uint64_t Changes::group_step(const std::string& group) const {
  const MutexLock lock(commit_mutex_);
  const auto it = group_steps_.find(group);
  return it == group_steps_.end() ? 0 : it->second;
}

uint64_t* Changes::GroupStep(const std::string& group) {
  const BlockingLock lock(commit_mutex_);
  return &group_steps_[group];
}

void Changes::Commit(CompletionRecords::InFlightPush& in_flight_push, bool has_gradients,
                     uint64_t* group_step, PushEntry* entry, PushResult& result) noexcept {
  const MutexLock lock(commit_mutex_);
  ++count_;
  if (has_gradients) ++global_step_;
  result.global_step = global_step_;
  if (group_step != nullptr) result.group_step = ++*group_step;
  in_flight_push.Record(result);
  if (entry != nullptr) entry->Append(result);
}

Steps Changes::Cut(absl::FunctionRef<void()> at_cut) const {
  const MutexLock lock(commit_mutex_);
  at_cut();
  Steps steps{global_step_, group_steps_};
  // One that is prepared, and was never counted.
  std::erase_if(steps.groups, [](const auto& group) { return group.second == 0; });
  return steps;
}

void Changes::Replace(Steps steps) noexcept {
  const MutexLock lock(commit_mutex_);
  global_step_ = steps.global;
  group_steps_ = std::move(steps.groups);
  ++count_;
}

}  // namespace varscope::server
