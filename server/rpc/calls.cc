#include "server/rpc/calls.h"

namespace varscope::server {

absl::Status Calls::Begin() {
  std::lock_guard lock(mutex_);
  ++running_;
  return stopping_ ? absl::UnavailableError("the server is stopping") : absl::OkStatus();
}

void Calls::End() {
  std::lock_guard lock(mutex_);
  if (--running_ == 0) none_.notify_all();
}

uint64_t Calls::Stop(std::chrono::seconds limit) {
  std::unique_lock lock(mutex_);
  stopping_ = true;
  none_.wait_for(lock, limit, [this] { return running_ == 0; });
  return running_;
}

}  // namespace varscope::server
