// Warnings that say that there is no memory, when there is none for them either.
#include "server/limited_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <cstdint>
#include <memory>
#include <sstream>
#include <string>
#include <utility>

#include "tests/support/sanitizer.h"
#include "tests/unit/server/failing_memory.h"

namespace varscope::server {
namespace {

using ::testing::HasSubstr;
using ::varscope::testing::FailingMemory;

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
