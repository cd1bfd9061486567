// What the server keeps on its disk is bounded, and leaves it room for what it has to write.
#include <gtest/gtest.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "server/durability/recorder.h"
#include "server/membership/workers.h"
#include "server/store/store.h"
#include "tests/simulation/comes_back.h"
#include "tests/simulation/sim_env.h"
#include "tests/simulation/world.h"

namespace varscope::simulation {
namespace {

// Refusals and failed writes are what these tests are about.
const bool kQuiet = [] {
  spdlog::set_level(spdlog::level::off);
  return true;
}();

// Of files whose names begin so.
uint64_t BytesOnDisk(World& world, const std::string& prefix = "") {
  uint64_t bytes = 0;
  for (const auto& [name, content] : world.env().disk().contents()) {
    if (name.starts_with(prefix)) bytes += content.size();
  }
  return bytes;
}

void Begin(World& world, const std::string& worker) {
  world.Connect(worker);
  world.env().RunDue();
  world.Create(worker, "v");
  world.env().RunDue();
}

void PushSome(World& world, const std::string& worker, int count) {
  for (int i = 0; i < count; ++i) {
    world.Push(worker, "v", "Adam");
    world.env().RunDue();
  }
}

// However long it serves: a snapshot takes the place of what is of the past.
TEST(DiskBoundTest, TheLogIsBoundedByTheState) {
  World world(5);
  world.Start();
  uint64_t most = 0;
  uint64_t written = 0;
  uint64_t before = 0;
  for (const char* worker : {"a", "b", "c", "d"}) {
    world.Connect(worker);
    world.env().RunDue();
    world.Create(worker, "v");
    world.env().RunDue();
    for (int i = 0; i < 250; ++i) {
      world.Push(worker, "v", "Adam");
      world.env().RunDue();
      const uint64_t now = BytesOnDisk(world);
      written += now - std::min(now, before);
      before = now;
      most = std::max(most, now);
    }
  }
  // The log between three snapshots, two of them kept, and a third while it is written.
  const uint64_t bound = 3 * World::kMaxLogBytes;
  EXPECT_LT(most, bound);
  EXPECT_GT(written, 3 * bound);
  world.Crash();
  world.env().disk().Restart(Disk::Loss::kOrdered);
  world.Start();
  ASSERT_EQ(world.wrong(), "");
  ExpectThatItGoesOn(world);
}

// Snapshots with a name are for rollback: recovery needs the log from the last one without a name
// on. Nor does a restart begin to count anew.
TEST(DiskBoundTest, NamedSnapshotsAndRestartsLeaveTheLogItsBound) {
  World world(5);
  for (int life = 0; life < 8; ++life) {
    const std::string worker = "life-" + std::to_string(life);
    world.Start();
    Begin(world, worker);
    for (int i = 0; i < 4; ++i) {
      PushSome(world, worker, 40);
      world.TakeSnapshot("hour-" + std::to_string(4 * life + i));
      world.env().RunDue();
      EXPECT_LT(BytesOnDisk(world, "log-"), 3 * World::kMaxLogBytes) << life << " " << i;
    }
    world.Crash();
    world.env().disk().Restart(Disk::Loss::kNothing);
  }
  world.Start();
  ASSERT_EQ(world.wrong(), "");
  ExpectThatItGoesOn(world);
}

// They may be removed, though a start has begun with one: what is older than it may be damaged by
// then, and nobody has looked.
TEST(DiskBoundTest, ANamedSnapshotIsNotAllThatAStartLeaves) {
  for (const bool fails : {false, true}) {
    World world(5);
    world.Start();
    Begin(world, "a");
    PushSome(world, "a", 10);
    world.TakeSnapshot("");
    PushSome(world, "a", 10);
    world.TakeSnapshot("named");
    PushSome(world, "a", 10);
    world.Crash();
    Disk& disk = world.env().disk();
    disk.Restart(Disk::Loss::kNothing);
    ExpectToStart(world);
    // The next attempt comes by itself.
    if (fails) disk.FailAtNext("rename", Disk::Fault::kOnce);
    world.env().Advance(std::chrono::milliseconds(11'000));
    EXPECT_EQ(disk.faults(), fails ? 1U : 0U);
    world.Crash();
    disk.Restart(Disk::Loss::kNothing);
    // Names are in the order of positions.
    std::string named;
    for (const auto& [name, bytes] : disk.contents()) {
      if (name.ends_with("-named")) named = name;
    }
    ASSERT_NE(named, "");
    const std::string position = named.substr(std::string("snapshot-").size(), 20);
    const auto directory = disk.OpenDirectory("/data", server::IfMissing::kError).value();
    size_t removed = 0;
    for (const auto& [name, bytes] : disk.contents()) {
      const bool is_older = name.starts_with("log-") && name.substr(4) <= position;
      if (name != named && !is_older) continue;
      ASSERT_TRUE(directory->Remove(name).ok());
      ++removed;
    }
    EXPECT_GE(removed, 2U);
    ExpectToStart(world);
    if (!HasFailure()) ExpectThatItGoesOn(world);
  }
}

// Where the disk ends before the log's bound, a snapshot is taken while there is room for it.
TEST(DiskBoundTest, TheLogLeavesRoomForTheSnapshotThatTakesItsPlace) {
  World world(5);
  world.Start();
  world.env().disk().LimitTo(2 * World::kMaxLogBytes);
  for (const char* worker : {"a", "b", "c", "d"}) {
    Begin(world, worker);
    const size_t before = world.acknowledged();
    PushSome(world, worker, 250);
    EXPECT_EQ(world.acknowledged(), before + 250) << worker;
    EXPECT_LE(BytesOnDisk(world), 2 * World::kMaxLogBytes);
  }
  ExpectToComeBack(world, Disk::Loss::kPosix);
}

// However often an operator asks for snapshots of his own, and whatever room there is: the server
// goes on.
TEST(DiskBoundTest, NamedSnapshotsLeaveRoomForTheNextOne) {
  const std::vector<std::string> workers = {"a", "b", "c", "d"};
  constexpr size_t kAttempts = 20;
  size_t taken = 0;
  // In halves of a snapshot. The disk shrinks at once: with less, the log fills it before the
  // server looks again, also without a named snapshot.
  for (uint64_t room = 12; room <= 24; ++room) {
    World world(5);
    world.Start();
    for (const std::string& worker : workers) {
      Begin(world, worker);
      PushSome(world, worker, 100);
    }
    const uint64_t before = BytesOnDisk(world, "snapshot-");
    world.TakeSnapshot("measure");
    const uint64_t snapshot = BytesOnDisk(world, "snapshot-") - before;
    world.TakeSnapshot("");
    world.env().disk().LimitTo(BytesOnDisk(world) + room * snapshot / 2);
    size_t named = 0;
    for (size_t i = 0; i < kAttempts; ++i) {
      const std::string name = "named" + std::to_string(i);
      world.TakeSnapshot(name);
      if (world.snapshots().contains(name)) ++named;
      const size_t acknowledged = world.acknowledged();
      PushSome(world, workers[i % workers.size()], 10);
      ASSERT_EQ(world.acknowledged(), acknowledged + 10) << room << ", after " << name;
    }
    EXPECT_LT(named, kAttempts) << room;
    taken += named;
    ExpectToComeBack(world, Disk::Loss::kPosix);
    if (HasFailure()) return;
  }
  EXPECT_GT(taken, 0U);
}

TEST(DiskBoundTest, WhoIsRefusedANamedSnapshotIsToldHowMuchRoomItNeeds) {
  using namespace server;
  SimEnv env(1);
  Store store(StoreLimits{uint64_t{1} << 24, uint64_t{1} << 24}, env);
  Workers workers(std::chrono::milliseconds(0), env);
  Recorder recorder(env.OpenDirectory("/data", IfMissing::kError).value(), {}, store, workers,
                    /*position=*/0, /*snapshot=*/std::nullopt, env);
  ResolveRequest request;
  request.request = {"v", DType::kFloat32, Shape{10'000}, Reuse::kAuto, {}};
  request.name = "v";
  request.initializer = InitializerSpec{.kind = "zeros"};
  ASSERT_TRUE(store.catalog.Resolve({"w", 1, Sharing::kGlobal}, request).ok());
  ASSERT_TRUE(recorder.TakeSnapshot("").ok());
  uint64_t used = 0;
  for (const auto& [name, bytes] : env.disk().contents()) used += bytes.size();
  env.disk().LimitTo(used + 100'000);
  const absl::Status refused = recorder.TakeSnapshot("mine").status();
  EXPECT_TRUE(absl::IsResourceExhausted(refused)) << refused;
  for (const char* what : {"'mine'", "bytes have to be free in /data", "100000 are"}) {
    EXPECT_TRUE(absl::StrContains(refused.message(), what)) << refused;
  }
  EXPECT_TRUE(recorder.TakeSnapshot("").ok());
  env.disk().LimitTo(std::nullopt);
  EXPECT_TRUE(recorder.TakeSnapshot("mine").ok());
}

// What the newest snapshot does not need gives way when the disk is full already.
TEST(DiskBoundTest, AFullDiskIsNotFullForEver) {
  for (const bool restarts : {false, true}) {
    World world(5);
    world.Start();
    Begin(world, "a");
    for (int i = 0; i < 2; ++i) {
      PushSome(world, "a", 20);
      world.TakeSnapshot("");
    }
    PushSome(world, "a", 20);
    world.env().disk().LimitTo(BytesOnDisk(world));
    PushSome(world, "a", 1);
    if (restarts) {
      ExpectToComeBack(world, Disk::Loss::kNothing);
    } else {
      ExpectThatItGoesOn(world);
    }
    EXPECT_EQ(world.wrong(), "");
  }
}

}  // namespace
}  // namespace varscope::simulation
