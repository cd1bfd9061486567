// A data directory that is not what its server left: the start and `verify` say so, and change
// nothing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "tests/support/programs.h"
#include "tests/support/server_process.h"
#include "tests/support/temporary_directory.h"
#include "varscope/varscope.h"

namespace varscope::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
namespace fs = std::filesystem;

class DataDirectoryTest : public ::testing::Test {
 protected:
  void AddOne() {
    Graph graph(server_.target());
    const auto use = graph.as_default();
    const variable_scope reuse(get_variable_scope(), {.reuse = AUTO_REUSE});
    const Variable w = get_variable("w", {.shape = Shape{}, .initializer = zeros_initializer()});
    Session().run(w.assign_add(1).op());
  }
  float Value() {
    Graph graph(server_.target());
    const auto use = graph.as_default();
    return Session().read("w").scalar<float>();
  }
  std::vector<std::string> Names() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(data_.path())) {
      names.push_back(entry.path().filename());
    }
    std::sort(names.begin(), names.end());
    return names;
  }
  // The newest segment of the log.
  fs::path LastLog() const {
    std::string last;
    for (const std::string& name : Names()) {
      if (name.starts_with("log-")) last = name;
    }
    return data_ / last;
  }
  // Of a start, and of verify: both say `why`, and leave all files.
  void ExpectRefusals(const std::string& why) {
    const std::vector<std::string> before = Names();
    const Finished verified = RunToEnd({Built("bin/varscopectl"), "verify", data_.path()});
    EXPECT_EQ(verified.code, 1) << verified.output;
    EXPECT_THAT(verified.error, HasSubstr(why));
    const Finished started =
        RunToEnd({Built("bin/varscoped"), "--listen", "127.0.0.1:0", "--data-dir", data_.path()});
    EXPECT_EQ(started.code, 3) << started.error;
    EXPECT_THAT(started.error, HasSubstr(why));
    EXPECT_EQ(Names(), before);
  }

  const TemporaryDirectory data_;
  ServerProcess server_{{"--data-dir", data_.path()}};
};

// Somebody moved the log to another volume, which is not mounted.
TEST_F(DataDirectoryTest, ALinkThatLeadsNowhereIsNoEmptyStore) {
  const TemporaryDirectory volume;
  AddOne();
  ASSERT_EQ(server_.Ctl({"snapshot"}).code, 0);
  AddOne();
  server_.Kill();
  const fs::path log = LastLog();
  const fs::path away = volume / log.filename();
  fs::copy_file(log, away);
  fs::remove(log);
  fs::create_symlink(away, log);
  fs::rename(away, volume / "unmounted");
  ExpectRefusals(log.string() + " is a symbolic link that leads nowhere");
  fs::rename(volume / "unmounted", away);
  server_.Restart();
  EXPECT_EQ(Value(), 2);
}

// Another secret would be another store's.
TEST_F(DataDirectoryTest, AFlippedBitOfTheSecretIsNoOtherSecret) {
  AddOne();
  server_.Kill();
  const fs::path path = data_ / "session-secret";
  const auto flip = [&] {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(7);
    const char byte = static_cast<char>(file.get() ^ 1);
    file.seekp(7);
    file.put(byte);
  };
  flip();
  ExpectRefusals(path.string() + " is damaged");
  flip();
  server_.Restart();
  EXPECT_EQ(Value(), 1);
}

}  // namespace
}  // namespace varscope::testing
