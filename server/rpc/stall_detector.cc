#include "server/rpc/stall_detector.h"

#include <utility>

namespace varscope::server {

StallDetector::StallDetector(std::chrono::milliseconds limit, Env& env)
    : env_(env),
      limit_(limit),
      timer_(env.StartTimer("stall detector", [this] { return EndStalled(); })) {}

StallDetector::IdleTimeout::IdleTimeout(StallDetector& stall_detector, std::function<void()> cancel)
    : stall_detector_(stall_detector),
      cancel_(std::move(cancel)),
      began_(stall_detector.env_.Now()),
      last_(began_) {
  MutexLock lock(stall_detector_.mutex_);
  at_ = stall_detector_.timeouts_.insert(stall_detector_.timeouts_.end(), this);
}

StallDetector::IdleTimeout::~IdleTimeout() {
  MutexLock lock(stall_detector_.mutex_);
  stall_detector_.timeouts_.erase(at_);
}

void StallDetector::IdleTimeout::Progress(uint64_t bytes) {
  MutexLock lock(stall_detector_.mutex_);
  all_ += bytes;
  bytes_ += bytes;
  if (bytes_ < kProgressBytes) return;
  bytes_ = 0;
  last_ = stall_detector_.env_.Now();
}

void StallDetector::IdleTimeout::Expect(uint64_t bytes) {
  MutexLock lock(stall_detector_.mutex_);
  expected_ = bytes;
}

void StallDetector::Hurry() {
  MutexLock lock(mutex_);
  hurry_until_ = env_.Now() + 2 * limit_;
}

bool StallDetector::IsTooSlow(const IdleTimeout& timeout, Time now) const {
  timeout.stall_detector_.mutex_.AssertHeld();  // it is one of timeouts_
  const Time::duration taken = now - timeout.began_;
  if (now > hurry_until_ || taken < limit_) return false;
  const double share = std::chrono::duration<double>(taken) / (kHurriedLimits * limit_);
  return static_cast<double>(timeout.all_) < share * static_cast<double>(timeout.expected_);
}

Time StallDetector::EndStalled() {
  if (limit_.count() == 0) return kNever;
  const Time now = env_.Now();
  MutexLock lock(mutex_);
  for (IdleTimeout* timeout : timeouts_) {
    timeout->stall_detector_.mutex_.AssertHeld();  // these are its stalls_
    const bool ends = timeout->last_ + limit_ <= now || IsTooSlow(*timeout, now);
    if (!ends || !timeout->cancel_) continue;
    std::exchange(timeout->cancel_, nullptr)();
  }
  // A stream is ended at most half a limit late.
  return now + limit_ / 2;
}

}  // namespace varscope::server
