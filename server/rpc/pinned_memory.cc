#include "server/rpc/pinned_memory.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "proto/wire/retry_info.h"
#include "server/rpc/memory_quota.h"

namespace varscope::server {

PinnedMemory::Reservation::~Reservation() {
  if (pinned_memory_ != nullptr) pinned_memory_->Release(*this);
}

PinnedMemory::Reservation& PinnedMemory::Reservation::operator=(Reservation&& other) noexcept {
  if (pinned_memory_ != nullptr) pinned_memory_->Release(*this);
  pinned_memory_ = std::exchange(other.pinned_memory_, nullptr);
  worker_id_ = std::move(other.worker_id_);
  blocks_ = std::move(other.blocks_);
  return *this;
}

absl::StatusOr<PinnedMemory::Reservation> PinnedMemory::Acquire(const std::string& worker_id,
                                                                std::span<const Tensor> tensors) {
  std::vector<BlockRef> blocks;
  for (const Tensor& tensor : tensors) {
    if (tensor.defined()) blocks.push_back(tensor.block());
  }
  MutexLock lock(mutex_);
  uint64_t more = 0;
  uint64_t all = 0;
  for (const BlockRef& block : blocks) {
    all += block->size();
    more += pulls_.contains(block.get()) ? 0 : block->size();
  }
  const auto own = by_worker_.find(worker_id);
  const uint64_t has = own == by_worker_.end() ? 0 : own->second;
  const bool fair = more == 0 || has == 0 || has + all <= limit_ / 2;
  if (used_ > 0 && (used_ + more > limit_ || !fair)) {
    return WithRetryAfter(absl::ResourceExhaustedError(absl::StrCat(
                              more, " more bytes do not fit now: pulls under way keep ", used_,
                              " of ", limit_, " (--max-inflight-bytes), ", has, " of them for ",
                              worker_id.empty() ? "callers that are no workers"
                                                : absl::StrCat("worker '", worker_id, "'"))),
                          MemoryQuota::kRetryAfter);
  }
  for (const BlockRef& block : blocks) {
    if (++pulls_[block.get()] == 1) used_ += block->size();
  }
  if (all > 0) by_worker_[worker_id] += all;
  return Reservation(*this, worker_id, std::move(blocks));
}

uint64_t PinnedMemory::used() const {
  MutexLock lock(mutex_);
  return used_;
}

void PinnedMemory::Release(const Reservation& reservation) {
  MutexLock lock(mutex_);
  uint64_t all = 0;
  for (const BlockRef& block : reservation.blocks_) {
    all += block->size();
    const auto it = pulls_.find(block.get());
    if (--it->second > 0) continue;
    used_ -= block->size();
    pulls_.erase(it);
  }
  if (all == 0) return;
  const auto own = by_worker_.find(reservation.worker_id_);
  own->second -= all;
  if (own->second == 0) by_worker_.erase(own);
}

}  // namespace varscope::server
