// Warnings that any peer can cause, as often as it likes.
#ifndef VARSCOPE_SERVER_LIMITED_LOG_H_
#define VARSCOPE_SERVER_LIMITED_LOG_H_

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
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

  // Takes no memory for a short text: so it says that there is none.
  void Warn(absl::string_view text) noexcept;
  // Logs what absl::StrCat makes of the parts, which it does itself. Without memory for that the
  // warning is one of those left out.
  template <typename First, typename Second, typename... Rest>
  void Warn(const First& first, const Second& second, const Rest&... rest) noexcept {
    Log([&] { return absl::StrCat(first, second, rest...); });
  }

 private:
  using Clock = std::chrono::steady_clock;

  void Log(absl::FunctionRef<std::string()> text) noexcept;
  // How many were left out before one that may be logged; nothing: it may not.
  std::optional<uint64_t> MayLog() noexcept;

  Mutex mutex_;
  Clock::time_point last_ ABSL_GUARDED_BY(mutex_){};  // before all warnings
  double may_log_ ABSL_GUARDED_BY(mutex_) = kAtOnce;
  uint64_t left_out_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_LIMITED_LOG_H_
