// What a server promises whatever happened to it: it starts, and goes on.
#ifndef VARSCOPE_TESTS_SIMULATION_COMES_BACK_H_
#define VARSCOPE_TESTS_SIMULATION_COMES_BACK_H_

#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <stdexcept>

#include "tests/simulation/world.h"

namespace varscope::simulation {

// Another run of the server, in which all is as it was promised.
inline void ExpectToStart(World& world) {
  try {
    world.Start();
    EXPECT_EQ(world.wrong(), "");
  } catch (const std::runtime_error& error) {
    ADD_FAILURE() << "does not start: " << error.what();
  }
}

// Whatever happened, from now on all is well.
inline void ExpectThatItGoesOn(World& world) {
  world.env().Advance(std::chrono::milliseconds(3000));
  const size_t before = world.acknowledged();
  world.Connect("w2");
  world.Create("w2", "a");
  world.env().Advance(std::chrono::milliseconds(100));
  world.Push("w2", "a", "Momentum");
  world.env().Advance(std::chrono::milliseconds(100));
  EXPECT_EQ(world.acknowledged(), before + 4) << "connect, marks, create, push";
}

// The process has died: the next life begins with what the disk kept.
inline void ExpectToComeBack(World& world, Disk::Loss loss) {
  if (world.running()) world.Crash();
  world.env().disk().Restart(loss);
  ExpectToStart(world);
  if (!::testing::Test::HasFailure()) ExpectThatItGoesOn(world);
}

}  // namespace varscope::simulation

#endif  // VARSCOPE_TESTS_SIMULATION_COMES_BACK_H_
