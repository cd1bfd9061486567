#include "server/rpc/in_flight_calls.h"

namespace varscope::server {

absl::Status InFlightCalls::Begin() {
  MutexLock lock(mutex_);
  ++running_;
  return stopping_ ? absl::UnavailableError("the server is stopping") : absl::OkStatus();
}

void InFlightCalls::End() {
  MutexLock lock(mutex_);
  if (--running_ == 0) none_.NotifyAll();
}

uint64_t InFlightCalls::Stop(std::chrono::seconds limit) {
  MutexLock lock(mutex_);
  stopping_ = true;
  none_.WaitFor(mutex_, limit,
                [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return running_ == 0; });
  return running_;
}

}  // namespace varscope::server
