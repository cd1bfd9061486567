// Leases while the server's process stands still at times.
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

#include "server/membership/workers.h"
#include "tests/simulation/sim_env.h"

namespace varscope::simulation {
namespace {

using server::Sharing;
using server::Workers;
using std::chrono::milliseconds;

constexpr milliseconds kLease{3000};

void Start(Workers& workers) {
  workers.Start([](const server::WorkerRecord&) {}, [](const server::WorkerRecord&) {});
}

milliseconds Draw(SimEnv& env, const char* what, milliseconds below) {
  return milliseconds(env.trace().Draw(what, static_cast<uint64_t>(below.count())));
}

// The heartbeats that came meanwhile are read after the timer has looked.
TEST(PauseTest, AStopOfTheServerItselfEvictsNobody) {
  SimEnv env(1);
  Workers workers(kLease, env);
  Start(workers);
  const uint64_t w = workers.Connect("w", "host", 1, Sharing::kGlobal).value();
  env.Advance(milliseconds(1000));
  env.StandStill(milliseconds(60000));
  env.RunDue();
  EXPECT_TRUE(workers.IsLive("w", w));
  EXPECT_TRUE(workers.Check({"w", w}).ok());
  // Real silence still ends it.
  env.Advance(kLease + milliseconds(1));
  EXPECT_FALSE(workers.IsLive("w", w));
  workers.Stop();
}

// It does not know yet that it is connected, so it cannot be heard of.
TEST(PauseTest, NobodyIsEvictedWhileTheAnswerOfItsConnectWaitsForTheDisk) {
  SimEnv env(1);
  Workers workers(kLease, env);
  Start(workers);
  const uint64_t w = workers.Connect("w", "host", 1, Sharing::kGlobal).value();
  Workers::HeldLease held = workers.HoldLease("w", w);
  env.Advance(10 * kLease);
  EXPECT_TRUE(workers.IsLive("w", w));
  held.Start();
  env.Advance(kLease - milliseconds(1));
  EXPECT_TRUE(workers.IsLive("w", w));
  env.Advance(milliseconds(2));
  EXPECT_FALSE(workers.IsLive("w", w));
  workers.Stop();
}

// Pauses of any length at any time: whoever is heard of whenever the server runs stays, and whoever
// is not goes within two leases in which the server runs.
TEST(PauseTest, WhoeverIsHeardOfStaysAndWhoeverIsNotGoes) {
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    SimEnv env(seed);
    Workers workers(kLease, env);
    Start(workers);
    const uint64_t alive = workers.Connect("alive", "host", 1, Sharing::kGlobal).value();
    const uint64_t dead = workers.Connect("dead", "host", 1, Sharing::kGlobal).value();
    milliseconds ran{0};
    while (ran < 2 * kLease) {
      const milliseconds heartbeat = kLease / 3;
      const milliseconds before(Draw(env, "until the pause", heartbeat));
      env.Advance(before);
      if (env.trace().OneIn("pause", 2)) {
        env.StandStill(Draw(env, "pause's length", milliseconds(20000)));
        env.RunDue();
      }
      env.Advance(heartbeat - before);
      ran += heartbeat;
      ASSERT_TRUE(workers.Check({"alive", alive}).ok()) << "seed " << seed;
    }
    EXPECT_FALSE(workers.IsLive("dead", dead)) << "seed " << seed;
    workers.Stop();
  }
}

}  // namespace
}  // namespace varscope::simulation
