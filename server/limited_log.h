// Warnings that any peer can cause, as often as it likes.
#ifndef VARSCOPE_SERVER_LIMITED_LOG_H_
#define VARSCOPE_SERVER_LIMITED_LOG_H_

#include <chrono>
#include <cstdint>
#include <mutex>

#include "absl/strings/string_view.h"

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

  std::mutex mutex_;
  Clock::time_point last_ = Clock::now();
  double may_log_ = kAtOnce;
  uint64_t left_out_ = 0;
};

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_LIMITED_LOG_H_
