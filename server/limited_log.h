// Warnings that any peer can cause, as often as it likes.
#ifndef VARSCOPE_SERVER_LIMITED_LOG_H_
#define VARSCOPE_SERVER_LIMITED_LOG_H_

#include <chrono>
#include <cstdint>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/strings/str_cat.h"
#include "proto/concurrency/mutex.h"

namespace varscope::server {

// A few at once, and then some a second; the next that is logged says how many were left out. One
// for each kind of warning, so that no kind hides another: `static constinit LimitedLog log;`,
// which takes no memory, where it is used. Thread-safe.
class LimitedLog {
 public:
  static constexpr double kAtOnce = 20;
  static constexpr double kEachSecond = 10;

  constexpr LimitedLog() = default;

  // Logs what absl::StrCat makes of the parts, which it does itself: what says that there was no
  // memory has none for its text either. Without memory the warning is one of those left out.
  template <typename... Parts>
  void Warn(const Parts&... parts) noexcept {
    Log([&] { return absl::StrCat(parts...); });
  }

 private:
  void Log(absl::FunctionRef<std::string()> text) noexcept;
  using Clock = std::chrono::steady_clock;

  Mutex mutex_;
  Clock::time_point last_ ABSL_GUARDED_BY(mutex_){};  // before all warnings
  double may_log_ ABSL_GUARDED_BY(mutex_) = kAtOnce;
  uint64_t left_out_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_LIMITED_LOG_H_
