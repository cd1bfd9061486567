// Values that a push has brought back for the pull that follows it.
#ifndef VARSCOPE_CLIENT_RPC_PREFETCH_H_
#define VARSCOPE_CLIENT_RPC_PREFETCH_H_

#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "client/graph/remote_store.h"

namespace varscope::internal {

// Thread-safe. The next pull is expected to be of the names of the last one. Without `on`, nothing
// is ever expected.
class Prefetch {
 public:
  explicit Prefetch(bool on) : on_(on) {}

  // What a push should bring back; empty: nothing.
  std::vector<std::string> Expected() const {
    std::lock_guard lock(mutex_);
    return names_;
  }

  void Keep(const std::vector<std::string>& names, std::vector<PulledValue> values) {
    std::lock_guard lock(mutex_);
    if (names == names_) values_ = std::move(values);
  }

  // A pull of these names begins: its values, once, if they are here.
  std::optional<std::vector<PulledValue>> Take(const std::vector<std::string>& names) {
    if (!on_) return std::nullopt;
    std::lock_guard lock(mutex_);
    std::optional<std::vector<PulledValue>> values = std::exchange(values_, std::nullopt);
    if (names == names_) return values;
    names_ = names;
    return std::nullopt;
  }

  // What is here is too old for what follows.
  void Drop() {
    std::lock_guard lock(mutex_);
    values_.reset();
  }

 private:
  const bool on_;
  mutable std::mutex mutex_;
  std::vector<std::string> names_;  // of the last pull
  std::optional<std::vector<PulledValue>> values_;
};

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_RPC_PREFETCH_H_
