// Whatever is damaged in a data directory is told, also what a start does not need today.
#include "server/durability/verify.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/auth/session_keys.h"
#include "server/durability/file_names.h"
#include "server/durability/frame.h"
#include "server/durability/log.h"
#include "server/durability/session_secret.h"
#include "tests/support/opened.h"
#include "tests/support/temporary_directory.h"
#include "tests/unit/server/durability/kept.h"

namespace varscope::server {
namespace {

using ::testing::HasSubstr;
using testing::TemporaryDirectory;

// All that it says of them.
std::string DamageIn(const fs::path& directory) {
  const absl::StatusOr<Verified> verified = Verify(directory);
  if (!verified.ok()) return std::string(verified.status().message());
  std::string all =
      absl::StrCat(verified->recovered.status().message(), verified->session_secret.message());
  for (const VerifiedSnapshot& snapshot : verified->snapshots) {
    absl::StrAppend(&all, snapshot.whole.message());
  }
  for (const VerifiedSegment& segment : verified->segments) {
    absl::StrAppend(&all, segment.whole.message());
  }
  return all;
}

// A log whose parts are in snapshots without a name, in one with a name, and in none.
void Fill(const fs::path& directory) {
  std::mt19937 random(31);
  Kept kept(directory);
  for (const char* name : {"", "named", "", "also", "-"}) {
    for (int i = 0; i < 4; ++i) kept.Change(random);
    kept.Settle();
    if (std::string(name) != "-") kept.TakeSnapshot(name);
  }
  ASSERT_TRUE(
      WriteSessionSecret(SystemEnv(), *testing::Opened(directory), SessionKeys::NewSecret()).ok());
}

TEST(VerifyTest, AnyFlippedByteOfAnyFileIsTold) {
  const TemporaryDirectory directory;
  Fill(directory.path());
  ASSERT_EQ(DamageIn(directory.path()), "");
  size_t segments = 0;
  for (const auto& entry : fs::directory_iterator(directory.path())) {
    const std::string name = entry.path().filename();
    if (name == kLockName) continue;
    const std::string whole = ReadAll(entry.path());
    const bool is_log = name.starts_with("log-");
    if (is_log) ++segments;
    // The last mark of a segment has no change.
    const size_t end = is_log ? whole.size() - kPrefixBytes : whole.size();
    for (size_t at = 0; at < end; at += at < kPrefixBytes ? 1 : 13) {
      std::string damaged = whole;
      damaged[at] = static_cast<char>(damaged[at] ^ (1 << (at % 8)));
      WriteAll(entry.path(), damaged);
      EXPECT_THAT(DamageIn(directory.path()), HasSubstr(entry.path().string())) << "flipped " << at;
    }
    WriteAll(entry.path(), whole);
  }
  EXPECT_GE(segments, 4U);
  EXPECT_EQ(DamageIn(directory.path()), "");
}

// What a segment lost at its end, later ones say that it was durable.
TEST(VerifyTest, ASegmentThatWasCutOffIsToldThoughANamedSnapshotHasItsChanges) {
  const TemporaryDirectory directory;
  std::mt19937 random(37);
  {
    Kept kept(directory.path());
    for (const char* name : {"", "named"}) {
      for (int i = 0; i < 4; ++i) kept.Change(random);
      kept.Settle();
      kept.TakeSnapshot(name);
    }
    for (int i = 0; i < 4; ++i) kept.Change(random);
    kept.Settle();
  }
  const std::vector<Segment> segments = ListSegments(*testing::Opened(directory.path())).value();
  ASSERT_GE(segments.size(), 2U);
  const fs::path hidden = segments[segments.size() - 2].path;
  const std::string whole = ReadAll(hidden);
  for (size_t size = 0; size + kPrefixBytes < whole.size(); size += 17) {
    WriteAll(hidden, whole.substr(0, size));
    EXPECT_THAT(DamageIn(directory.path()), HasSubstr(hidden.string())) << size;
  }
  WriteAll(hidden, whole);
  EXPECT_EQ(DamageIn(directory.path()), "");
}

// The server was killed, or a file could not be removed, after the snapshots that it does not need
// had gone and before the log that they begin. Such a segment may end early, as after an attempt to
// write that failed: only a snapshot that has gone said so.
TEST(VerifyTest, WhatARemovalLeftOverIsNoDamage) {
  const TemporaryDirectory directory;
  std::mt19937 random(43);
  std::map<fs::path, std::string> removed;
  {
    Kept kept(directory.path());
    for (int round = 0; round < 4; ++round) {
      for (int i = 0; i < 4; ++i) kept.Change(random);
      kept.Settle();
      std::map<fs::path, std::string> before;
      const auto segments = ListSegments(*testing::Opened(directory.path())).value();
      for (const Segment& segment : segments) {
        before[segment.path] = ReadAll(segment.path);
      }
      kept.TakeSnapshot();
      for (auto& [path, bytes] : before) {
        if (!fs::exists(path)) removed[path] = bytes;
      }
    }
    for (int i = 0; i < 4; ++i) kept.Change(random);
    kept.Settle();
  }
  ASSERT_GE(removed.size(), 2U);
  for (const auto& [path, bytes] : removed) {
    for (size_t size = 0; size <= bytes.size(); size += 17) {
      WriteAll(path, bytes.substr(0, size));
      EXPECT_EQ(DamageIn(directory.path()), "") << path << ", " << size;
    }
    WriteAll(path, "something else");
    const absl::StatusOr<Verified> verified = Verify(directory.path());
    ASSERT_TRUE(verified.ok()) << verified.status();
    for (const VerifiedSegment& segment : verified->segments) {
      EXPECT_EQ(segment.left_over, removed.contains(segment.path)) << segment.path;
    }
  }
  // What no snapshot has is missed as before, with them and without.
  const fs::path last = ListSegments(*testing::Opened(directory.path())).value().back().path;
  std::string whole = ReadAll(last);
  whole[kPrefixBytes] = static_cast<char>(whole[kPrefixBytes] ^ 1);
  WriteAll(last, whole);
  EXPECT_THAT(DamageIn(directory.path()), HasSubstr(last.string()));
}

// A time without a log leaves a gap, which is no damage: a snapshot is there instead.
TEST(VerifyTest, ATimeWithoutALogIsNoDamage) {
  const TemporaryDirectory directory;
  std::mt19937 random(41);
  for (const DurabilityLevel level :
       {DurabilityLevel::kSync, DurabilityLevel::kNone, DurabilityLevel::kSync}) {
    Kept kept(directory.path(), level);
    for (int i = 0; i < 4; ++i) kept.Change(random);
    if (level == DurabilityLevel::kNone) kept.TakeSnapshot();
    kept.Settle();
  }
  EXPECT_EQ(DamageIn(directory.path()), "");
}

}  // namespace
}  // namespace varscope::server
