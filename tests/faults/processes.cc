// Scenarios of processes that die or are paused, and of connections that break.
#include <signal.h>

#include <algorithm>
#include <iostream>
#include <random>
#include <thread>

#include "absl/strings/str_format.h"
#include "tests/faults/proxy.h"
#include "tests/faults/scenarios.h"
#include "tests/support/operator.h"

namespace varscope::testing {
namespace {

using Clock = std::chrono::steady_clock;

std::string Percentiles(std::vector<double> seconds) {
  std::sort(seconds.begin(), seconds.end());
  const auto at = [&](double q) {
    return 1000 * seconds[static_cast<size_t>(q * (seconds.size() - 1))];
  };
  return absl::StrFormat("median %.1f ms, p99 %.1f ms", at(0.5), at(0.99));
}

}  // namespace

// The server is killed again and again while workers push; snapshots are taken in between.
void KillServer(const Settings& settings, const Mode& mode, const std::string& durability) {
  std::mt19937 random(settings.seed);
  const Arena arena;
  ServerProcess server(
      {"--data-dir", arena.data(), "--durability", durability, "--sync", mode.sync});
  constexpr uint64_t kEachCycle = 40;
  const int pushes = static_cast<int>(settings.cycles * kEachCycle / settings.workers * 2);
  Fleet fleet(arena, server.target(), mode, settings.workers, pushes);
  std::vector<double> recovery;
  for (int kills = 0; kills < settings.cycles; ++kills) {
    fleet.WaitForProgress(1 + random() % kEachCycle);
    // Too short a run for the timer's.
    if (random() % 4 == 0) Operator(server.target()).Snapshot();
    server.Kill();
    const std::vector<uint64_t> acked = fleet.acked();
    const Clock::time_point start = Clock::now();
    server.Restart();
    recovery.push_back(std::chrono::duration<double>(Clock::now() - start).count());
    if (durability == "sync") Check(mode, Observe(server.target(), settings.workers), acked);
  }
  fleet.WaitAll();
  const std::vector<uint64_t> acked = fleet.acked();
  const Observed observed = Observe(server.target(), settings.workers);
  const uint64_t lost = CheckNotTwice(mode, observed, acked);
  if (durability == "sync") CheckExact(mode, observed, acked);
  std::cout << absl::StrFormat(
      "kill-server (%s, %s): %d kills, %d pushes acknowledged, %d lost, 0 twice; recovery %s\n",
      mode.name, durability, settings.cycles, Sum(acked), lost, Percentiles(recovery));
}

// Connections are cut in the middle of requests and of answers; what is forwarded waits, and some
// of it arrives twice.
void CutConnections(const Settings& settings, const Mode& mode) {
  const Arena arena;
  // Shared memory would go past the proxy.
  ServerProcess server({"--data-dir", arena.data(), "--durability", "async:20ms", "--sync",
                        mode.sync, "--shared-memory-streams", "0"});
  Proxy proxy(server.port(),
              {.mean_bytes_until_cut = 60000, .max_delay_ms = 3, .duplicates_of_four = 2},
              settings.seed);
  const int pushes = 10 * settings.cycles;
  Fleet fleet(arena, proxy.target(), mode, settings.workers, pushes);
  fleet.WaitAll();
  const std::vector<uint64_t> acked = fleet.acked();
  CheckExact(mode, Observe(server.target(), settings.workers), acked);
  if (proxy.cuts() == 0) throw Broken("the proxy cut nothing");
  std::cout << absl::StrFormat(
      "cut-connections (%s): %d cuts, %d connections twice, %d pushes acknowledged, 0 lost, 0 "
      "twice\n",
      mode.name, proxy.cuts(), proxy.duplicates(), Sum(acked));
}

// The server is paused for a while, again and again; workers outlive it.
void StopServer(const Settings& settings, const Mode& mode) {
  std::mt19937 random(settings.seed);
  const Arena arena;
  ServerProcess server({"--data-dir", arena.data(), "--sync", mode.sync});
  Fleet fleet(arena, server.target(), mode, settings.workers, 20 * settings.cycles);
  int stops = 0;
  for (; stops < settings.cycles / 4 + 1; ++stops) {
    fleet.WaitForProgress(1 + random() % 20);
    server.process().Signal(SIGSTOP);
    std::this_thread::sleep_for(std::chrono::milliseconds(random() % 100));
    server.process().Signal(SIGCONT);
  }
  fleet.WaitAll();
  const std::vector<uint64_t> acked = fleet.acked();
  CheckExact(mode, Observe(server.target(), settings.workers), acked);
  std::cout << absl::StrFormat(
      "stop-server (%s): %d stops, %d pushes acknowledged, 0 lost, 0 twice\n", mode.name, stops,
      Sum(acked));
}

// Workers are killed and come back under their ids: what they had pushed counts once, and the push
// that was under way counts once or not at all.
void KillWorkers(const Settings& settings, const Mode& mode) {
  std::mt19937 random(settings.seed);
  const Arena arena;
  ServerProcess server({"--data-dir", arena.data(), "--durability", "async:50ms", "--sync",
                        mode.sync, "--lease-seconds", "0.5"});
  uint64_t under_way = 0;
  int kills = 0;
  for (; kills < settings.cycles / 2 + 1; ++kills) {
    Fleet fleet(arena, server.target(), mode, settings.workers, 1000000);
    fleet.WaitForProgress(1 + random() % 40);
    for (int i = 0; i < settings.workers; ++i) fleet[i].Signal(SIGKILL);
    for (int i = 0; i < settings.workers; ++i) fleet[i].Wait();
    under_way += settings.workers;
    const std::vector<uint64_t> acked = arena.all_acked(settings.workers);
    const Observed observed = Observe(server.target(), settings.workers);
    Check(mode, observed, acked);
    if (Sum(observed.counts) > Sum(acked) + under_way) {
      throw Broken(absl::StrFormat("%d acknowledged, at most %d were under way, the server has %d",
                                   Sum(acked), under_way, Sum(observed.counts)));
    }
  }
  std::cout << absl::StrFormat("kill-workers (%s): %d times all %d workers, 0 lost, 0 twice\n",
                               mode.name, kills, settings.workers);
}

// One worker after the other is paused for longer than its lease, is evicted, and goes on.
void PauseWorkers(const Settings& settings, const Mode& mode) {
  std::mt19937 random(settings.seed);
  const Arena arena;
  ServerProcess server({"--sync", mode.sync, "--lease-seconds", "0.2"});
  Operator op(server.target());
  const int pauses = settings.cycles / 4 + 1;
  const int pushes = 400 * pauses;
  Fleet fleet(arena, server.target(), mode, settings.workers, pushes);
  int evicted = 0;
  fleet.WaitUntilAllPush();
  for (int pause = 0; pause < pauses; ++pause) {
    fleet.WaitForProgress(1 + random() % 20);
    const int victim = static_cast<int>(random() % settings.workers);
    if (arena.acked(victim) == static_cast<uint64_t>(pushes)) continue;
    fleet[victim].Signal(SIGSTOP);
    if (op.WaitUntilLost(WorkerId(victim))) ++evicted;
    // The others, unless they have finished, do not wait for it.
    const uint64_t others = Sum(fleet.acked()) - arena.acked(victim);
    const auto all_of_others = uint64_t(pushes) * (settings.workers - 1);
    if (others + 100 < all_of_others) fleet.WaitForProgress(20);
    fleet[victim].Signal(SIGCONT);
  }
  fleet.WaitAll();
  const std::vector<uint64_t> acked = fleet.acked();
  CheckExact(mode, Observe(server.target(), settings.workers), acked);
  std::cout << absl::StrFormat(
      "pause-workers (%s): %d evictions, %d pushes acknowledged, 0 lost, 0 twice\n", mode.name,
      evicted, Sum(acked));
}

// A step of many does not wait for one that is dead.
void KillOneOfMany(const Settings& settings) {
  const Arena arena;
  ServerProcess server({"--sync", "bsp:workers=4,deadline=3600s", "--lease-seconds", "0.5"});
  Fleet fleet(arena, server.target(), kBsp, 4, 100 * settings.cycles);
  fleet.WaitForProgress(20);
  fleet[3].Signal(SIGKILL);
  fleet[3].Wait();
  const Clock::time_point start = Clock::now();
  fleet.WaitForProgress(20);
  const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
  for (int i = 0; i < 3; ++i) {
    if (fleet[i].Wait() != 0) throw Broken("worker " + WorkerId(i) + " gave up");
  }
  std::cout << absl::StrFormat(
      "kill-one: bsp of 4 went on %.2f s after the death of one, its lease is 0.5 s\n", seconds);
}

// A worker that was taken for dead and replaced wakes up: none of its pushes may count.
void WakeTheDead(const Settings& settings) {
  const Arena arena;
  ServerProcess server({"--lease-seconds", "0.2"});
  Operator op(server.target());
  Fleet fleet(arena, server.target(), kAsync, 1, 1000000);
  fleet.WaitForProgress(20);
  for (int i = 0; i < settings.cycles / 4 + 1; ++i) {
    fleet[0].Signal(SIGSTOP);
    op.WaitUntilLost(WorkerId(0));
    Fleet successor(arena, server.target(), kAsync, 1, 1000000);
    successor.WaitForProgress(20);
    if (i > 0) continue;
    fleet[0].Signal(SIGCONT);
    if (fleet[0].Wait(std::chrono::seconds(60)) != 1) {
      throw Broken("a worker that was replaced could go on");
    }
    break;
  }
  std::cout << "wake-the-dead: a worker that had been replaced was told so, and ended\n";
}

}  // namespace varscope::testing
