// The values that a worker has pulled last, so that what has not changed need not come again.
#ifndef VARSCOPE_CLIENT_RPC_PULL_CACHE_H_
#define VARSCOPE_CLIENT_RPC_PULL_CACHE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "client/graph/remote_store.h"
#include "proto/concurrency/mutex.h"

namespace varscope::internal {

// Thread-safe. Holds on to the values of the last pulls, up to a limit of bytes; without `on`, to
// nothing.
class PullCache {
 public:
  static constexpr uint64_t kMaxBytes = uint64_t{1} << 30;

  explicit PullCache(bool on) : on_(on) {}
  bool on() const { return on_; }

  // Within what a version of a variable means one value: a start of the server, and an incarnation
  // of the worker there (a rollback ends it).
  struct Epoch {
    uint64_t server = 0;
    uint64_t incarnation = 0;
    friend bool operator==(const Epoch&, const Epoch&) = default;
  };

  // What is known of `names` in their order, of the worker's incarnation.
  struct Known {
    Epoch epoch;
    std::vector<std::optional<PulledValue>> values;
  };
  Known Find(const std::vector<std::string>& names, uint64_t incarnation) const;

  // Which was read last of a variable whose value is held, of whatever epoch: that value, or rows.
  std::optional<uint64_t> VersionOf(const std::string& name) const;

  // Values of another epoch than what is held replace all of it. Of an undefined one, of which rows
  // were read, the version alone is kept.
  void Keep(const Epoch& epoch, const std::vector<std::string>& names, const PullResult& values);

 private:
  const bool on_;
  mutable Mutex mutex_;
  Epoch epoch_ ABSL_GUARDED_BY(mutex_);
  uint64_t bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  std::unordered_map<std::string, PulledValue> values_ ABSL_GUARDED_BY(mutex_);
  // Of those among them of which rows were read since.
  std::unordered_map<std::string, uint64_t> rows_read_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_RPC_PULL_CACHE_H_
