#include "server/rpc/budget.h"

#include "absl/strings/str_cat.h"
#include "proto/core/advice.h"

namespace varscope::server {

Budget::Charge& Budget::Charge::operator=(Charge&& other) noexcept {
  Release();
  budget_ = std::exchange(other.budget_, nullptr);
  worker_id_ = std::move(other.worker_id_);
  bytes_ = std::exchange(other.bytes_, 0);
  return *this;
}

void Budget::Charge::Release() {
  if (budget_ != nullptr) std::exchange(budget_, nullptr)->Give(worker_id_, bytes_);
}

absl::StatusOr<Budget::Charge> Budget::Take(const std::string& worker_id, uint64_t bytes) {
  MutexLock lock(mutex_);
  const auto it = by_worker_.find(worker_id);
  const uint64_t own = it == by_worker_.end() ? 0 : it->second;
  const size_t workers = by_worker_.size() + (own == 0 ? 1 : 0);
  const uint64_t share = limit_ / workers;
  // No sum of what somebody says: it could wrap.
  const auto fits = [&](uint64_t taken, uint64_t limit) {
    return taken <= limit && bytes <= limit - taken;
  };
  const bool fair = fits(used_, limit_ / 2) || fits(own, share);
  if (used_ > 0 && (!fits(used_, limit_) || !fair)) {
    return AdviseRetry(
        absl::ResourceExhaustedError(
            absl::StrCat("worker '", worker_id, "': ", bytes,
                         " more bytes do not fit now: calls under way hold ", used_, " of ", limit_,
                         " (--max-inflight-bytes), this worker ", own, " of its share of ", share)),
        kRetryAfter);
  }
  used_ += bytes;
  by_worker_[worker_id] += bytes;
  return Charge(*this, worker_id, bytes);
}

uint64_t Budget::used() const {
  MutexLock lock(mutex_);
  return used_;
}

void Budget::Give(const std::string& worker_id, uint64_t bytes) {
  MutexLock lock(mutex_);
  used_ -= bytes;
  const auto it = by_worker_.find(worker_id);
  it->second -= bytes;
  if (it->second == 0) by_worker_.erase(it);
}

}  // namespace varscope::server
