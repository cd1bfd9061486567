// One story, told again and again: each time another call of its disk fails.
#include <gtest/gtest.h>
#include <spdlog/spdlog.h>

#include <filesystem>
#include <iterator>
#include <stdexcept>
#include <string>

#include "tests/simulation/comes_back.h"
#include "tests/simulation/world.h"

namespace varscope::simulation {
namespace {

using server::DurabilityLevel;
using std::chrono::milliseconds;

// Refusals and failed writes are what these tests are about.
const bool kQuiet = [] {
  spdlog::set_level(spdlog::level::off);
  return true;
}();

// The steps after `Start`; those that cannot be taken are left out. Events run now and then.
void TellStory(World& world) {
  SimEnv& env = world.env();
  const auto events = [&](int count) {
    for (int i = 0; i < count && world.RunOne(); ++i) {
    }
  };
  for (const std::string& worker : world.workers()) {
    world.Connect(worker);
    events(2);
  }
  world.Create("w0", "a");
  world.Create("w1", "b");
  events(3);
  world.Push("w0", "a", "Momentum");
  world.Push("w1", "b", "Adam");
  events(4);
  world.PushAgain("w0");
  world.Push("w2", "a", "Adam");
  events(1);
  world.TakeSnapshot("named");
  world.Push("w0", "b", "Adam");
  world.Create("w1", "bsp/a");
  world.Push("w0", "bsp/a", "Momentum");
  world.Push("w1", "bsp/a", "Momentum");
  env.Advance(milliseconds(30));
  world.TakeSnapshot("");
  world.Push("w1", "a", "GradientDescent");
  world.Connect("w1");
  world.PushAgain("w0");
  events(3);
  if (world.snapshots().contains("named")) world.RollBack("named");
  world.Connect("w0");
  events(1);
  world.Push("w0", "a", "Momentum");
  world.Create("w0", "c");
  world.Push("w0", "c", "Adam");
  env.Advance(milliseconds(30));
  world.TakeSnapshot("");
  world.Push("w0", "c", "Adam");
  env.Advance(milliseconds(30));
}

// False: the disk failed meanwhile.
bool TryToStart(World& world) {
  try {
    world.Start();
    return true;
  } catch (const std::runtime_error&) {
    return false;
  }
}

uint64_t CallsOfTheStory(DurabilityLevel level) {
  World world(7, level);
  world.Start();
  TellStory(world);
  return world.env().disk().calls();
}

int Threads() {
  const std::filesystem::directory_iterator threads("/proc/self/task");
  return static_cast<int>(std::distance(begin(threads), end(threads)));
}

// Connect, create, push, crash, recover: the same events each time, on one thread.
TEST(StoryTest, OneSeedIsOneTrace) {
  std::vector<std::string> first;
  for (int run = 0; run < 2; ++run) {
    World world(42);
    world.Start();
    TellStory(world);
    world.Crash();
    world.env().disk().Restart(Disk::Loss::kPosix);
    world.Start();
    ASSERT_EQ(world.wrong(), "");
    ExpectThatItGoesOn(world);
    if (run == 0) first = world.env().trace().events();
    EXPECT_EQ(world.env().trace().events(), first);
  }
  EXPECT_GT(first.size(), 100U);
  EXPECT_EQ(Threads(), 1);
  World other(43);
  other.Start();
  TellStory(other);
  EXPECT_NE(other.env().trace().events(), first);
}

class FaultTest : public ::testing::TestWithParam<DurabilityLevel> {
 protected:
  // `live(world)` once for each call that the story makes of the disk, after `plan(disk, call)`.
  template <typename Plan, typename Live>
  void AtEachCall(const Plan& plan, const Live& live) {
    const uint64_t calls = CallsOfTheStory(GetParam());
    for (uint64_t call = 1; call <= calls; ++call) {
      World world(7, GetParam());
      plan(world.env().disk(), call);
      live(world);
      if (HasFailure()) FAIL() << "call " << call << "\n" << world.env().trace().Tail(200);
    }
  }

