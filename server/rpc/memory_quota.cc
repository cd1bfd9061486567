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

uint64_t MemoryQuota::Shares::Of(const std::string& worker_id) const {
  const auto it = by_worker.find(worker_id);
  return it == by_worker.end() ? 0 : it->second;
}

bool MemoryQuota::Shares::Take(const std::string& worker_id, uint64_t bytes) {
  if (bytes > limit - used) return false;
  const uint64_t own = Of(worker_id);
  if (own > 0 && own + bytes > limit - used - bytes) return false;
  used += bytes;
  by_worker[worker_id] = own + bytes;
  return true;
}

void MemoryQuota::Shares::Give(const std::string& worker_id, uint64_t bytes) {
  used -= bytes;
  const auto it = by_worker.find(worker_id);
  if (it == by_worker.end()) return;
  it->second -= bytes;
  if (it->second == 0) by_worker.erase(it);
}

absl::StatusOr<MemoryQuota::Reservation> MemoryQuota::Acquire(const std::string& worker_id,
                                                              uint64_t bytes) {
  MutexLock lock(mutex_);
  if (bytes <= kSmall && small_.Take(worker_id, bytes)) {
    return Reservation(*this, worker_id, bytes, Part::kSmall);
  }
  if (bytes > usual_.limit / 2) {
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
  if (usual_.Take(worker_id, bytes)) return Reservation(*this, worker_id, bytes, Part::kUsual);
  return WithRetryAfter(
      absl::ResourceExhaustedError(absl::StrCat(
          "worker '", worker_id, "': ", bytes, " more bytes do not fit now: calls under way hold ",
          usual_.used, " of ", usual_.limit, " (--max-inflight-bytes), those of this worker ",
          usual_.Of(worker_id), ", and none holds more than it leaves to others")),
      kRetryAfter);
}

uint64_t MemoryQuota::used() const {
  MutexLock lock(mutex_);
  return usual_.used + small_.used + large_used_;
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
      return small_.Give(reservation.worker_id_, reservation.bytes_);
    case Part::kUsual:
      return usual_.Give(reservation.worker_id_, reservation.bytes_);
    case Part::kLarge:
      large_used_ = 0;
      return;
    case Part::kParked:
      parked_.erase(reservation.worker_id_);
      return;
  }
}

}  // namespace varscope::server
