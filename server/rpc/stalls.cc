#include "server/rpc/stalls.h"

#include <utility>

namespace varscope::server {

Stalls::Stalls(std::chrono::milliseconds limit)
    : limit_(limit), timer_([this] { return EndStalled(); }) {}

Stalls::Watch::Watch(Stalls& stalls, std::function<void()> cancel)
    : stalls_(stalls), cancel_(std::move(cancel)), last_(Clock::now()) {
  std::lock_guard lock(stalls_.mutex_);
  at_ = stalls_.watches_.insert(stalls_.watches_.end(), this);
}

Stalls::Watch::~Watch() {
  std::lock_guard lock(stalls_.mutex_);
  stalls_.watches_.erase(at_);
}

void Stalls::Watch::Progress() {
  std::lock_guard lock(stalls_.mutex_);
  last_ = Clock::now();
}

Stalls::Clock::time_point Stalls::EndStalled() {
  if (limit_.count() == 0) return Clock::time_point::max();
  const Clock::time_point now = Clock::now();
  std::lock_guard lock(mutex_);
  for (Watch* watch : watches_) {
    if (watch->last_ + limit_ > now || !watch->cancel_) continue;
    std::exchange(watch->cancel_, nullptr)();
  }
  // A stream is ended at most half a limit late.
  return now + limit_ / 2;
}

}  // namespace varscope::server
