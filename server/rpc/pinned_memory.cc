#include "server/rpc/pinned_memory.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "proto/wire/retry_info.h"
#include "server/rpc/memory_quota.h"

namespace varscope::server {

PinnedMemory::Reservation::~Reservation() {
  if (pinned_memory_ != nullptr) pinned_memory_->Release(blocks_);
}

PinnedMemory::Reservation& PinnedMemory::Reservation::operator=(Reservation&& other) noexcept {
  if (pinned_memory_ != nullptr) pinned_memory_->Release(blocks_);
  pinned_memory_ = std::exchange(other.pinned_memory_, nullptr);
  blocks_ = std::move(other.blocks_);
  return *this;
}

absl::StatusOr<PinnedMemory::Reservation> PinnedMemory::Acquire(std::span<const Tensor> tensors) {
  std::vector<BlockRef> blocks;
  for (const Tensor& tensor : tensors) {
    if (tensor.defined()) blocks.push_back(tensor.block());
  }
  MutexLock lock(mutex_);
  uint64_t more = 0;
  for (const BlockRef& block : blocks) {
    more += pulls_.contains(block.get()) ? 0 : block->size();
  }
  if (used_ > 0 && used_ + more > limit_) {
    return WithRetryAfter(absl::ResourceExhaustedError(absl::StrCat(
                              more, " more bytes do not fit now: pulls under way keep ", used_,
                              " of ", limit_, " (--max-inflight-bytes)")),
                          MemoryQuota::kRetryAfter);
  }
  for (const BlockRef& block : blocks) {
    if (++pulls_[block.get()] == 1) used_ += block->size();
  }
  return Reservation(*this, std::move(blocks));
}

uint64_t PinnedMemory::used() const {
  MutexLock lock(mutex_);
  return used_;
}

void PinnedMemory::Release(const std::vector<BlockRef>& blocks) {
  MutexLock lock(mutex_);
  for (const BlockRef& block : blocks) {
    const auto it = pulls_.find(block.get());
    if (--it->second > 0) continue;
    used_ -= block->size();
    pulls_.erase(it);
  }
}

}  // namespace varscope::server
