#include "server/limited_log.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"

namespace varscope::server {

void LimitedLog::Warn(absl::string_view text) {
  uint64_t left_out = 0;
  {
    MutexLock lock(mutex_);
    const Clock::time_point now = Clock::now();
    const std::chrono::duration<double> passed = now - std::exchange(last_, now);
    may_log_ = std::min(kAtOnce, may_log_ + passed.count() * kEachSecond);
    if (may_log_ < 1) {
      ++left_out_;
      return;
    }
    --may_log_;
    left_out = std::exchange(left_out_, 0);
  }
  const std::string more =
      left_out == 0 ? "" : absl::StrCat(" (and ", left_out, " more like it, not logged)");
  spdlog::warn(absl::StrCat(text, more));
}

}  // namespace varscope::server
