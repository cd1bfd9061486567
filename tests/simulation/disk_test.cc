// The disk of the simulation: it keeps what files.h promises, and forgets what it does not.
#include "tests/simulation/disk.h"

#include <gtest/gtest.h>

#include <memory>
#include <span>
#include <string>

#include "absl/strings/match.h"

namespace varscope::simulation {
namespace {

std::span<const std::byte> Bytes(const std::string& text) { return std::as_bytes(std::span(text)); }

std::unique_ptr<server::Directory> OpenedAt(Disk& disk, const char* path) {
  return disk.OpenDirectory(path, server::IfMissing::kError).value();
}

std::string Seen(const Disk& disk, const std::string& name) {
  const auto contents = disk.contents();
  const auto it = contents.find(name);
  return it == contents.end() ? "(none)" : it->second;
}

TEST(DiskTest, KeepsWhatWasSynced) {
  for (uint64_t seed = 0; seed < 200; ++seed) {
    for (const Disk::Loss loss : {Disk::Loss::kOrdered, Disk::Loss::kPosix}) {
      Trace trace(seed);
      Disk disk(trace);
      const auto directory = OpenedAt(disk, "/d");
      auto file = directory->Create("a").value();
      ASSERT_TRUE(file->Write(Bytes(std::string(2000, 'x'))).ok());
      ASSERT_TRUE(file->Sync().ok());
      ASSERT_TRUE(directory->Sync().ok());
      ASSERT_TRUE(file->Write(Bytes("more")).ok());
      disk.Crash();
      disk.Restart(loss);
      ASSERT_TRUE(absl::StartsWith(Seen(disk, "a"), std::string(2000, 'x'))) << trace.Tail();
      ASSERT_FALSE(file->Write(Bytes("a file of before")).ok());
    }
  }
}

// Each of these is what some real disk does.
TEST(DiskTest, ForgetsWhatWasNot) {
  bool no_name = false;
  bool no_bytes = false;
  bool torn = false;
  bool whole = false;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    Trace trace(seed);
    Disk disk(trace);
    const auto directory = OpenedAt(disk, "/d");
    auto file = directory->Create("a").value();
    ASSERT_TRUE(file->Write(Bytes("0123456789")).ok());
    disk.Crash();
    disk.Restart(Disk::Loss::kPosix);
    const std::string seen = Seen(disk, "a");
    no_name = no_name || seen == "(none)";
    no_bytes = no_bytes || seen.empty();
    torn = torn || (!seen.empty() && seen.size() < 10 && seen[0] == '0');
    whole = whole || seen == "0123456789";
  }
  EXPECT_TRUE(no_name);
  EXPECT_TRUE(no_bytes);
  EXPECT_TRUE(torn);
  EXPECT_TRUE(whole);
}

TEST(DiskTest, ARenameIsTheOldOrTheNewFile) {
  bool is_old = false;
  bool is_new = false;
  for (uint64_t seed = 0; seed < 100; ++seed) {
    Trace trace(seed);
    Disk disk(trace);
    const auto directory = OpenedAt(disk, "/d");
    for (const std::string name : {"old", "new"}) {
      auto file = directory->Create(name).value();
      ASSERT_TRUE(file->Write(Bytes(name)).ok());
      ASSERT_TRUE(file->Sync().ok());
    }
    ASSERT_TRUE(directory->Sync().ok());
    ASSERT_TRUE(directory->Rename("new", "old").ok());
    disk.Crash();
    disk.Restart(Disk::Loss::kPosix);
    const std::string seen = Seen(disk, "old");
    ASSERT_TRUE(seen == "old" || seen == "new") << seen;
    is_old = is_old || seen == "old";
    is_new = is_new || seen == "new";
  }
  EXPECT_TRUE(is_old && is_new);
}

// After a sync that failed, one that succeeds says nothing of the bytes of before.
TEST(DiskTest, AFailedSyncIsToldOnce) {
  bool lost = false;
  for (uint64_t seed = 0; seed < 50; ++seed) {
    Trace trace(seed);
    Disk disk(trace);
    const auto directory = OpenedAt(disk, "/d");
    auto file = directory->Create("a").value();
    ASSERT_TRUE(directory->Sync().ok());
    ASSERT_TRUE(file->Write(Bytes("0123456789")).ok());
    disk.FailAt(disk.calls() + 1, Disk::Fault::kOnce);
    ASSERT_FALSE(file->Sync().ok());
    ASSERT_TRUE(file->Sync().ok());
    disk.Crash();
    disk.Restart(Disk::Loss::kPosix);
    lost = lost || Seen(disk, "a") != "0123456789";
  }
  EXPECT_TRUE(lost);
}

}  // namespace
}  // namespace varscope::simulation
