// The operating system's files: nothing of somebody else's is emptied, made, or written through.
#include "server/env/posix_files.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <span>
#include <string>

#include "tests/support/temporary_directory.h"
#include "tests/unit/server/durability/kept.h"

namespace varscope::server {
namespace {

using ::testing::HasSubstr;
using testing::TemporaryDirectory;

TEST(PosixFilesTest, ALockLeavesWhatTheFileHas) {
  const TemporaryDirectory directory;
  const fs::path path = directory / "LOCK";
  WriteAll(path, "somebody's notes");
  for (const auto how : {Files::LockFile::kMade, Files::LockFile::kExisting}) {
    const auto lock = PosixFiles().Lock(path, how);
    ASSERT_TRUE(lock.ok()) << lock.status();
    for (const auto other : {Files::LockFile::kMade, Files::LockFile::kExisting}) {
      EXPECT_TRUE(absl::IsFailedPrecondition(PosixFiles().Lock(path, other).status()));
    }
    EXPECT_EQ(ReadAll(path), "somebody's notes");
  }
}

TEST(PosixFilesTest, WhoOnlyLooksMakesNoLockFileAndNeedNotWriteIt) {
  const TemporaryDirectory directory;
  const fs::path path = directory / "LOCK";
  EXPECT_TRUE(absl::IsNotFound(PosixFiles().Lock(path, Files::LockFile::kExisting).status()));
  EXPECT_FALSE(fs::exists(path));
  WriteAll(path, "");
  ASSERT_EQ(chmod(path.c_str(), 0400), 0);
  EXPECT_TRUE(PosixFiles().Lock(path, Files::LockFile::kExisting).ok());
}

TEST(PosixFilesTest, NothingIsWrittenWhereASymbolicLinkLeads) {
  const TemporaryDirectory directory;
  WriteAll(directory / "theirs", "theirs");
  fs::create_symlink(directory / "theirs", directory / "link");
  fs::create_symlink(directory / "nothing", directory / "dangling");
  for (const char* name : {"link", "dangling"}) {
    for (const auto access : {Files::Access::kGroupReads, Files::Access::kOwnerOnly}) {
      EXPECT_FALSE(PosixFiles().Create(directory / name, access).ok()) << name;
    }
    for (const auto how : {Files::LockFile::kMade, Files::LockFile::kExisting}) {
      const absl::Status status = PosixFiles().Lock(directory / name, how).status();
      EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
      EXPECT_THAT(std::string(status.message()), HasSubstr((directory / name).string()));
    }
  }
  EXPECT_EQ(ReadAll(directory / "theirs"), "theirs");
  EXPECT_FALSE(fs::exists(directory / "nothing"));
}

// Whoever asks for a file learns that there is something, and what is wrong with it.
TEST(PosixFilesTest, OnlyWhatIsNotThereIsNotFound) {
  const TemporaryDirectory directory;
  WriteAll(directory / "file", "text");
  fs::create_directory(directory / "folder");
  ASSERT_EQ(mkfifo((directory / "pipe").c_str(), 0600), 0);
  fs::create_symlink(directory / "file", directory / "link");
  fs::create_symlink(directory / "nothing", directory / "dangling");
  fs::create_symlink("circle", directory / "circle");
  EXPECT_THAT(
      PosixFiles().List(directory.path()).value(),
      ::testing::UnorderedElementsAre("file", "folder", "pipe", "link", "dangling", "circle"));
  for (const char* name : {"file", "link"}) EXPECT_TRUE(PosixFiles().Open(directory / name).ok());
  for (const char* name : {"folder", "pipe", "dangling", "circle"}) {
    const absl::Status status = PosixFiles().Open(directory / name).status();
    EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr((directory / name).string()));
    EXPECT_THAT(std::string(status.message()), HasSubstr("move it away"));
  }
  EXPECT_TRUE(absl::IsNotFound(PosixFiles().Open(directory / "nothing").status()));
}

TEST(PosixFilesTest, APrivateFileIsANewOne) {
  const TemporaryDirectory directory;
  WriteAll(directory / "theirs", "theirs");
  const auto refused = PosixFiles().Create(directory / "theirs", Files::Access::kOwnerOnly);
  EXPECT_TRUE(absl::IsAlreadyExists(refused.status())) << refused.status();
  EXPECT_EQ(ReadAll(directory / "theirs"), "theirs");
  const auto made = PosixFiles().Create(directory / "ours", Files::Access::kOwnerOnly);
  ASSERT_TRUE(made.ok()) << made.status();
  struct stat status {};
  ASSERT_EQ(stat((directory / "ours").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600U);
}

TEST(PosixFilesTest, ReadsAnywhereAndInOrder) {
  const TemporaryDirectory directory;
  WriteAll(directory / "file", "0123456789");
  auto file = PosixFiles().Open(directory / "file").value();
  std::string four(4, ' ');
  const std::span<std::byte> into = std::as_writable_bytes(std::span(four));
  ASSERT_TRUE(file->Read(into).ok());
  EXPECT_EQ(four, "0123");
  ASSERT_TRUE(file->ReadAt(6, into).ok());
  EXPECT_EQ(four, "6789");
  ASSERT_TRUE(file->Read(into).ok());
  EXPECT_EQ(four, "4567");
  EXPECT_EQ(file->left(), 2U);
  const absl::Status late = file->ReadAt(8, into);
  EXPECT_TRUE(absl::IsOutOfRange(late)) << late;
  EXPECT_THAT(std::string(late.message()), HasSubstr("nothing at offset 10"));
  EXPECT_THAT(std::string(late.message()), Not(HasSubstr("cut it off")));
  fs::resize_file(directory / "file", 7);
  const absl::Status cut = file->ReadAt(4, into);
  EXPECT_TRUE(absl::IsOutOfRange(cut)) << cut;
  EXPECT_THAT(std::string(cut.message()), HasSubstr("it had 10 bytes"));
}

TEST(PosixFilesTest, AFileSystemSaysHowMuchRoomItHas) {
  const TemporaryDirectory directory;
  const absl::StatusOr<uint64_t> free = PosixFiles().FreeBytes(directory.path());
  ASSERT_TRUE(free.ok()) << free.status();
  EXPECT_GT(*free, 0U);
  EXPECT_TRUE(absl::IsNotFound(PosixFiles().FreeBytes(directory / "none").status()));
}

}  // namespace
}  // namespace varscope::server
