// Warnings that say that there is no memory, when there is none for them either.
#include "server/limited_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <cstdint>
#include <memory>
#include <mutex>
#include <sstream>
#include <string>
#include <utility>

#include "tests/support/sanitizer.h"
#include "tests/unit/server/failing_memory.h"

namespace varscope::server {
namespace {

using ::testing::HasSubstr;
using ::varscope::testing::FailingMemory;
using ::varscope::testing::NoMemory;

// What is logged while it lives.
class Logged {
 public:
  Logged() {
    spdlog::set_default_logger(std::make_shared<spdlog::logger>(
        "test", std::make_shared<spdlog::sinks::ostream_sink_mt>(text_)));
  }
  ~Logged() { spdlog::set_default_logger(std::move(before_)); }
  Logged(const Logged&) = delete;
  Logged& operator=(const Logged&) = delete;
  std::string text() const { return text_.str(); }

 private:
  std::ostringstream text_;
  std::shared_ptr<spdlog::logger> before_ = spdlog::default_logger();
};

// Formats as on standard error, into memory of its own.
class Lines final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  Lines() { text_.reserve(size_t{1} << 20); }
  const std::string& text() const { return text_; }

 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    spdlog::memory_buf_t formatted;
    formatter_->format(message, formatted);
    text_.append(formatted.data(), formatted.size());
  }
  void flush_() override {}

  std::string text_;
};

// What handles a failed allocation says so although the next one fails as well.
TEST(LimitedLogTest, AShortTextTakesNoMemoryHoweverOftenItIsLogged) {
  const std::shared_ptr<spdlog::logger> before = spdlog::default_logger();
  const auto lines = std::make_shared<Lines>();
  spdlog::set_default_logger(std::make_shared<spdlog::logger>("varscoped", lines));
  spdlog::warn("The first line asks for the clock's zone.");
  static constinit LimitedLog log;
  {
    const NoMemory none;
    for (int i = 0; i < 1000; ++i) log.Warn("there is no memory to go on with a call, which ends");
  }
  spdlog::set_default_logger(before);
  EXPECT_THAT(lines->text(), HasSubstr("[warning] there is no memory to go on with a call"));
}

TEST(LimitedLogTest, NoRowOfFailedAllocationsIsThrown) {
  if (testing::IsSanitized()) GTEST_SKIP() << "it has its own operator new";
  const std::string reason(1000, 'r');
  const Logged logged;
  for (uint64_t times = 1; times <= 4; ++times) {
    bool failed = true;
    for (uint64_t calls = 0; failed; ++calls) {
      static constinit LimitedLog log;
      const FailingMemory failing(calls, times);
      log.Warn(reason);
      log.Warn("there is no memory: ", reason);
      failed = failing.failed();
    }
  }
}

TEST(LimitedLogTest, AFewAtOnceAreLogged) {
  const Logged logged;
  LimitedLog log;
  for (int i = 0; i < 1000; ++i) log.Warn("warning ", i);
  EXPECT_THAT(logged.text(), HasSubstr("warning 19\n"));
}

// Each allocation fails in turn: whoever warns goes on, and the next warning says that one is
// missing, where it was not spdlog that had no memory.
TEST(LimitedLogTest, AWarningWithoutMemoryIsLeftOut) {
  if (testing::IsSanitized()) GTEST_SKIP() << "it has its own operator new";
  const std::string reason(100, 'r');
  bool failed = true;
  int left_out = 0;
  for (uint64_t calls = 0; failed; ++calls) {
    LimitedLog log;
    const Logged logged;
    {
      const FailingMemory failing(calls);
      log.Warn("there is no memory: ", reason);
      failed = failing.failed();
    }
    log.Warn("next");
    left_out += logged.text().find("next (and 1 more like it, not logged)") != std::string::npos;
  }
  EXPECT_GT(left_out, 0);
}

}  // namespace
}  // namespace varscope::server
