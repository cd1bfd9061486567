// Counts the calls under way, so that a stop waits for them and for nothing else. (gRPC's own
// graceful shutdown waits for idle connections to answer, which a client that is not in a call does
// not do.)
#ifndef VARSCOPE_SERVER_RPC_CALLS_H_
#define VARSCOPE_SERVER_RPC_CALLS_H_

#include <chrono>
#include <cstdint>

#include "absl/status/status.h"
#include "proto/concurrency/mutex.h"

namespace varscope::server {

// Thread-safe. Outlives every Call.
class Calls {
 public:
  // One call, from its arrival until gRPC is done with it.
  class Call {
   public:
    explicit Call(Calls& calls) : calls_(calls), admitted_(calls.Begin()) {}
    ~Call() { calls_.End(); }
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;
    // Unavailable when the server is stopping.
    const absl::Status& admitted() const { return admitted_; }

   private:
    Calls& calls_;
    const absl::Status admitted_;
  };

  // Refuses new calls from now on, and waits until none is under way or `limit` has passed. Returns
  // how many are left.
  uint64_t Stop(std::chrono::seconds limit);

 private:
  absl::Status Begin();
  void End();

  Mutex mutex_;
  CondVar none_;
  uint64_t running_ ABSL_GUARDED_BY(mutex_) = 0;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_RPC_CALLS_H_
