// Warnings that any peer can cause, as often as it likes.
#ifndef VARSCOPE_SERVER_LIMITED_LOG_H_
#define VARSCOPE_SERVER_LIMITED_LOG_H_

#include <chrono>
#include <cstdint>

#include "absl/strings/string_view.h"
#include "proto/concurrency/mutex.h"

namespace varscope::server {

// A few at once, and then some a second; the next that is logged says how many were left out. One
// for each kind of warning, so that no kind hides another. Thread-safe.
class LimitedLog {
 public:
  static constexpr double kAtOnce = 20;
  static constexpr double kEachSecond = 10;

  void Warn(absl::string_view text);

 private:
  using Clock = std::chrono::steady_clock;

  Mutex mutex_;
  Clock::time_point last_ ABSL_GUARDED_BY(mutex_) = Clock::now();
  double may_log_ ABSL_GUARDED_BY(mutex_) = kAtOnce;
  uint64_t left_out_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_LIMITED_LOG_H_
