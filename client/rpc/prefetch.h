// Values that a push brings back for the pull that follows it.
#ifndef VARSCOPE_CLIENT_RPC_PREFETCH_H_
#define VARSCOPE_CLIENT_RPC_PREFETCH_H_

#include <future>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "client/graph/remote_store.h"
#include "proto/concurrency/mutex.h"

namespace varscope::internal {

// Thread-safe. The next pull is expected to be of the names of the last one. Without `on`, nothing
// is ever expected. Destroying it, and whatever replaces or drops values that are still on their
// way, waits for their request's end.
class Prefetch {
 public:
  using Names = std::vector<std::string>;
  // Nothing when they could not be had.
  using Values = std::optional<PullResult>;

  explicit Prefetch(bool on) : on_(on) {}

  // What a push should bring back; null: nothing.
  std::shared_ptr<const Names> Expected() const {
    MutexLock lock(mutex_);
    return names_;
  }

  void Keep(const Names& names, std::future<Values> values) {
    MutexLock lock(mutex_);
    if (names_ != nullptr && names == *names_) std::swap(values_, values);
    // What was here ends with the caller's argument, without the lock.
  }

  // A pull of these names begins, which are expected from now on: its values, once, if they are
  // here or on their way.
  Values Take(const Names& names) {
    if (!on_) return std::nullopt;
    std::future<Values> values;
    MutexLock lock(mutex_);
    std::swap(values, values_);
    const bool expected = names_ != nullptr && *names_ == names;
    if (!expected) names_ = names.empty() ? nullptr : std::make_shared<const Names>(names);
    lock.unlock();
    return expected && values.valid() ? values.get() : std::nullopt;
  }

  // What is here is too old for what follows.
  void Drop() {
    std::future<Values> values;
    MutexLock lock(mutex_);
    std::swap(values, values_);
  }

 private:
  const bool on_;
  mutable Mutex mutex_;
  // Of the last pull; null without any.
  std::shared_ptr<const Names> names_ ABSL_GUARDED_BY(mutex_);
  std::future<Values> values_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_RPC_PREFETCH_H_
