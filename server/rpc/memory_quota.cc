#include "server/rpc/memory_quota.h"

#include "absl/strings/str_cat.h"
#include "proto/wire/retry_info.h"

namespace varscope::server {

MemoryQuota::Reservation& MemoryQuota::Reservation::operator=(Reservation&& other) noexcept {
  Release();
  memory_quota_ = std::exchange(other.memory_quota_, nullptr);
  worker_id_ = std::move(other.worker_id_);
  bytes_ = std::exchange(other.bytes_, 0);
  small_ = other.small_;
  return *this;
}

void MemoryQuota::Reservation::Release() {
  if (memory_quota_ != nullptr) std::exchange(memory_quota_, nullptr)->Release(*this);
}

absl::StatusOr<MemoryQuota::Reservation> MemoryQuota::Acquire(const std::string& worker_id,
                                                              uint64_t bytes) {
  MutexLock lock(mutex_);
  if (bytes <= kSmall && small_used_ + bytes <= small_limit_) {
    small_used_ += bytes;
    return Reservation(*this, worker_id, bytes, /*small=*/true);
  }
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
    return WithRetryAfter(
        absl::ResourceExhaustedError(
            absl::StrCat("worker '", worker_id, "': ", bytes,
                         " more bytes do not fit now: calls under way hold ", used_, " of ", limit_,
                         " (--max-inflight-bytes), this worker ", own, " of its share of ", share)),
        kRetryAfter);
  }
  used_ += bytes;
  by_worker_[worker_id] += bytes;
  return Reservation(*this, worker_id, bytes, /*small=*/false);
}

uint64_t MemoryQuota::used() const {
  MutexLock lock(mutex_);
  return used_ + small_used_;
}

void MemoryQuota::Release(const Reservation& reservation) {
  MutexLock lock(mutex_);
  if (reservation.small_) {
    small_used_ -= reservation.bytes_;
    return;
  }
  used_ -= reservation.bytes_;
  const auto it = by_worker_.find(reservation.worker_id_);
  it->second -= reservation.bytes_;
  if (it->second == 0) by_worker_.erase(it);
}

}  // namespace varscope::server
