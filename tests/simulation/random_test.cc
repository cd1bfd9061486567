// Random stories on a random disk. VARSCOPE_SIMULATION_SEEDS says how many, else
// VARSCOPE_SIMULATION_SECONDS for how long (default 5); VARSCOPE_SIMULATION_SEED which is the
// first. run.sh sets them. VARSCOPE_SIMULATION_TABLE=1 prints which combinations were reached, and
// which never were.
#include <gtest/gtest.h>
#include <spdlog/spdlog.h>

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <stdexcept>
#include <string>

#include "tests/simulation/reached.h"
#include "tests/simulation/story.h"
#include "tests/simulation/world.h"

namespace varscope::simulation {
namespace {

uint64_t FromEnvironment(const char* name, uint64_t otherwise) {
  const char* const text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

// Empty, or what was wrong; the last events of a story that went wrong.
std::string Tell(uint64_t seed, const StoryOptions& options, Totals& totals, Reached& reached,
                 std::string* events) {
  World world(seed);
  std::string wrong;
  try {
    wrong = Story(world, world.env().trace(), options).Run(totals);
  } catch (const std::runtime_error& error) {
    wrong = std::string("the server did not start: ") + error.what();
  }
  reached.Add(world.reached());
  if (!wrong.empty())
    *events = world.env().trace().Tail(FromEnvironment("VARSCOPE_SIMULATION_EVENTS", 150));
  return wrong;
}

TEST(RandomTest, WhateverIsAcknowledgedIsThereOnce) {
  spdlog::set_level(spdlog::level::off);
  const uint64_t first = FromEnvironment("VARSCOPE_SIMULATION_SEED", 1);
  const auto begin = std::chrono::steady_clock::now();
  const uint64_t seeds = FromEnvironment("VARSCOPE_SIMULATION_SEEDS", 0);
  const auto end = begin + std::chrono::seconds(FromEnvironment("VARSCOPE_SIMULATION_SECONDS", 5));
  const StoryOptions options;
  Totals totals;
  Reached reached;
  uint64_t seed = first;
  for (; seeds > 0 ? seed < first + seeds : std::chrono::steady_clock::now() < end; ++seed) {
    std::string events;
    const std::string wrong = Tell(seed, options, totals, reached, &events);
    ASSERT_EQ(wrong, "") << "VARSCOPE_SIMULATION_SEED=" << seed << "\n" << events;
  }
  const std::chrono::duration<double, std::ratio<60>> minutes =
      std::chrono::steady_clock::now() - begin;
  std::cout << seed - first << " stories of " << options.operations << " operations from seed "
            << first << ", " << static_cast<double>(seed - first) / minutes.count()
            << " a minute: " << totals.crashes << " crashes, " << totals.faults << " other faults, "
            << totals.answers << " answers, " << totals.acknowledged << " acknowledged\n";
  EXPECT_GT(totals.acknowledged, 0U);
  if (FromEnvironment("VARSCOPE_SIMULATION_TABLE", 0) == 0) return;
  reached.Print(std::cout);
  for (const std::string& cell : reached.Missing()) std::cout << "never reached: " << cell << "\n";
}

}  // namespace
}  // namespace varscope::simulation