  // `check(world, started)` once for each call of a start after `prepare(world)`, in which that
  // call fails once.
  template <typename Prepare, typename Check>
  void AtEachCallOfAStart(const Prepare& prepare, const Check& check) {
    bool reached = true;
    for (uint64_t call = 1; reached; ++call) {
      World world(7, GetParam());
      prepare(world);
      Disk& disk = world.env().disk();
      const uint64_t at = disk.calls() + call;
      disk.FailAt(at, Disk::Fault::kOnce);
      const bool started = TryToStart(world);
      reached = disk.calls() >= at;
      disk.Heal();
      EXPECT_EQ(world.wrong(), "");
      check(world, started);
      if (HasFailure()) FAIL() << "call " << call << "\n" << world.env().trace().Tail(200);
    }
  }

  template <typename Live>
  void WithEachFault(Disk::Fault fault, const Live& live) {
    AtEachCall([fault](Disk& disk, uint64_t call) { disk.FailAt(call, fault); }, live);
  }
};

TEST_P(FaultTest, AnyCallMayFailOnceOrTwice) {
  for (const Disk::Fault fault : {Disk::Fault::kOnce, Disk::Fault::kTwice}) {
    for (const Disk::Loss loss : {Disk::Loss::kNothing, Disk::Loss::kPosix}) {
      WithEachFault(fault, [&](World& world) {
        if (TryToStart(world)) TellStory(world);
        while (!world.running() && !HasFailure()) TryToStart(world);
        EXPECT_EQ(world.wrong(), "");
        ExpectThatItGoesOn(world);
        ExpectToComeBack(world, loss);
      });
    }
  }
}

// Some calls go on failing, from any one on.
constexpr Disk::Fault kLasting[] = {Disk::Fault::kStays, Disk::Fault::kAllButRemovals,
                                    Disk::Fault::kFull};

TEST_P(FaultTest, FromAnyCallOnTheDiskMayFailUntilItIsMended) {
  for (const Disk::Fault fault : kLasting) {
    WithEachFault(fault, [](World& world) {
      const bool started = TryToStart(world);
      if (started) TellStory(world);
      world.env().disk().Heal();
      if (!started) ExpectToStart(world);
      ExpectThatItGoesOn(world);
      ExpectToComeBack(world, Disk::Loss::kPosix);
    });
  }
}

TEST_P(FaultTest, FromAnyCallOnTheDiskMayFailUntilTheProcessEnds) {
  for (const Disk::Fault fault : kLasting) {
    WithEachFault(fault, [](World& world) {
      if (TryToStart(world)) TellStory(world);
      ExpectToComeBack(world, Disk::Loss::kNothing);
    });
  }
}

TEST_P(FaultTest, AnyCallMayBeTheLast) {
  for (const Disk::Loss loss : {Disk::Loss::kNothing, Disk::Loss::kOrdered, Disk::Loss::kPosix}) {
    AtEachCall([](Disk& disk, uint64_t call) { disk.CrashAt(call); },
               [loss](World& world) {
                 if (TryToStart(world)) TellStory(world);
                 ExpectToComeBack(world, loss);
                 ExpectToComeBack(world, loss);
               });
  }
}

// The server is at work on what failed, and its process dies.
TEST_P(FaultTest, AnyCallMayFailAndOneSoonAfterItBeTheLast) {
  for (const Disk::Fault fault : {Disk::Fault::kOnce, Disk::Fault::kTwice, Disk::Fault::kStays,
                                  Disk::Fault::kAllButRemovals, Disk::Fault::kFull}) {
    for (const Disk::Loss loss : {Disk::Loss::kNothing, Disk::Loss::kPosix}) {
      uint64_t later = static_cast<uint64_t>(fault);
      AtEachCall(
          [&](Disk& disk, uint64_t call) {
            later = later % 12 + 1;
            disk.FailAt(call, fault);
            disk.CrashAt(call + later);
          },
          [loss](World& world) {
            if (TryToStart(world)) TellStory(world);
            ExpectToComeBack(world, loss);
          });
    }
  }
}

// What fits goes to the present segment; the next one, and a snapshot, get nothing. A rotation that
// fails is no proof that all before it is durable.
TEST_P(FaultTest, OnlyThePresentSegmentMayBeWritten) {
  bool ended = false;
  for (uint64_t last = 1; !ended && !HasFailure(); ++last) {
    World world(7, GetParam());
    world.Start();
    world.Connect("w0");
    world.Create("w0", "a");
    world.env().Advance(milliseconds(30));
    Disk& disk = world.env().disk();
    std::string present;
    for (const auto& [name, bytes] : disk.contents()) {
      if (name.starts_with("log-")) present = name;
    }
    ASSERT_NE(present, "");
    disk.FailAt(disk.calls() + 1, Disk::Fault::kFull, present);
    disk.CrashAt(disk.calls() + last);
    const size_t before = world.acknowledged();
    world.Push("w0", "a", "Momentum");
    world.TakeSnapshot("");             // has no room
    world.Push("w0", "a", "Momentum");  // in the next segment, written together with the one before
    world.env().Advance(milliseconds(5000));
    ended = !disk.crashed();
    if (GetParam() == DurabilityLevel::kSync) {
      EXPECT_EQ(world.acknowledged(), before);
    }
    ExpectToComeBack(world, Disk::Loss::kPosix);
    if (HasFailure()) FAIL() << "call " << last << "\n" << world.env().trace().Tail(200);
    if (last > 200) break;
  }
}

// Somebody moves the directory away, and later back: meanwhile no start would find what is written.
TEST_P(FaultTest, WhereNobodyLooksNothingIsAcknowledged) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    World world(seed, GetParam());
    world.Start();
    world.Connect("w0");
    world.Create("w0", "a");
    world.env().Advance(milliseconds(30));
    Disk& disk = world.env().disk();
    disk.LeadThere(false);
    const size_t before = world.acknowledged();
    for (int i = 0; i < 3; ++i) {
      world.Push("w0", "a", "Momentum");
      world.env().Advance(milliseconds(2000));
    }
    if (GetParam() == DurabilityLevel::kSync) {
      EXPECT_EQ(world.acknowledged(), before);
    }
    disk.LeadThere(true);
    world.env().Advance(milliseconds(5000));
    ExpectThatItGoesOn(world);
    ExpectToComeBack(world, Disk::Loss::kPosix);
    if (HasFailure()) FAIL() << "seed " << seed << "\n" << world.env().trace().Tail(200);
  }
}

