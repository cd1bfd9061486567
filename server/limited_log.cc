#include "server/limited_log.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <exception>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"

namespace varscope::server {

void LimitedLog::Log(absl::FunctionRef<std::string()> text) noexcept {
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
  try {
    std::string line = text();
    if (left_out > 0) absl::StrAppend(&line, " (and ", left_out, " more like it, not logged)");
    spdlog::warn(line);
  } catch (const std::exception&) {  // std::bad_alloc, or what spdlog makes of it
    MutexLock lock(mutex_);
    left_out_ += left_out + 1;
  }
}

}  // namespace varscope::server
