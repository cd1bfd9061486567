// Ends streams whose other side makes no progress (an idle timeout), or next to none: they hold
// memory that others need.
#ifndef VARSCOPE_SERVER_RPC_STALL_DETECTOR_H_
#define VARSCOPE_SERVER_RPC_STALL_DETECTOR_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>

#include "proto/concurrency/mutex.h"
#include "server/env/env.h"

namespace varscope::server {

// Thread-safe. Outlives every IdleTimeout.
class StallDetector {
 public:
  // What is no progress: fewer bytes than this in the limit, unless they are the last.
  static constexpr uint64_t kProgressBytes = uint64_t{64} << 10;

  // Zero: streams may be idle forever.
  explicit StallDetector(std::chrono::milliseconds limit, Env& env = SystemEnv());
  ~StallDetector() { timer_->Stop(); }
  StallDetector(const StallDetector&) = delete;
  StallDetector& operator=(const StallDetector&) = delete;

  // Somebody was refused memory that streams hold: for two limits from now on, what is too slow to
  // come within kHurriedLimits of them is ended, too.
  static constexpr int kHurriedLimits = 4;
  void Hurry();

  // Limits how long one stream may be without progress, for as long as this lives.
  class IdleTimeout {
   public:
    // `cancel` is called once when there was no progress for the limit, under a lock: it must not
    // wait, nor use the IdleTimeout.
    IdleTimeout(StallDetector& stall_detector, std::function<void()> cancel);
    ~IdleTimeout();
    IdleTimeout(const IdleTimeout&) = delete;
    IdleTimeout& operator=(const IdleTimeout&) = delete;
    // So many bytes came, or went.
    void Progress(uint64_t bytes);
    // So many are to come, for which there is memory.
    void Expect(uint64_t bytes);

   private:
    friend class StallDetector;
    StallDetector& stall_detector_;
    std::function<void()> cancel_ ABSL_GUARDED_BY(stall_detector_.mutex_);
    const Time began_;
    uint64_t all_ ABSL_GUARDED_BY(stall_detector_.mutex_) = 0;  // that came, or went
    uint64_t expected_ ABSL_GUARDED_BY(stall_detector_.mutex_) = 0;
    Time last_ ABSL_GUARDED_BY(stall_detector_.mutex_);
    uint64_t bytes_ ABSL_GUARDED_BY(stall_detector_.mutex_) = 0;  // since then
    std::list<IdleTimeout*>::iterator at_ ABSL_GUARDED_BY(stall_detector_.mutex_);
  };

 private:
  Time EndStalled();
  bool IsTooSlow(const IdleTimeout& timeout, Time now) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  Env& env_;
  const std::chrono::milliseconds limit_;
  Mutex mutex_;
  Time hurry_until_ ABSL_GUARDED_BY(mutex_) = Time::min();
  std::list<IdleTimeout*> timeouts_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<Timer> timer_;
};

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_RPC_STALL_DETECTOR_H_
