// A file of the server's that cannot be read is none that is not there.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <functional>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "server/durability/file_names.h"
#include "server/durability/log.h"
#include "server/durability/recovery.h"
#include "server/durability/verify.h"
#include "tests/support/opened.h"
#include "tests/support/temporary_directory.h"
#include "tests/unit/server/durability/kept.h"

namespace varscope::server {
namespace {

using ::testing::HasSubstr;
using testing::TemporaryDirectory;

// What has one of the server's own names may be what was acknowledged last: who cannot read it does
// not start without it.
TEST(UnreadableFilesTest, WhatHasAWholeNameAndCannotBeReadIsARefusal) {
  const TemporaryDirectory directory;
  std::mt19937 random(29);
  std::string before;
  {
    Kept kept(directory.path());
    for (int i = 0; i < 3; ++i) kept.Change(random);
    kept.Settle();
    before = kept.state();
  }
  const std::vector<std::function<void(const fs::path&)>> things = {
      [](const fs::path& path) { fs::create_directory(path); },
      [](const fs::path& path) { ASSERT_EQ(mkfifo(path.c_str(), 0600), 0); },
      [](const fs::path& path) { fs::create_symlink("nowhere", path); },
      [](const fs::path& path) { fs::create_symlink(path.filename(), path); },
      [](const fs::path& path) { fs::create_symlink(".", path); },
  };
  for (const uint64_t position : {uint64_t{1}, uint64_t{2}, uint64_t{9999}}) {
    for (const fs::path& path :
         {directory / SegmentName(position), directory / SnapshotName(position),
          directory / (SnapshotName(position) + "-good")}) {
      if (fs::exists(path)) continue;
      for (const auto& make : things) {
        make(path);
        const absl::Status start = RecoveredState(directory.path()).status();
        EXPECT_FALSE(start.ok()) << path;
        EXPECT_FALSE(absl::IsDataLoss(start)) << start;
        EXPECT_THAT(std::string(start.message()), HasSubstr(path.string()));
        EXPECT_THAT(std::string(start.message()), HasSubstr("move it away"));
        const absl::StatusOr<Verified> verified = Verify(directory.path());
        EXPECT_FALSE(verified.ok() && verified->recovered.ok()) << path;
        EXPECT_TRUE(fs::symlink_status(path).type() != fs::file_type::not_found) << path;
        fs::remove(path);
      }
    }
  }
  EXPECT_EQ(RecoveredState(directory.path()).value(), before);
}

// Each of the files in its turn may be on another volume, and that may not be mounted.
TEST(UnreadableFilesTest, AFileBehindALinkIsReadAndOneThatIsNotThereIsARefusal) {
  std::mt19937 random(23);
  const TemporaryDirectory directory;
  const TemporaryDirectory volume;
  std::string before;
  std::vector<fs::path> files;
  {
    Kept kept(directory.path());
    for (const char* name : {"", "good", ""}) {
      for (int i = 0; i < 5; ++i) kept.Change(random);
      kept.Settle();
      files.push_back(kept.TakeSnapshot(name));
    }
    for (int i = 0; i < 5; ++i) kept.Change(random);
    kept.Settle();
    before = kept.state();
  }
  const std::vector<Segment> segments = ListSegments(*testing::Opened(directory.path())).value();
  for (const Segment& segment : segments) files.push_back(segment.path);
  ASSERT_GE(files.size(), 5U);
  for (const fs::path& path : files) {
    const fs::path away = volume.path() / path.filename();
    fs::rename(path, away);
    fs::create_symlink(away, path);
    EXPECT_EQ(RecoveredState(directory.path()).value(), before) << path;
    const fs::path unmounted = away.string() + ".unmounted";
    fs::rename(away, unmounted);
    const absl::Status start = RecoveredState(directory.path()).status();
    EXPECT_TRUE(absl::IsFailedPrecondition(start)) << path << start;
    EXPECT_THAT(std::string(start.message()),
                HasSubstr(path.string() + " is a symbolic link that leads nowhere"));
    fs::rename(unmounted, away);
    EXPECT_EQ(RecoveredState(directory.path()).value(), before) << path;
  }
  // All of them are links now, and nothing is written where they lead.
  std::map<fs::path, std::string> contents;
  for (const auto& entry : fs::directory_iterator(volume.path())) {
    contents[entry.path()] = ReadAll(entry.path());
  }
  {
    Kept kept(directory.path());
    EXPECT_EQ(kept.state(), before);
    for (int round = 0; round < 3; ++round) {
      for (int i = 0; i < 5; ++i) kept.Change(random);
      kept.Settle();
      kept.TakeSnapshot();
    }
    before = kept.state();
  }
  for (const auto& [path, bytes] : contents) EXPECT_EQ(ReadAll(path), bytes) << path;
  EXPECT_EQ(RecoveredState(directory.path()).value(), before);
}

}  // namespace
}  // namespace varscope::server
