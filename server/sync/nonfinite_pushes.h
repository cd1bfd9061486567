// How many pushes with a NaN or an infinity each worker has sent to a group.
#ifndef VARSCOPE_SERVER_SYNC_NONFINITE_PUSHES_H_
#define VARSCOPE_SERVER_SYNC_NONFINITE_PUSHES_H_

#include <cstdint>
#include <map>
#include <string>

#include "proto/concurrency/mutex.h"
#include "server/store/push_result.h"

namespace varscope::server {

// Thread-safe. Each push counts once, however often it is sent, in whatever order, and whatever its
// number is: what may be sent again is less than kPushWindow behind the worker's last
// (proto/wire/push_window.h), and of so many it is known. A worker's count goes on in its later
// incarnations. Takes the same memory for each worker, which is part of what is reserved for it
// (membership/forgetting.cc).
class NonfinitePushes {
 public:
  // Counts the push, unless it was counted before. Whether its worker has `most` since the last
  // Acted, until then each time; never when `most` is 0.
  bool Count(const PushId& id, uint32_t most);
  // What so many lead to has happened: they are counted anew.
  void Acted(const std::string& worker_id);
  // As if the worker had never pushed.
  void Forget(const std::string& worker_id);
  // Of all workers.
  uint64_t total() const;

 private:
  struct Worker {
    uint64_t incarnation = 0;
    uint64_t last = 0;     // the highest number of one that was counted
    uint64_t counted = 0;  // bit i: number last - i was
    uint32_t count = 0;
  };
  // Whether this is the first time.
  static bool Remember(const PushId& id, Worker& worker);

  mutable Mutex mutex_;  // taken after Workers::mutex_
  std::map<std::string, Worker> workers_ ABSL_GUARDED_BY(mutex_);
  uint64_t total_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_SYNC_NONFINITE_PUSHES_H_
