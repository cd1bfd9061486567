#include "server/rpc/memory_quota.h"

#include "absl/strings/str_cat.h"
#include "proto/wire/retry_info.h"

namespace varscope::server {

MemoryQuota::Reservation& MemoryQuota::Reservation::operator=(Reservation&& other) noexcept {
  Release();
  memory_quota_ = std::exchange(other.memory_quota_, nullptr);
  worker_id_ = std::move(other.worker_id_);
  bytes_ = std::exchange(other.bytes_, 0);
  part_ = other.part_;
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
    return Reservation(*this, worker_id, bytes, Part::kSmall);
  }
  if (bytes > limit_ / 2) {
    if (large_used_ > 0) {
      return WithRetryAfter(
          absl::ResourceExhaustedError(absl::StrCat(
              "worker '", worker_id, "': another large call is under way, of ", large_used_,
              " bytes; one of more than half of --max-inflight-bytes goes at a time")),
          kRetryAfter);
    }
    large_used_ = bytes;
    return Reservation(*this, worker_id, bytes, Part::kLarge);
  }
  const auto it = by_worker_.find(worker_id);
  const uint64_t own = it == by_worker_.end() ? 0 : it->second;
  const size_t workers = by_worker_.size() + (own == 0 ? 1 : 0);
  const uint64_t share = limit_ / workers;
  const bool fair = used_ + bytes <= limit_ / 2 || own + bytes <= share;
  if (used_ + bytes > limit_ || !fair) {
    return WithRetryAfter(
        absl::ResourceExhaustedError(
            absl::StrCat("worker '", worker_id, "': ", bytes,
                         " more bytes do not fit now: calls under way hold ", used_, " of ", limit_,
                         " (--max-inflight-bytes), this worker ", own, " of its share of ", share)),
        kRetryAfter);
  }
  used_ += bytes;
  by_worker_[worker_id] += bytes;
  return Reservation(*this, worker_id, bytes, Part::kUsual);
}

uint64_t MemoryQuota::used() const {
  MutexLock lock(mutex_);
  return used_ + small_used_ + large_used_;
}

void MemoryQuota::Reservation::Park() {
  if (memory_quota_ != nullptr) memory_quota_->Park(*this);
}

void MemoryQuota::Park(Reservation& reservation) {
  MutexLock lock(mutex_);
  if (reservation.part_ == Part::kParked || !parked_.insert(reservation.worker_id_).second) return;
  Forget(reservation);
  reservation.part_ = Part::kParked;
}

void MemoryQuota::Release(const Reservation& reservation) {
  MutexLock lock(mutex_);
  Forget(reservation);
}

void MemoryQuota::Forget(const Reservation& reservation) {
  switch (reservation.part_) {
    case Part::kSmall:
      small_used_ -= reservation.bytes_;
      return;
    case Part::kLarge:
      large_used_ = 0;
      return;
    case Part::kParked:
      parked_.erase(reservation.worker_id_);
      return;
    case Part::kUsual:
      break;
  }
  used_ -= reservation.bytes_;
  const auto it = by_worker_.find(reservation.worker_id_);
  it->second -= reservation.bytes_;
  if (it->second == 0) by_worker_.erase(it);
}

}  // namespace varscope::server
