// Counts the calls in flight, so that a graceful stop drains them and waits for nothing else.
// (gRPC's own graceful shutdown waits for idle connections to answer, which a client that is not in
// a call does not do.)
#ifndef VARSCOPE_SERVER_RPC_IN_FLIGHT_CALLS_H_
#define VARSCOPE_SERVER_RPC_IN_FLIGHT_CALLS_H_

#include <chrono>
#include <cstdint>

#include "absl/status/status.h"
#include "proto/concurrency/mutex.h"

namespace varscope::server {

// Thread-safe. Outlives every Call.
class InFlightCalls {
 public:
  // One call, from its arrival until gRPC is done with it.
  class Call {
   public:
    explicit Call(InFlightCalls& in_flight_calls)
        : in_flight_calls_(in_flight_calls), admitted_(in_flight_calls.Begin()) {}
    ~Call() { in_flight_calls_.End(); }
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;
    // Unavailable when the server is stopping.
    const absl::Status& admitted() const { return admitted_; }

   private:
    InFlightCalls& in_flight_calls_;
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

#endif  // VARSCOPE_SERVER_RPC_IN_FLIGHT_CALLS_H_
