#include "client/rpc/push_order.h"

#include <algorithm>

#include "proto/wire/push_window.h"
#include "varscope/errors.h"

namespace varscope::internal {

PushOrder::Ticket::Ticket(PushOrder& order, Lanes lanes, Clock::time_point deadline)
    : order_(order), lanes_(std::move(lanes)), deadline_(deadline) {
  const auto are_free = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(order.mutex_) {
    for (const std::string& lane : lanes_) {
      if (order.lanes_.contains(lane)) return false;
    }
    return true;
  };
  MutexLock lock(order.mutex_);
  if (!order.changed_.WaitUntil(order.mutex_, deadline, are_free)) {
    throw DeadlineExceededError(order.late_);
  }
  order.lanes_.insert(lanes_.begin(), lanes_.end());
}

uint64_t PushOrder::Ticket::NumberFor(uint64_t incarnation) {
  if (number_ != 0 && incarnation == incarnation_) return number_;
  PushOrder& order = order_;
  MutexLock lock(order.mutex_);
  order.under_way_.erase(std::exchange(number_, 0));
  order.changed_.NotifyAll();
  const auto fits = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(order.mutex_) {
    return order.under_way_.empty() || order.last_ + 1 - *order.under_way_.begin() < kPushWindow;
  };
  if (!order.changed_.WaitUntil(order.mutex_, deadline_, fits)) {
    throw DeadlineExceededError(order.late_);
  }
  incarnation_ = incarnation;
  number_ = ++order.last_;
  order.under_way_.insert(number_);
  return number_;
}

uint64_t PushOrder::Ticket::KeptOf(uint64_t incarnation) const {
  MutexLock lock(order_.mutex_);
  return order_.kept_.first == incarnation ? order_.kept_.second : 0;
}

void PushOrder::Ticket::Keep() {
  MutexLock lock(order_.mutex_);
  order_.kept_ = std::max(order_.kept_, {incarnation_, number_});
}

PushOrder::Ticket::~Ticket() {
  {
    MutexLock lock(order_.mutex_);
    order_.under_way_.erase(number_);
    for (const std::string& lane : lanes_) order_.lanes_.erase(lane);
  }
  order_.changed_.NotifyAll();
}

}  // namespace varscope::internal
