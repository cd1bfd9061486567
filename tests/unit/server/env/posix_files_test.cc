// The operating system's files: nothing of somebody else's is emptied, made, or written through.
#include "server/env/posix_files.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>

#include "tests/support/opened.h"
#include "tests/support/temporary_directory.h"
#include "tests/unit/server/durability/kept.h"

namespace varscope::server {
namespace {

using ::testing::HasSubstr;
using testing::Opened;
using testing::TemporaryDirectory;

TEST(PosixFilesTest, ALockLeavesWhatTheFileHas) {
  const TemporaryDirectory directory;
  const fs::path path = directory / "LOCK";
  WriteAll(path, "somebody's notes");
  for (const auto how : {Directory::LockFile::kMade, Directory::LockFile::kExisting}) {
    const auto opened = Opened(directory.path());
    const absl::Status locked = opened->Lock("LOCK", how);
    ASSERT_TRUE(locked.ok()) << locked;
    for (const auto other : {Directory::LockFile::kMade, Directory::LockFile::kExisting}) {
      EXPECT_TRUE(absl::IsFailedPrecondition(Opened(directory.path())->Lock("LOCK", other)));
    }
    EXPECT_EQ(ReadAll(path), "somebody's notes");
  }
}

TEST(PosixFilesTest, WhoOnlyLooksMakesNoLockFileAndNeedNotWriteIt) {
  const TemporaryDirectory directory;
  const fs::path path = directory / "LOCK";
  const auto lock = [&] {
    return Opened(directory.path())->Lock("LOCK", Directory::LockFile::kExisting);
  };
  EXPECT_TRUE(absl::IsNotFound(lock()));
  EXPECT_FALSE(fs::exists(path));
  WriteAll(path, "");
  ASSERT_EQ(chmod(path.c_str(), 0400), 0);
  EXPECT_TRUE(lock().ok());
}

// Whoever removes or replaces the file has not the directory.
TEST(PosixFilesTest, WithoutItsFileADirectoryStaysLocked) {
  const TemporaryDirectory directory;
  auto opened = Opened(directory.path());
  ASSERT_TRUE(opened->Lock("LOCK").ok());
  fs::remove(directory / "LOCK");
  EXPECT_TRUE(absl::IsFailedPrecondition(Opened(directory.path())->Lock("LOCK")));
  WriteAll(directory / "LOCK", "");
  EXPECT_TRUE(absl::IsFailedPrecondition(Opened(directory.path())->Lock("LOCK")));
  opened.reset();
  EXPECT_TRUE(Opened(directory.path())->Lock("LOCK").ok());
}

TEST(PosixFilesTest, NothingIsWrittenWhereASymbolicLinkLeads) {
  const TemporaryDirectory directory;
  WriteAll(directory / "theirs", "theirs");
  fs::create_symlink(directory / "theirs", directory / "link");
  fs::create_symlink(directory / "nothing", directory / "dangling");
  for (const char* name : {"link", "dangling"}) {
    for (const auto access : {Directory::Access::kGroupReads, Directory::Access::kOwnerOnly}) {
      EXPECT_FALSE(Opened(directory.path())->Create(name, access).ok()) << name;
    }
    for (const auto how : {Directory::LockFile::kMade, Directory::LockFile::kExisting}) {
      const absl::Status status = Opened(directory.path())->Lock(name, how);
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
  fs::create_symlink("file", directory / "relative");
  fs::create_symlink(directory / "nothing", directory / "dangling");
  fs::create_symlink("circle", directory / "circle");
  const auto opened = Opened(directory.path());
  // Each list begins at the beginning.
  for (int i = 0; i < 2; ++i) {
    EXPECT_THAT(opened->List().value(),
                ::testing::UnorderedElementsAre("file", "folder", "pipe", "link", "relative",
                                                "dangling", "circle"));
  }
  for (const char* name : {"file", "link", "relative"}) EXPECT_TRUE(opened->Open(name).ok());
  for (const char* name : {"folder", "pipe", "dangling", "circle"}) {
    const absl::Status status = opened->Open(name).status();
    EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr((directory / name).string()));
    EXPECT_THAT(std::string(status.message()), HasSubstr("move it away"));
  }
  EXPECT_TRUE(absl::IsNotFound(opened->Open("nothing").status()));
}

TEST(PosixFilesTest, APrivateFileIsANewOne) {
  const TemporaryDirectory directory;
  WriteAll(directory / "theirs", "theirs");
  const auto opened = Opened(directory.path());
  const auto refused = opened->Create("theirs", Directory::Access::kOwnerOnly);
  EXPECT_TRUE(absl::IsAlreadyExists(refused.status())) << refused.status();
  EXPECT_EQ(ReadAll(directory / "theirs"), "theirs");
  const auto made = opened->Create("ours", Directory::Access::kOwnerOnly);
  ASSERT_TRUE(made.ok()) << made.status();
  struct stat status {};
  ASSERT_EQ(stat((directory / "ours").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600U);
}

// A record, or somebody's file, may have any bytes for a name.
TEST(PosixFilesTest, NoNameLeadsOutOfTheDirectory) {
  const TemporaryDirectory parent;
  const fs::path directory = parent / "data";
  fs::create_directories(directory / "folder");
  WriteAll(parent / "theirs", "theirs");
  WriteAll(directory / "folder" / "theirs", "theirs");
  WriteAll(directory / "ours", "ours");
  const auto opened = Opened(directory);
  const std::string absolute = (parent / "theirs").string();
  for (const std::string& name :
       {std::string(), std::string("."), std::string(".."), std::string("../theirs"), absolute,
        std::string("folder/theirs"), std::string("ours\0", 5)}) {
    SCOPED_TRACE(name);
    for (const absl::Status& status :
         {opened->Create(name).status(), opened->Open(name).status(), opened->Rename(name, "new"),
          opened->Rename("ours", name), opened->Remove(name), opened->Lock(name)}) {
      EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
    }
  }
  EXPECT_EQ(ReadAll(parent / "theirs"), "theirs");
  EXPECT_EQ(ReadAll(directory / "folder" / "theirs"), "theirs");
  EXPECT_EQ(ReadAll(directory / "ours"), "ours");
}

TEST(PosixFilesTest, ADirectoryThatIsNotThereIsMadeOrNotFound) {
  const TemporaryDirectory parent;
  const fs::path path = parent / "a" / "b";
  EXPECT_TRUE(absl::IsNotFound(OpenPosixDirectory(path, IfMissing::kError).status()));
  EXPECT_FALSE(fs::exists(parent / "a"));
  for (int i = 0; i < 2; ++i) {
    const auto made = OpenPosixDirectory(path, IfMissing::kMake);
    ASSERT_TRUE(made.ok()) << made.status();
    EXPECT_TRUE((*made)->CheckPath().ok());
  }
  WriteAll(parent / "file", "");
  EXPECT_FALSE(OpenPosixDirectory(parent / "file", IfMissing::kMake).ok());
  EXPECT_FALSE(OpenPosixDirectory(parent / "file", IfMissing::kError).ok());
}

// What somebody does to a directory that a server has, and what its path leads to afterwards.
struct Replacement {
  const char* what;
  void (*happens)(const fs::path& path, const fs::path& away);
  bool is_left;  // somewhere
};
constexpr Replacement kReplacements[] = {
    {"removed", [](const fs::path& path, const fs::path&) { fs::remove_all(path); }, false},
    {"removed, and another made",
     [](const fs::path& path, const fs::path&) {
       fs::remove_all(path);
       fs::create_directory(path);
     },
     false},
    {"replaced by a copy",
     [](const fs::path& path, const fs::path& away) {
       fs::copy(path, away, fs::copy_options::recursive);
       fs::remove_all(path);
       fs::rename(away, path);
     },
     false},
    {"moved", [](const fs::path& path, const fs::path& away) { fs::rename(path, away); }, true},
    {"moved, and a copy in its place",
     [](const fs::path& path, const fs::path& away) {
       fs::rename(path, away);
       fs::copy(away, path, fs::copy_options::recursive);
     },
     true},
    {"moved, and a file in its place",
     [](const fs::path& path, const fs::path& away) {
       fs::rename(path, away);
       WriteAll(path, "a file");
     },
     true},
    {"moved, and a link to another in its place",
     [](const fs::path& path, const fs::path& away) {
       fs::rename(path, away);
       const fs::path other = path.string() + ".other";
       fs::create_directory(other);
       WriteAll(other / "file", "theirs");
       fs::create_directory_symlink(other, path);
     },
     true},
};

std::map<std::string, std::string> ContentsOf(const fs::path& path) {
  std::map<std::string, std::string> all;
  if (!fs::is_directory(path)) return all;
  for (const auto& entry : fs::directory_iterator(path)) {
    all[entry.path().filename()] = ReadAll(entry.path());
  }
  return all;
}

TEST(PosixFilesTest, WhatHasItsPathNowIsNotTouched) {
  for (const Replacement& replacement : kReplacements) {
    SCOPED_TRACE(replacement.what);
    const TemporaryDirectory parent;
    const fs::path path = parent / "data";
    const fs::path away = parent / "away";
    fs::create_directory(path);
    WriteAll(path / "file", "ours");
    const auto opened = Opened(path);
    ASSERT_TRUE(opened->CheckPath().ok());
    replacement.happens(path, away);
    const absl::Status gone = opened->CheckPath();
    EXPECT_TRUE(absl::IsFailedPrecondition(gone)) << gone;
    EXPECT_THAT(std::string(gone.message()), HasSubstr(path.string() + " was removed or replaced"));
    EXPECT_THAT(std::string(gone.message()),
                HasSubstr(replacement.is_left ? away.string() : "varscopectl export"));
    EXPECT_EQ(opened->Explain(absl::InternalError("another reason")), gone);
    const auto before = ContentsOf(path);
    const auto written = opened->Create("new");
    EXPECT_EQ(written.ok(), replacement.is_left) << written.status();
    EXPECT_EQ(opened->Open("file").ok(), replacement.is_left);
    EXPECT_EQ(opened->Rename("file", "renamed").ok(), replacement.is_left);
    EXPECT_TRUE(opened->Remove("file").ok());
    EXPECT_TRUE(opened->Remove("renamed").ok());
    opened->Sync().IgnoreError();
    opened->List().status().IgnoreError();
    EXPECT_EQ(ContentsOf(path), before);
    if (replacement.is_left) {
      EXPECT_EQ(ContentsOf(away), (std::map<std::string, std::string>{{"new", ""}}));
    }
  }
}

TEST(PosixFilesTest, ADirectoryThatIsMovedBackIsTheSame) {
  const TemporaryDirectory parent;
  fs::create_directory(parent / "data");
  fs::create_directory_symlink("data", parent / "link");
  for (const char* by : {"data", "link"}) {
    const auto opened = Opened(parent / by);
    EXPECT_TRUE(opened->CheckPath().ok());
    fs::rename(parent / "data", parent / "away");
    EXPECT_FALSE(opened->CheckPath().ok());
    ASSERT_TRUE(opened->Create(by).ok());
    fs::rename(parent / "away", parent / "data");
    EXPECT_TRUE(opened->CheckPath().ok());
    EXPECT_TRUE(fs::exists(parent / "data" / by));
    EXPECT_TRUE(opened->Explain(absl::OkStatus()).ok());
    EXPECT_TRUE(absl::IsInternal(opened->Explain(absl::InternalError("a reason"))));
  }
}

TEST(PosixFilesTest, ReadsAnywhereAndInOrder) {
  const TemporaryDirectory directory;
  WriteAll(directory / "file", "0123456789");
  const auto file = Opened(directory.path())->Open("file").value();
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
  const absl::StatusOr<uint64_t> free = Opened(directory.path())->FreeBytes();
  ASSERT_TRUE(free.ok()) << free.status();
  EXPECT_GT(*free, 0U);
}

}  // namespace
}  // namespace varscope::server
