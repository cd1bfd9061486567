#include "server/limited_log.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <new>
#include <utility>

namespace varscope::server {
namespace {

// spdlog formats a short line on the stack. It throws nothing: of what it cannot log it tells its
// error handler (server/log.h).
void Write(absl::string_view text, uint64_t left_out) noexcept {
  const spdlog::string_view_t line(text.data(), text.size());
  if (left_out == 0) return spdlog::warn(line);
  spdlog::warn("{} (and {} more like it, not logged)", line, left_out);
}

}  // namespace

std::optional<uint64_t> LimitedLog::MayLog() noexcept {
  MutexLock lock(mutex_);
  const Clock::time_point now = Clock::now();
  const std::chrono::duration<double> passed = now - std::exchange(last_, now);
  may_log_ = std::min(kAtOnce, may_log_ + passed.count() * kEachSecond);
  if (may_log_ < 1) {
    ++left_out_;
    return std::nullopt;
  }
  --may_log_;
  return std::exchange(left_out_, 0);
}

void LimitedLog::Warn(absl::string_view text) noexcept {
  if (const std::optional<uint64_t> left_out = MayLog()) Write(text, *left_out);
}

void LimitedLog::Log(absl::FunctionRef<std::string()> text) noexcept {
  const std::optional<uint64_t> left_out = MayLog();
  if (!left_out) return;
  try {
    Write(text(), *left_out);
  } catch (const std::bad_alloc&) {
    MutexLock lock(mutex_);
    left_out_ += *left_out + 1;
  }
}

}  // namespace varscope::server
