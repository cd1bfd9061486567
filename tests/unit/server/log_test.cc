// What the server writes to standard error.
#include "server/log.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "tests/support/sanitizer.h"
#include "tests/support/temporary_directory.h"
#include "tests/unit/server/failing_memory.h"

namespace varscope::server {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// Standard error is a file meanwhile.
class ServerLogTest : public ::testing::Test {
 protected:
  ServerLogTest() : file_(directory_ / "log"), before_(dup(STDERR_FILENO)) {
    const int file = open(file_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    EXPECT_GE(dup2(file, STDERR_FILENO), 0);
    close(file);
    EXPECT_TRUE(StartLog("info").ok());
    spdlog::info("The first line asks for the clock's zone.");
  }
  ~ServerLogTest() override {
    dup2(before_, STDERR_FILENO);
    close(before_);
  }

  // All that was logged.
  std::string Log() const {
    FlushLog(std::chrono::minutes(1));
    std::ifstream in(file_);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  const testing::TemporaryDirectory directory_;
  const std::filesystem::path file_;
  const int before_;
};

TEST_F(ServerLogTest, ALineTakesNoMemory) {
  {
    const testing::NoMemory none;
    spdlog::warn("this takes none");
    spdlog::error("number {} takes none", 2);
  }
  const std::string log = Log();
  EXPECT_THAT(log, HasSubstr("this takes none\n"));
  EXPECT_THAT(log, HasSubstr("number 2 takes none\n"));
}

TEST_F(ServerLogTest, ALineForWhichThereIsNoMemoryIsCounted) {
  if (testing::IsSanitized()) GTEST_SKIP() << "the sanitizers have their own operator new";
  {
    const std::string text(1000, 'x');
    const testing::FailingMemory failing(0);
    spdlog::warn(text);
    EXPECT_TRUE(failing.failed());
  }
  const std::string log = Log();
  EXPECT_THAT(log, Not(HasSubstr("xxx")));
  EXPECT_THAT(log, HasSubstr("1 lines of the log were left out"));
}

}  // namespace
}  // namespace varscope::server
