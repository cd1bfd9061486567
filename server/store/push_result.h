// What identifies a push, and what became of it.
#ifndef VARSCOPE_SERVER_STORE_PUSH_RESULT_H_
#define VARSCOPE_SERVER_STORE_PUSH_RESULT_H_

#include <cstdint>
#include <string>

namespace varscope::server {

// What makes a push the same push when it is sent again.
struct PushId {
  std::string worker_id;
  uint64_t incarnation = 0;
  uint64_t sequence = 0;  // from 1, in the order of the worker's pushes; 0: never sent again
};

// What became of a push that was not refused.
enum class Outcome : uint8_t {
  kApplied = 0,
  kStale = 1,      // nothing was changed: its gradients were computed from values too old
  kNonfinite = 2,  // nothing was changed: it had a NaN or an infinity, which its group skips
};

struct PushResult {
  uint64_t global_step = 0;
  uint64_t group_step = 0;  // of the push's group
  Outcome outcome = Outcome::kApplied;
  // The most updates that any variable had since its base version; 0 when that is of the future.
  uint64_t staleness = 0;
  friend bool operator==(const PushResult&, const PushResult&) = default;
};

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_STORE_PUSH_RESULT_H_
