// varscope_faults [--cycles N] [--minutes N] [--seed S] [--scenario NAME]: real servers and
// workers, broken on purpose, against a model of what was acknowledged. Each scenario prints what
// it did and what it found; exit 1 when an invariant broke.
#include <chrono>
#include <iostream>

#include "proto/command_line/command_line.h"
#include "tests/faults/scenarios.h"

namespace varscope::testing {
namespace {

using Clock = std::chrono::steady_clock;

struct Scenario {
  const char* name;
  void (*run)(const Settings&);
};
const Scenario kScenarios[] = {
    {"kill-server", [](const Settings& s) { KillServer(s, kAsync, "sync"); }},
    {"kill-server-bsp", [](const Settings& s) { KillServer(s, kBsp, "sync"); }},
    {"kill-server-ssp", [](const Settings& s) { KillServer(s, kSsp, "sync"); }},
    {"kill-server-local", [](const Settings& s) { KillServer(s, kLocal, "sync"); }},
    {"kill-server-async", [](const Settings& s) { KillServer(s, kAsync, "async:1ms"); }},
    {"cut-connections", [](const Settings& s) { CutConnections(s, kAsync); }},
    {"cut-connections-bsp", [](const Settings& s) { CutConnections(s, kBsp); }},
    {"cut-connections-ssp", [](const Settings& s) { CutConnections(s, kSsp); }},
    {"cut-connections-local", [](const Settings& s) { CutConnections(s, kLocal); }},
    {"stop-server", [](const Settings& s) { StopServer(s, kAsync); }},
    {"stop-server-bsp", [](const Settings& s) { StopServer(s, kBsp); }},
    {"stop-server-ssp", [](const Settings& s) { StopServer(s, kSsp); }},
    {"stop-server-local", [](const Settings& s) { StopServer(s, kLocal); }},
    {"kill-workers", [](const Settings& s) { KillWorkers(s, kAsync); }},
    {"kill-workers-bsp", [](const Settings& s) { KillWorkers(s, kBsp); }},
    {"kill-workers-ssp", [](const Settings& s) { KillWorkers(s, kSsp); }},
    {"kill-workers-local", [](const Settings& s) { KillWorkers(s, kLocal); }},
    {"pause-workers", [](const Settings& s) { PauseWorkers(s, kAsync); }},
    {"pause-workers-bsp", [](const Settings& s) { PauseWorkers(s, kBsp); }},
    {"pause-workers-ssp", [](const Settings& s) { PauseWorkers(s, kSsp); }},
    {"pause-workers-local", [](const Settings& s) { PauseWorkers(s, kLocal); }},
    {"kill-one", KillOneOfMany},
    {"wake-the-dead", WakeTheDead},
    {"snapshots", TakeSnapshots},
    {"disk-full", FillDisk},
    {"fsync-fails", FailSync},
    {"power-loss", LosePowerAgainAndAgain},
};

bool RunOnce(const Settings& settings, const std::string& only) {
  for (const Scenario& scenario : kScenarios) {
    if (!only.empty() && only != scenario.name) continue;
    try {
      scenario.run(settings);
    } catch (const std::exception& error) {
      std::cout << scenario.name << ", seed " << settings.seed << ": BROKEN: " << error.what()
                << "\n";
      return false;
    }
  }
  return true;
}

int Main(int argc, char** argv) {
  Settings settings;
  std::string only;
  CommandLine line("Breaks servers and workers, and counts what is lost.", "varscope_faults");
  line.Add("--cycles", &settings.cycles, "Faults of each scenario").ShowDefault();
  line.Add("--minutes", &settings.minutes, "Go on with further seeds for this long");
  line.Add("--seed", &settings.seed, "The same seed makes the same decisions").ShowDefault();
  line.Add("--workers", &settings.workers, "Worker processes").ShowDefault();
  std::vector<std::string> names;
  for (const Scenario& scenario : kScenarios) names.emplace_back(scenario.name);
  line.Add("--scenario", &only, "Only this one").OneOf(names);
  if (const auto code = line.Parse(argc, argv, std::cout)) return *code;
  const Clock::time_point end = Clock::now() + std::chrono::minutes(settings.minutes);
  do {
    if (!RunOnce(settings, only)) return 1;
    ++settings.seed;
  } while (Clock::now() < end);
  return 0;
}

}  // namespace
}  // namespace varscope::testing

int main(int argc, char** argv) { return varscope::testing::Main(argc, argv); }
