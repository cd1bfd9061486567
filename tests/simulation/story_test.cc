// One story, told again and again: each time another call of its disk fails.
#include <gtest/gtest.h>
#include <spdlog/spdlog.h>

#include <filesystem>
#include <stdexcept>
#include <string>

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

// Another run of the server, in which all is as it was promised.
void ExpectToStart(World& world) {
  try {
    world.Start();
    EXPECT_EQ(world.wrong(), "");
  } catch (const std::runtime_error& error) {
    ADD_FAILURE() << "does not start: " << error.what();
  }
}

// Whatever happened, from now on all is well.
void ExpectThatItGoesOn(World& world) {
  world.env().Advance(milliseconds(3000));
  const size_t before = world.acknowledged();
  world.Connect("w2");
  world.Create("w2", "a");
  world.env().Advance(milliseconds(100));
  world.Push("w2", "a", "Momentum");
  world.env().Advance(milliseconds(100));
  EXPECT_EQ(world.acknowledged(), before + 4) << "connect, marks, create, push";
}

uint64_t CallsOfTheStory(DurabilityLevel level) {
  World world(7, level);
  world.Start();
  TellStory(world);
  return world.env().disk().calls();
}

std::string Threads() {
  int count = 0;
  for (const auto& thread : std::filesystem::directory_iterator("/proc/self/task")) {
    count += thread.exists() ? 1 : 0;
  }
  return std::to_string(count);
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
  EXPECT_EQ(Threads(), "1");
  World other(43);
  other.Start();
  TellStory(other);
  EXPECT_NE(other.env().trace().events(), first);
}

class FaultTest : public ::testing::TestWithParam<DurabilityLevel> {};

TEST_P(FaultTest, AnyCallMayFailOnce) {
  const uint64_t calls = CallsOfTheStory(GetParam());
  for (uint64_t call = 1; call <= calls; ++call) {
    for (const Disk::Loss loss : {Disk::Loss::kNothing, Disk::Loss::kPosix}) {
      World world(7, GetParam());
      world.env().disk().FailAt(call, Disk::Fault::kOnce);
      if (TryToStart(world)) TellStory(world);
      if (!world.running()) ExpectToStart(world);
      ExpectThatItGoesOn(world);
      world.Crash();
      world.env().disk().Restart(loss);
      ExpectToStart(world);
      if (HasFailure()) FAIL() << "call " << call << "\n" << world.env().trace().Tail(200);
      ExpectThatItGoesOn(world);
      if (HasFailure()) FAIL() << "call " << call << "\n" << world.env().trace().Tail(200);
    }
  }
}

TEST_P(FaultTest, FromAnyCallOnTheDiskMayBeFull) {
  const uint64_t calls = CallsOfTheStory(GetParam());
  for (uint64_t call = 1; call <= calls; ++call) {
    for (const bool heals : {true, false}) {
      World world(7, GetParam());
      world.env().disk().FailAt(call, Disk::Fault::kStays);
      const bool started = TryToStart(world);
      if (started) TellStory(world);
      if (heals) {
        world.env().disk().Heal();
        if (!started) ExpectToStart(world);
        ExpectThatItGoesOn(world);
      }
      if (world.running()) world.Crash();
      world.env().disk().Restart(heals ? Disk::Loss::kPosix : Disk::Loss::kNothing);
      ExpectToStart(world);
      if (HasFailure()) FAIL() << "call " << call << "\n" << world.env().trace().Tail(200);
      ExpectThatItGoesOn(world);
      if (HasFailure()) FAIL() << "call " << call << "\n" << world.env().trace().Tail(200);
    }
  }
}

TEST_P(FaultTest, AnyCallMayBeTheLast) {
  const uint64_t calls = CallsOfTheStory(GetParam());
  for (uint64_t call = 1; call <= calls; ++call) {
    for (const Disk::Loss loss : {Disk::Loss::kNothing, Disk::Loss::kOrdered, Disk::Loss::kPosix}) {
      World world(7, GetParam());
      world.env().disk().FailAt(call, Disk::Fault::kCrash);
      if (TryToStart(world)) TellStory(world);
      if (world.running()) world.Crash();
      world.env().disk().Restart(loss);
      ExpectToStart(world);
      if (HasFailure()) FAIL() << "call " << call << "\n" << world.env().trace().Tail(200);
      ExpectThatItGoesOn(world);
      world.Crash();
      world.env().disk().Restart(loss);
      ExpectToStart(world);
      if (HasFailure()) FAIL() << "call " << call << "\n" << world.env().trace().Tail(200);
    }
  }
}

// It then starts all the same, or not; never with another state.
TEST_P(FaultTest, AnyCallOfAStartMayFail) {
  for (uint64_t call = 1;; ++call) {
    World world(7, GetParam());
    world.Start();
    TellStory(world);
    world.Crash();
    Disk& disk = world.env().disk();
    disk.Restart(Disk::Loss::kPosix);
    const uint64_t before = disk.calls();
    disk.FailAt(before + call, Disk::Fault::kOnce);
    const bool started = TryToStart(world);
    const bool reached = disk.calls() >= before + call;
    disk.Heal();
    EXPECT_EQ(world.wrong(), "");
    if (started) {
      ExpectThatItGoesOn(world);
      world.Crash();
      disk.Restart(Disk::Loss::kPosix);
    }
    ExpectToStart(world);
    ExpectThatItGoesOn(world);
    if (HasFailure()) FAIL() << "call " << call << "\n" << world.env().trace().Tail(200);
    if (!reached) break;
  }
}

INSTANTIATE_TEST_SUITE_P(, FaultTest,
                         ::testing::Values(DurabilityLevel::kSync, DurabilityLevel::kAsync));

}  // namespace
}  // namespace varscope::simulation
