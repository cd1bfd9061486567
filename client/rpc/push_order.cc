#include "client/rpc/push_order.h"

#include <algorithm>

#include "proto/wire/push_window.h"

namespace varscope::internal {

std::optional<PushOrder::Ticket> PushOrder::Begin(Lanes lanes, Clock::time_point deadline) {
  const auto are_free = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return std::none_of(lanes.begin(), lanes.end(),
                        [this](const std::string& lane) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
                          return lanes_.contains(lane);
                        });
  };
  MutexLock lock(mutex_);
  if (!changed_.WaitUntil(mutex_, deadline, are_free)) return std::nullopt;
  lanes_.insert(lanes.begin(), lanes.end());
  return Ticket(*this, std::move(lanes));
}

std::optional<uint64_t> PushOrder::Ticket::Number(Clock::time_point deadline) {
  PushOrder& order = *order_;
  MutexLock lock(order.mutex_);
  order.under_way_.erase(std::exchange(number_, 0));
  order.changed_.NotifyAll();
  const auto fits = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(order.mutex_) {
    return order.under_way_.empty() || order.last_ + 1 - *order.under_way_.begin() < kPushWindow;
  };
  if (!order.changed_.WaitUntil(order.mutex_, deadline, fits)) return std::nullopt;
  number_ = ++order.last_;
  order.under_way_.insert(number_);
  return number_;
}

PushOrder::Ticket::~Ticket() {
  if (order_ == nullptr) return;
  {
    MutexLock lock(order_->mutex_);
    order_->under_way_.erase(number_);
    for (const std::string& lane : lanes_) order_->lanes_.erase(lane);
  }
  order_->changed_.NotifyAll();
}

}  // namespace varscope::internal
