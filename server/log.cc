#include "server/log.h"

#include <google/protobuf/stubs/logging.h>
#include <grpc/support/log.h>
#include <poll.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <initializer_list>
#include <memory>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "proto/concurrency/mutex.h"
#include "server/limited_log.h"

namespace varscope::server {
namespace {

// Waits as long as standard error does. What it does not take at all is lost.
void Write(absl::string_view text) {
  while (!text.empty()) {
    const ssize_t n = write(STDERR_FILENO, text.data(), text.size());
    if (n > 0) {
      text.remove_prefix(n);
    } else if (n < 0 && errno == EAGAIN) {
      pollfd writable{.fd = STDERR_FILENO, .events = POLLOUT, .revents = 0};
      poll(&writable, 1, /*timeout=*/-1);
    } else if (n == 0 || errno != EINTR) {
      return;
    }
  }
}

absl::string_view ColorOf(spdlog::level::level_enum level) {
  constexpr std::array<absl::string_view, spdlog::level::n_levels> kColors = {
      "\033[37m", "\033[36m", "\033[32m", "\033[1;33m", "\033[1;31m", "\033[1;41m", ""};
  return kColors[level];
}

// Lines on their way to standard error, in memory that is taken once. Never destroyed: its thread
// may be in the middle of a line that nobody takes when the process ends.
class StandardError {
 public:
  using Line = std::initializer_list<absl::string_view>;  // its parts

  // Throws std::system_error without a thread, std::bad_alloc without memory.
  StandardError() {
    waiting_.reserve(kMostBytes);
    writing_.reserve(kMostBytes);
    std::thread([this] { Run(); }).detach();
  }

  void Add(Line line) noexcept {
    MutexLock lock(mutex_);
    if (!Append(line)) ++left_out_;
    changed_.NotifyAll();
  }

  // A line that could not be made.
  void LeaveOut() noexcept {
    MutexLock lock(mutex_);
    ++left_out_;
    changed_.NotifyAll();
  }

  void Flush(std::chrono::milliseconds limit) {
    MutexLock lock(mutex_);
    changed_.WaitFor(mutex_, limit, [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
      return !due() && writing_.empty();
    });
  }

 private:
  static constexpr size_t kMostBytes = size_t{1} << 19;

  bool due() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return !waiting_.empty() || left_out_ > 0;
  }

  // False: there is no room.
  bool Append(Line line) noexcept ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    size_t bytes = waiting_.size();
    for (const absl::string_view part : line) bytes += part.size();
    if (bytes > kMostBytes) return false;
    for (const absl::string_view part : line) waiting_.append(part.data(), part.size());
    return true;
  }

  void Run() noexcept {
    MutexLock lock(mutex_);
    for (;;) {
      changed_.Wait(mutex_, [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return due(); });
      if (waiting_.empty()) {
        Append({absl::AlphaNum(std::exchange(left_out_, 0)).Piece(),
                " lines of the log were left out: standard error did not take what came before, or "
                "there was no memory for them\n"});
      }
      writing_.swap(waiting_);
      const absl::string_view text = writing_;
      {
        MutexUnlock unlocked(mutex_);
        Write(text);
      }
      writing_.clear();  // only now, so that Flush waits for it
      changed_.NotifyAll();
    }
  }

  Mutex mutex_;
  CondVar changed_;
  // Whole lines; neither takes more memory than at first.
  std::string waiting_ ABSL_GUARDED_BY(mutex_);
  std::string writing_ ABSL_GUARDED_BY(mutex_);
  uint64_t left_out_ ABSL_GUARDED_BY(mutex_) = 0;
};

StandardError& Errors() {
  static auto* const errors = new StandardError;
  return *errors;
}

class ErrorSink final : public spdlog::sinks::base_sink<std::mutex> {
 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    spdlog::memory_buf_t formatted;
    formatter_->format(message, formatted);
    const absl::string_view line(formatted.data(), formatted.size());
    const size_t begin = message.color_range_start;
    const size_t end = message.color_range_end;
    if (!colored_ || begin >= end) return Errors().Add({line});
    Errors().Add({line.substr(0, begin), ColorOf(message.level), line.substr(begin, end - begin),
                  "\033[m", line.substr(end)});
  }
  void flush_() override {}

  const bool colored_ = isatty(STDERR_FILENO) == 1;
};

// Peers can make both libraries complain.
constinit LimitedLog library_log;

// Whoever calls this knows no exceptions. `last`: the library ends the process next.
void LogOf(absl::string_view library, absl::string_view message, bool last) noexcept {
  constexpr std::chrono::seconds kLimit{1};
  library_log.Warn(library, ": ", message);
  if (last) Errors().Flush(kLimit);
}

void LogOfGrpc(gpr_log_func_args* said) {
  LogOf("gRPC", said->message, absl::StartsWith(said->message, "assertion failed"));
}

void LogOfProtobuf(google::protobuf::LogLevel level, const char* /*file*/, int /*line*/,
                   const std::string& message) {
  LogOf("protobuf", message, level == google::protobuf::LOGLEVEL_FATAL);
}

}  // namespace

absl::Status StartLog(const std::string& level) {
  try {
    Errors();
  } catch (const std::system_error& error) {
    return absl::UnavailableError(absl::StrCat("no thread for the log: ", error.what()));
  }
  const auto logger = std::make_shared<spdlog::logger>("varscoped", std::make_shared<ErrorSink>());
  logger->set_error_handler([](const std::string&) { Errors().LeaveOut(); });
  spdlog::set_default_logger(logger);
  spdlog::set_level(spdlog::level::from_str(level));
  gpr_set_log_function(LogOfGrpc);
  google::protobuf::SetLogHandler(LogOfProtobuf);
  return absl::OkStatus();
}

void FlushLog(std::chrono::milliseconds limit) { Errors().Flush(limit); }

}  // namespace varscope::server
