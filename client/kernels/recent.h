// What was met last, by its key.
#ifndef VARSCOPE_CLIENT_KERNELS_RECENT_H_
#define VARSCOPE_CLIENT_KERNELS_RECENT_H_

#include <algorithm>
#include <cstddef>
#include <list>
#include <memory>
#include <utility>

#include "proto/concurrency/mutex.h"

namespace varscope::internal {

// Thread-safe. Looks at each entry, so `most` should be small.
template <typename Key, typename Value>
class Recent {
 public:
  explicit Recent(size_t most) : most_(most) {}

  // Null when there is none.
  std::shared_ptr<const Value> Find(const Key& key) {
    MutexLock lock(mutex_);
    const auto it = At(key);
    if (it == entries_.end()) return nullptr;
    entries_.splice(entries_.begin(), entries_, it);
    return it->second;
  }

  // In place of what was kept under the key, or of what was not asked for longest.
  void Keep(Key key, std::shared_ptr<const Value> value) {
    MutexLock lock(mutex_);
    if (const auto it = At(key); it != entries_.end()) entries_.erase(it);
    entries_.emplace_front(std::move(key), std::move(value));
    if (entries_.size() > most_) entries_.pop_back();
  }

 private:
  auto At(const Key& key) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return std::find_if(entries_.begin(), entries_.end(),
                        [&](const auto& entry) { return entry.first == key; });
  }

  const size_t most_;
  Mutex mutex_;
  std::list<std::pair<Key, std::shared_ptr<const Value>>> entries_
      ABSL_GUARDED_BY(mutex_);  // the last met first
};

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_KERNELS_RECENT_H_
