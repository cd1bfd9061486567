// Random stories on a random disk. VARSCOPE_SIMULATION_SEEDS says how many, else
// VARSCOPE_SIMULATION_SECONDS for how long (default 5); VARSCOPE_SIMULATION_SEED which is the
// first. run.sh sets them.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <stdexcept>
#include <string>

#include "tests/simulation/world.h"

namespace varscope::simulation {
namespace {

using server::DurabilityLevel;
using std::chrono::milliseconds;

uint64_t FromEnvironment(const char* name, uint64_t otherwise) {
  const char* const text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

constexpr int kOperations = 600;

struct Totals {
  size_t faults = 0;
  size_t crashes = 0;
  size_t answers = 0;
  size_t acknowledged = 0;
};

class Story {
 public:
  explicit Story(uint64_t seed)
      : world_(seed, seed % 2 == 0 ? DurabilityLevel::kSync : DurabilityLevel::kAsync),
        trace_(world_.env().trace()) {}

  // Empty, or what was wrong.
  std::string Run(Totals& totals) {
    world_.Start();
    for (int step = 0; step < kOperations && world_.wrong().empty(); ++step) {
      if (world_.env().disk().crashed() || trace_.OneIn("crash", 40)) {
        Crash(totals);
      } else if (trace_.OneIn("fault", 30)) {
        ++totals.faults;
        DrawFault();
      } else {
        Act();
      }
      for (uint64_t events = trace_.Draw("events", 4); events > 0 && world_.RunOne(); --events) {
      }
    }
    Crash(totals);
    totals.answers += world_.answered();
    totals.acknowledged += world_.acknowledged();
    return world_.wrong();
  }
  const Trace& trace() const { return trace_; }

 private:
  void DrawFault() {
    Disk& disk = world_.env().disk();
    const uint64_t at = disk.calls() + 1 + trace_.Draw("calls until the fault", 12);
    if (trace_.OneIn("it is a crash", 3)) return disk.CrashAt(at);
    disk.FailAt(at, static_cast<Disk::Fault>(trace_.Draw("fault's kind", 5)));
  }

  void Crash(Totals& totals) {
    ++totals.crashes;
    world_.Crash();
    world_.env().disk().Restart(static_cast<Disk::Loss>(trace_.Draw("loss", 3)));
    // A start may be cut short as well.
    if (trace_.OneIn("fault of the start", 4)) {
      ++totals.faults;
      DrawFault();
      try {
        world_.Start();
        return;
      } catch (const std::runtime_error&) {
        world_.env().disk().Crash();
        world_.env().disk().Restart(static_cast<Disk::Loss>(trace_.Draw("loss", 3)));
      }
    }
    world_.Start();
  }

  std::string OneOf(const char* what, const std::vector<std::string>& all) {
    return all[trace_.Draw(what, all.size())];
  }

  void Act() {
    const std::string worker = OneOf("worker", world_.workers());
    if (!world_.connected(worker)) return world_.Connect(worker);
    switch (trace_.Draw("action", 14)) {
      case 0:
        return world_.Connect(worker);
      case 1:
        return world_.Create(worker, OneOf("name", {"a", "b", "c", "d"}));
      case 2:
        return world_.PushAgain(worker);
      case 3:
        return world_.TakeSnapshot(OneOf("snapshot", {"", "", "x", "y", "z"}));
      case 4:
        if (trace_.OneIn("rollback", 2) && !world_.snapshots().empty()) {
          std::vector<std::string> names;
          for (const auto& [name, state] : world_.snapshots()) names.push_back(name);
          return world_.RollBack(OneOf("to", names));
        }
        return;
      case 5:
        return world_.env().Advance(milliseconds(trace_.Draw("pause", 2000)));
      case 6:
        return world_.env().disk().Heal();
      case 7:
        if (trace_.OneIn("leave", 3)) world_.Leave(worker);
        return;
      case 8:
        return world_.Quarantine(worker, trace_.OneIn("quarantine", 4) ? "why" : "");
      default:
        if (world_.variables().empty()) return;
        return world_.Push(worker, OneOf("variable", world_.variables()),
                           OneOf("optimizer", {"GradientDescent", "Momentum", "Adam"}));
    }
  }

  World world_;
  Trace& trace_;
};

TEST(RandomTest, WhateverIsAcknowledgedIsThereOnce) {
  const uint64_t first = FromEnvironment("VARSCOPE_SIMULATION_SEED", 1);
  const auto begin = std::chrono::steady_clock::now();
  const uint64_t seeds = FromEnvironment("VARSCOPE_SIMULATION_SEEDS", 0);
  const auto end = begin + std::chrono::seconds(FromEnvironment("VARSCOPE_SIMULATION_SECONDS", 5));
  Totals totals;
  uint64_t seed = first;
  for (; seeds > 0 ? seed < first + seeds : std::chrono::steady_clock::now() < end; ++seed) {
    Story story(seed);
    std::string wrong;
    try {
      wrong = story.Run(totals);
    } catch (const std::runtime_error& error) {
      wrong = std::string("the server did not start: ") + error.what();
    }
    ASSERT_EQ(wrong, "") << "VARSCOPE_SIMULATION_SEED=" << seed << "\n" << story.trace().Tail(150);
  }
  const std::chrono::duration<double, std::ratio<60>> minutes =
      std::chrono::steady_clock::now() - begin;
  std::cout << seed - first << " stories of " << kOperations << " operations from seed " << first
            << ", " << static_cast<double>(seed - first) / minutes.count()
            << " a minute: " << totals.crashes << " crashes, " << totals.faults << " other faults, "
            << totals.answers << " answers, " << totals.acknowledged << " acknowledged\n";
  EXPECT_GT(totals.acknowledged, 0U);
}

}  // namespace
}  // namespace varscope::simulation
