#include "proto/concurrency/blocking_region.h"

#include <utility>

namespace varscope {
namespace {

thread_local CompensatingPool* current_pool = nullptr;

}  // namespace

BlockingRegion::BlockingRegion() noexcept : pool_(std::exchange(current_pool, nullptr)) {
  if (pool_ != nullptr) pool_->BeginCompensatedBlock();
}

BlockingRegion::~BlockingRegion() {
  if (pool_ == nullptr) return;
  current_pool = pool_;
  pool_->EndCompensatedBlock();
}

void BlockingRegion::SetPool(CompensatingPool* pool) { current_pool = pool; }

}  // namespace varscope
