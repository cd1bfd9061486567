#include "client/rpc/push_order.h"

#include <algorithm>

#include "proto/core/push_window.h"

namespace varscope::internal {

std::optional<PushOrder::Turn> PushOrder::Begin(Lanes lanes, Clock::time_point deadline) {
  const auto are_free = [&] {
    return std::none_of(lanes.begin(), lanes.end(),
                        [this](const std::string& lane) { return lanes_.contains(lane); });
  };
  std::unique_lock lock(mutex_);
  if (!changed_.wait_until(lock, deadline, are_free)) return std::nullopt;
  lanes_.insert(lanes.begin(), lanes.end());
  return Turn(*this, std::move(lanes));
}

std::optional<uint64_t> PushOrder::Turn::Number(Clock::time_point deadline) {
  PushOrder& order = *order_;
  std::unique_lock lock(order.mutex_);
  order.under_way_.erase(std::exchange(number_, 0));
  order.changed_.notify_all();
  const auto fits = [&] {
    return order.under_way_.empty() || order.last_ + 1 - *order.under_way_.begin() < kPushWindow;
  };
  if (!order.changed_.wait_until(lock, deadline, fits)) return std::nullopt;
  number_ = ++order.last_;
  order.under_way_.insert(number_);
  return number_;
}

PushOrder::Turn::~Turn() {
  if (order_ == nullptr) return;
  {
    std::lock_guard lock(order_->mutex_);
    order_->under_way_.erase(number_);
    for (const std::string& lane : lanes_) order_->lanes_.erase(lane);
  }
  order_->changed_.notify_all();
}

}  // namespace varscope::internal