// It then starts all the same, or not; never with another state.
TEST_P(FaultTest, AnyCallOfAStartMayFail) {
  AtEachCallOfAStart(
      [](World& world) {
        world.Start();
        TellStory(world);
        world.Crash();
        world.env().disk().Restart(Disk::Loss::kPosix);
      },
      [](World& world, bool started) {
        if (started) {
          ExpectThatItGoesOn(world);
          world.Crash();
          world.env().disk().Restart(Disk::Loss::kPosix);
        }
        ExpectToStart(world);
        ExpectThatItGoesOn(world);
      });
}

// The log says what the store was rolled back to. A file that cannot be read now is not one that
// was never written.
TEST_P(FaultTest, ARollbackWhoseSnapshotIsDamagedHolds) {
  const size_t without_name = std::string("snapshot-").size() + 20;
  AtEachCallOfAStart(
      [&](World& world) {
        world.Start();
        world.Connect("w0");
        world.Create("w0", "a");
        world.Push("w0", "a", "Momentum");
        world.TakeSnapshot("named");
        world.Push("w0", "a", "Momentum");
        world.TakeSnapshot("");
        world.Push("w0", "a", "Momentum");
        world.RollBack("named");
        world.Crash();
        Disk& disk = world.env().disk();
        disk.Restart(Disk::Loss::kNothing);
        std::string newest;
        for (const auto& [name, bytes] : disk.contents()) {
          if (name.size() == without_name && name.starts_with("snapshot-")) newest = name;
        }
        disk.Damage(newest);
      },
      [](World& world, bool) { ExpectToComeBack(world, Disk::Loss::kPosix); });
}

INSTANTIATE_TEST_SUITE_P(, FaultTest,
                         ::testing::Values(DurabilityLevel::kSync, DurabilityLevel::kAsync));

}  // namespace
}  // namespace varscope::simulation
