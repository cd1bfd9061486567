#include "server/port_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "tests/support/temporary_directory.h"

namespace varscope::server {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using testing::TemporaryDirectory;

std::string ReadAll(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

size_t FilesIn(const fs::path& directory) {
  return std::distance(fs::directory_iterator(directory), {});
}

TEST(PortFileTest, ReplacesTheOneOfBeforeAndLeavesNothingElse) {
  const TemporaryDirectory directory;
  const fs::path path = directory / "port";
  std::ofstream(path.string() + ".tmp") << "somebody's";
  for (const int port : {1, 65535, 7}) {
    const absl::Status status = WritePortFile(path, port);
    ASSERT_TRUE(status.ok()) << status;
    EXPECT_EQ(ReadAll(path), std::to_string(port) + "\n");
    EXPECT_EQ(FilesIn(directory.path()), 2U);
  }
  EXPECT_EQ(ReadAll(path.string() + ".tmp"), "somebody's");
  struct stat status {};
  ASSERT_EQ(stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0644U);
}

TEST(PortFileTest, ReplacesNothingThatIsNoFile) {
  const TemporaryDirectory directory;
  std::ofstream(directory / "theirs") << "theirs";
  fs::create_symlink(directory / "theirs", directory / "link");
  fs::create_symlink(directory / "nothing", directory / "dangling");
  fs::create_directory(directory / "folder");
  ASSERT_EQ(mkfifo((directory / "pipe").c_str(), 0600), 0);
  for (const char* name : {"link", "dangling", "folder", "pipe"}) {
    const fs::file_type before = fs::symlink_status(directory / name).type();
    const absl::Status status = WritePortFile(directory / name, 7);
    EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr((directory / name).string()));
    EXPECT_EQ(fs::symlink_status(directory / name).type(), before);
  }
  EXPECT_EQ(ReadAll(directory / "theirs"), "theirs");
  EXPECT_EQ(FilesIn(directory.path()), 5U);
}

TEST(PortFileTest, SaysWhyItCannotBeMade) {
  const TemporaryDirectory directory;
  const absl::Status status = WritePortFile(directory.path() / "none" / "port", 7);
  EXPECT_THAT(std::string(status.message()), HasSubstr("No such file or directory"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("none/port"));
}

}  // namespace
}  // namespace varscope::server
