// Values that a push brings back for the pull that follows it.
#ifndef VARSCOPE_CLIENT_RPC_PREFETCH_H_
#define VARSCOPE_CLIENT_RPC_PREFETCH_H_

#include <future>
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

  // What a push should bring back; empty: nothing.
  Names Expected() const {
    MutexLock lock(mutex_);
    return names_;
  }

  void Keep(const Names& names, std::future<Values> values) {
    MutexLock lock(mutex_);
    if (names == names_) std::swap(values_, values);
    // What was here ends with the caller's argument, without the lock.
  }

  // A pull of these names begins: its values, once, if they are here or on their way.
  Values Take(const Names& names) {
    if (!on_) return std::nullopt;
    std::future<Values> values;
    if (!Swap(values, names)) return std::nullopt;
    return values.valid() ? values.get() : std::nullopt;
  }

  // What is here is too old for what follows.
  void Drop() {
    std::future<Values> values;
    MutexLock lock(mutex_);
    std::swap(values, values_);
  }

 private:
  // Whether they are of `names`, which are expected from now on.
  bool Swap(std::future<Values>& values, const Names& names) {
    MutexLock lock(mutex_);
    std::swap(values, values_);
    return names == std::exchange(names_, names);
  }

  const bool on_;
  mutable Mutex mutex_;
  Names names_ ABSL_GUARDED_BY(mutex_);  // of the last pull
  std::future<Values> values_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_RPC_PREFETCH_H_
