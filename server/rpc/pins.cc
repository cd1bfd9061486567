#include "server/rpc/pins.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "proto/core/advice.h"
#include "server/rpc/budget.h"

namespace varscope::server {

Pins::Pin::~Pin() {
  if (pins_ != nullptr) pins_->Give(blocks_);
}

Pins::Pin& Pins::Pin::operator=(Pin&& other) noexcept {
  if (pins_ != nullptr) pins_->Give(blocks_);
  pins_ = std::exchange(other.pins_, nullptr);
  blocks_ = std::move(other.blocks_);
  return *this;
}

absl::StatusOr<Pins::Pin> Pins::Take(std::span<const Tensor> tensors) {
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
    return AdviseRetry(absl::ResourceExhaustedError(
                           absl::StrCat(more, " more bytes do not fit now: pulls under way keep ",
                                        used_, " of ", limit_, " (--max-inflight-bytes)")),
                       Budget::kRetryAfter);
  }
  for (const BlockRef& block : blocks) {
    if (++pulls_[block.get()] == 1) used_ += block->size();
  }
  return Pin(*this, std::move(blocks));
}

uint64_t Pins::used() const {
  MutexLock lock(mutex_);
  return used_;
}

void Pins::Give(const std::vector<BlockRef>& blocks) {
  MutexLock lock(mutex_);
  for (const BlockRef& block : blocks) {
    const auto it = pulls_.find(block.get());
    if (--it->second > 0) continue;
    used_ -= block->size();
    pulls_.erase(it);
  }
}

}  // namespace varscope::server
