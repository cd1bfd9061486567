// A story: what the workers, the operators, the disk and the process do, one thing after the other.
#ifndef VARSCOPE_TESTS_SIMULATION_STORY_H_
#define VARSCOPE_TESTS_SIMULATION_STORY_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "tests/simulation/draws.h"
#include "tests/simulation/requests.h"
#include "tests/simulation/world.h"

namespace varscope::simulation {

struct StoryOptions {
  size_t operations = 600;
  bool faults = true;  // of the disk and the process
  bool rogues = true;  // requests that make no sense
  // Asked before each operation: true ends the story as if there were no more. Null: nothing does.
  std::function<bool()> until = nullptr;
};

struct Totals {
  size_t faults = 0;   // of the disk, that have come to be
  size_t crashes = 0;  // of the process
  size_t answers = 0;
  size_t acknowledged = 0;
};

// Not thread-safe.
class Story {
 public:
  // Each choice is one of `draws`, which outlives it; those of the world itself are its seed's.
  Story(World& world, Draws& draws, StoryOptions options);

  // Empty, or what was wrong.
  std::string Run(Totals& totals);

 private:
  void Step();
  void Act();
  void ActOddly();
  void Operate();
  void DrawSetup();
  void DrawFault();
  void Crash();
  void Restart();
  void Disturbed();
  std::string AnyKey();
  std::vector<std::string> Names() const;

  World& world_;
  Draws& draws_;
  const StoryOptions options_;
  std::vector<std::string> modes_;
  const uint64_t calm_;  // steps between faults of the disk, on average
  Requests requests_;
  uint64_t rogue_sequence_ = 0;
  Totals totals_;
};

}  // namespace varscope::simulation

#endif  // VARSCOPE_TESTS_SIMULATION_STORY_H_
