// A snapshot is one moment of a store, and damage to it is noticed.
#include "server/durability/snapshot.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "server/durability/file_names.h"
#include "tests/support/opened.h"
#include "tests/support/push.h"
#include "tests/support/temporary_directory.h"
#include "tests/unit/server/durability/kept.h"

namespace varscope::server {
namespace {

using testing::TemporaryDirectory;

TEST(SnapshotTest, SnapshotsUnderLoadAreConsistent) {
  const TemporaryDirectory directory;
  Kept kept(directory.path());
  const Caller caller{"w", 1, Sharing::kGlobal};
  for (const char* name : {"a", "b"}) {
    ResolveRequest request;
    request.request = {name, DType::kFloat32, Shape{256}, Reuse::kAuto, {}};
    request.name = name;
    request.initializer = InitializerSpec{.kind = "zeros"};
    ASSERT_TRUE(kept.store().catalog.Resolve(caller, request).ok());
  }
  std::atomic<bool> stop{false};
  std::vector<std::thread> pushers;
  pushers.reserve(2);
  for (int t = 0; t < 2; ++t) {
    pushers.emplace_back([&, t] {
      for (uint64_t sequence = 1; !stop; ++sequence) {
        OptimizerStep step;
        step.state = {"Momentum", {{"learning_rate", 1}, {"momentum", 0}}, "Momentum", 0, "a"};
        Tensor ones(DType::kFloat32, Shape{256});
        for (float& x : ones.mutable_values<float>()) x = 1;
        for (const char* name : {"a", "b"}) step.updates.push_back({name, ones, std::nullopt});
        Push push{.id = {"pusher" + std::to_string(t), 1, sequence}};
        push.steps = {step};
        ASSERT_TRUE(Apply(kept.store(), push).ok());
      }
    });
  }
  const auto opened = testing::Opened(directory.path());
  for (int i = 0; i < 50; ++i) {
    const Snapshot snapshot = ReadSnapshot(*opened, kept.TakeSnapshot().filename()).value();
    std::map<std::string, const CapturedVariable*> by_name;
    for (const CapturedVariable& v : snapshot.state.variables) by_name[v.definition->name] = &v;
    const CapturedVariable& a = *by_name.at("a");
    const auto steps = static_cast<float>(snapshot.state.steps.global);
    EXPECT_EQ(a.value.data<float>()[255], -steps);
    EXPECT_TRUE(BytesEqual(a.value, by_name.at("b")->value));
    EXPECT_EQ(a.version, snapshot.state.steps.global);
    if (by_name.contains("a/Momentum")) {
      EXPECT_EQ(by_name.at("a/Momentum")->version, a.version);
    }
    uint64_t last[2] = {0, 0};
    for (const CompletionRecords::Entry& entry : snapshot.state.completion_records) {
      uint64_t& newest = last[entry.id.worker_id == "pusher1"];
      newest = std::max(newest, entry.id.sequence);
    }
    EXPECT_EQ(last[0] + last[1], snapshot.state.steps.global);
  }
  stop = true;
  for (std::thread& pusher : pushers) pusher.join();
}

TEST(SnapshotTest, AnyFlippedByteOfASnapshotIsNoticed) {
  std::mt19937 random(13);
  const TemporaryDirectory directory;
  {
    Kept kept(directory.path());
    for (int i = 0; i < 8; ++i) kept.Change(random);
    kept.Settle();
    kept.TakeSnapshot();
  }
  const auto opened = testing::Opened(directory.path());
  const std::string name = ListSnapshots(*opened).value()[0].name;
  const fs::path path = directory / name;
  const std::string whole = ReadAll(path);
  ASSERT_TRUE(ReadSnapshot(*opened, name).ok());
  for (size_t at = 0; at < whole.size(); ++at) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x55);
    WriteAll(path, damaged);
    EXPECT_FALSE(ReadSnapshot(*opened, name).ok()) << "flipped " << at;
    WriteAll(path, whole.substr(0, at));
    EXPECT_FALSE(ReadSnapshot(*opened, name).ok()) << "cut at " << at;
  }
}

// A rollback that failed may have left one that no start begins with.
TEST(SnapshotTest, OneThatIsNewerThanTheNewestDisplacesNone) {
  std::mt19937 random(18);
  const TemporaryDirectory directory;
  std::vector<fs::path> taken;
  {
    Kept kept(directory.path());
    for (int i = 0; i < 2; ++i) {
      for (int j = 0; j < 4; ++j) kept.Change(random);
      taken.push_back(kept.TakeSnapshot());
    }
  }
  const auto position = [&](int i) {
    return NumberAfter(kSnapshotPrefix, taken[i].filename().string()).value();
  };
  ASSERT_LT(position(0), position(1));
  EXPECT_EQ(TrimSnapshots(*testing::Opened(directory.path()), 1, position(0)), position(0));
  EXPECT_TRUE(fs::exists(taken[0]) && fs::exists(taken[1]));
  EXPECT_EQ(TrimSnapshots(*testing::Opened(directory.path()), 1, position(1)), position(1));
  EXPECT_FALSE(fs::exists(taken[0]));
  EXPECT_TRUE(fs::exists(taken[1]));
}

// Its name decides which others are older than it, and go.
TEST(SnapshotTest, OneThatSomebodyRenamedOrCopiedIsDamagedAndDisplacesNone) {
  std::mt19937 random(17);
  const TemporaryDirectory directory;
  std::vector<fs::path> taken;
  std::string newest;
  {
    Kept kept(directory.path());
    for (const char* name : {"", "", "good"}) {
      for (int i = 0; i < 4; ++i) kept.Change(random);
      kept.Settle();
      taken.push_back(kept.TakeSnapshot(name));
    }
    newest = kept.state();
  }
  const fs::path later = directory / SnapshotName(1'000'000);
  const fs::path named = directory.path() / "snapshot-00000000000000999999-better";
  const std::string older = ReadAll(taken[0]);
  fs::copy(taken[0], later);
  fs::rename(taken[2], named);
  const std::vector<SnapshotInfo> infos =
      DescribeSnapshots(*testing::Opened(directory.path())).value();
  for (const SnapshotInfo& info : infos) {
    const bool wrong = info.path == later || info.path == named;
    EXPECT_EQ(info.damage.empty(), !wrong) << info.path << info.damage;
  }
  const absl::Status refused = FindSnapshot(*testing::Opened(directory.path()), "better").status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(refused.message()), ::testing::HasSubstr("renamed or copied"));
  EXPECT_FALSE(CheckNewName(*testing::Opened(directory.path()), "better").ok());
  EXPECT_EQ(TrimSnapshots(*testing::Opened(directory.path()), 2, UINT64_MAX),
            NumberAfter(kSnapshotPrefix, taken[0].filename().string()));
  EXPECT_EQ(ReadAll(taken[0]), older);
  // The start says so, and goes on once they are away.
  const absl::Status start = testing::RecoveredState(directory.path()).status();
  EXPECT_EQ(start.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(start.message()), ::testing::HasSubstr(later.string()));
  fs::remove(later);
  fs::remove(named);
  EXPECT_EQ(testing::RecoveredState(directory.path()).value(), newest);
}

}  // namespace
}  // namespace varscope::server
