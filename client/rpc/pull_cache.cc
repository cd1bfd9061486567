#include "client/rpc/pull_cache.h"

namespace varscope::internal {

PullCache::Known PullCache::Find(const std::vector<std::string>& names,
                                 uint64_t incarnation) const {
  Known known;
  known.values.resize(names.size());
  MutexLock lock(mutex_);
  if (epoch_.incarnation != incarnation) return known;
  known.epoch = epoch_;
  for (size_t i = 0; i < names.size(); ++i) {
    if (const auto it = values_.find(names[i]); it != values_.end()) known.values[i] = it->second;
  }
  return known;
}

std::optional<uint64_t> PullCache::VersionOf(const std::string& name) const {
  MutexLock lock(mutex_);
  if (const auto rows = rows_read_.find(name); rows != rows_read_.end()) return rows->second;
  const auto it = values_.find(name);
  return it == values_.end() ? std::nullopt : std::optional(it->second.version);
}

void PullCache::Keep(const Epoch& epoch, const std::vector<std::string>& names,
                     const PullResult& values) {
  if (!on_) return;
  MutexLock lock(mutex_);
  if (epoch != epoch_) {
    values_.clear();
    rows_read_.clear();
    bytes_ = 0;
    epoch_ = epoch;
  }
  for (size_t i = 0; i < names.size(); ++i) {
    const auto it = values_.find(names[i]);
    if (!values[i].value.defined()) {
      if (it != values_.end()) rows_read_[names[i]] = values[i].version;
      continue;
    }
    rows_read_.erase(names[i]);
    const uint64_t held = it == values_.end() ? 0 : it->second.value.byte_size();
    const uint64_t bytes = bytes_ - held + values[i].value.byte_size();
    if (bytes > kMaxBytes) continue;
    bytes_ = bytes;
    values_[names[i]] = values[i];
  }
}

}  // namespace varscope::internal
