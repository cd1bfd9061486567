#include "server/rpc/stalls.h"

#include <utility>

namespace varscope::server {

Stalls::Stalls(std::chrono::milliseconds limit, Env& env)
    : env_(env), limit_(limit), timer_(env.StartTimer("stalls", [this] { return EndStalled(); })) {}

Stalls::Watch::Watch(Stalls& stalls, std::function<void()> cancel)
    : stalls_(stalls), cancel_(std::move(cancel)), last_(stalls.env_.Now()) {
  MutexLock lock(stalls_.mutex_);
  at_ = stalls_.watches_.insert(stalls_.watches_.end(), this);
}

Stalls::Watch::~Watch() {
  MutexLock lock(stalls_.mutex_);
  stalls_.watches_.erase(at_);
}

void Stalls::Watch::Progress() {
  MutexLock lock(stalls_.mutex_);
  last_ = stalls_.env_.Now();
}

Time Stalls::EndStalled() {
  if (limit_.count() == 0) return kNever;
  const Time now = env_.Now();
  MutexLock lock(mutex_);
  for (Watch* watch : watches_) {
    watch->stalls_.mutex_.AssertHeld();  // these are its stalls_
    if (watch->last_ + limit_ > now || !watch->cancel_) continue;
    std::exchange(watch->cancel_, nullptr)();
  }
  // A stream is ended at most half a limit late.
  return now + limit_ / 2;
}

}  // namespace varscope::server
