// varscope_faults [--cycles N] [--minutes N] [--seed S] [--scenario NAME]: real daemons and
// workers, broken on purpose, against a model of what was acknowledged. Each scenario prints what
// it did and what it found; exit 1 when an invariant broke.
#include <signal.h>
#include <stdlib.h>
#include <sys/mount.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <random>

#include "absl/strings/str_format.h"
#include "tests/faults/proxy.h"
#include "tests/support/daemon.h"
#include "varscope/varscope.h"

namespace varscope::testing {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

struct Settings {
  int cycles = 20;
  int minutes = 0;
  uint32_t seed = 1;
  int workers = 3;
};

struct Broken : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// A directory with a file for each worker's acknowledged pushes, mapped here and there.
class Arena {
 public:
  Arena() {
    std::string pattern = (fs::temp_directory_path() / "varscope-faults-XXXXXX").string();
    path_ = mkdtemp(pattern.data());
  }
  ~Arena() { fs::remove_all(path_); }
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;
  std::string data() const { return path_ / "data"; }
  std::string acked_file(int worker) const {
    const fs::path file = path_ / ("acked-" + std::to_string(worker));
    if (!fs::exists(file)) std::ofstream(file) << std::string(8, '\0');
    return file;
  }
  uint64_t acked(int worker) const {
    uint64_t count = 0;
    std::ifstream(acked_file(worker), std::ios::binary)
        .read(reinterpret_cast<char*>(&count), sizeof(count));
    return count;
  }

 private:
  fs::path path_;
};

std::string WorkerId(int i) { return "w" + std::to_string(i); }

// What the daemon holds, pulled as one consistent set.
struct Observed {
  std::vector<uint64_t> counts;
  uint64_t sum = 0;
};

Observed Observe(const std::string& target, int workers) {
  Graph graph(target, {.worker_id = "observer", .timeout = std::chrono::minutes(1)});
  const auto use = graph.as_default();
  std::vector<Fetch> fetches;
  const variable_scope scope(get_variable_scope(), {.reuse = AUTO_REUSE});
  for (int i = 0; i < workers; ++i) {
    fetches.emplace_back(get_variable("count/" + WorkerId(i),
                                      {.shape = Shape{}, .initializer = zeros_initializer()}));
  }
  fetches.emplace_back(
      get_variable("sum", {.shape = Shape{1000}, .initializer = zeros_initializer()}));
  Session session;
  const std::vector<Tensor> values = session.run(fetches);
  Observed observed;
  for (int i = 0; i < workers; ++i) {
    observed.counts.push_back(static_cast<uint64_t>(values[i].scalar<float>()));
  }
  const auto sum = values.back().values<float>();
  if (std::any_of(sum.begin(), sum.end(), [&](float x) { return x != sum[0]; })) {
    throw Broken("the elements of sum differ: half an update was seen");
  }
  observed.sum = static_cast<uint64_t>(sum[0]);
  return observed;
}

// Everything acknowledged is there; sum and counters move together.
void Check(const Observed& observed, const std::vector<uint64_t>& acked) {
  uint64_t total = 0;
  for (size_t i = 0; i < acked.size(); ++i) {
    total += observed.counts[i];
    if (observed.counts[i] < acked[i]) {
      throw Broken(absl::StrFormat("worker w%d had %d pushes acknowledged, the server has %d: lost",
                                   i, acked[i], observed.counts[i]));
    }
  }
  if (total != observed.sum) {
    throw Broken(absl::StrFormat("the counters add up to %d, sum is %d", total, observed.sum));
  }
}

// Without a promise that acknowledged pushes survive: none counts twice, and each counts whole.
uint64_t CheckNotTwice(const Observed& observed, const std::vector<uint64_t>& acked) {
  uint64_t lost = 0;
  for (size_t i = 0; i < acked.size(); ++i) {
    if (observed.counts[i] > acked[i]) {
      throw Broken(
          absl::StrFormat("worker w%d had %d pushes acknowledged, the server has %d: twice", i,
                          acked[i], observed.counts[i]));
    }
    lost += acked[i] - observed.counts[i];
  }
  Check(observed, observed.counts);
  return lost;
}

// At the end nothing is under way, so equal it must be.
void CheckExact(const Observed& observed, const std::vector<uint64_t>& acked) {
  Check(observed, acked);
  for (size_t i = 0; i < acked.size(); ++i) {
    if (observed.counts[i] == acked[i]) continue;
    throw Broken(absl::StrFormat("worker w%d had %d pushes acknowledged, the server has %d: twice",
                                 i, acked[i], observed.counts[i]));
  }
}

class Fleet {
 public:
  Fleet(const Arena& arena, const std::string& target, int workers, int pushes)
      : arena_(arena), target_(target), pushes_(pushes) {
    for (int i = 0; i < workers; ++i) processes_.push_back(Spawn(i));
  }
  std::vector<uint64_t> acked() const {
    std::vector<uint64_t> counts;
    for (size_t i = 0; i < processes_.size(); ++i) counts.push_back(arena_.acked(i));
    return counts;
  }
  Process& operator[](int i) { return *processes_[i]; }
  void WaitAll() {
    for (size_t i = 0; i < processes_.size(); ++i) {
      if (processes_[i]->Wait(std::chrono::seconds(300)) != 0) {
        throw Broken("worker " + WorkerId(static_cast<int>(i)) + " gave up");
      }
    }
  }

 private:
  std::unique_ptr<Process> Spawn(int i) const {
    return std::make_unique<Process>(std::vector<std::string>{VARSCOPE_FAULT_WORKER, target_,
                                                              WorkerId(i), std::to_string(pushes_),
                                                              arena_.acked_file(i)});
  }
  const Arena& arena_;
  const std::string target_;
  const int pushes_;
  std::vector<std::unique_ptr<Process>> processes_;
};

// Until the fleet has had `more` further pushes acknowledged, or is done.
void WaitForProgress(const Fleet& fleet, uint64_t more, uint64_t all) {
  const auto total = [&] {
    uint64_t sum = 0;
    for (uint64_t n : fleet.acked()) sum += n;
    return sum;
  };
  const uint64_t goal = std::min(total() + more, all);
  const Clock::time_point limit = Clock::now() + std::chrono::seconds(60);
  while (total() < goal) {
    if (Clock::now() > limit) throw Broken("no push was acknowledged for 60 s");
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

std::string Percentiles(std::vector<double> seconds) {
  std::sort(seconds.begin(), seconds.end());
  const auto at = [&](double q) {
    return 1000 * seconds[static_cast<size_t>(q * (seconds.size() - 1))];
  };
  return absl::StrFormat("median %.1f ms, p99 %.1f ms", at(0.5), at(0.99));
}

// The server is killed again and again while workers push; snapshots are taken in between.
void KillServer(const Settings& settings, const std::string& durability) {
  std::mt19937 random(settings.seed);
  const Arena arena;
  Daemon daemon(
      {"--data-dir", arena.data(), "--durability", durability, "--snapshot-seconds", "1"});
  constexpr uint64_t kEachCycle = 40;
  const int pushes = static_cast<int>(settings.cycles * kEachCycle / settings.workers * 2);
  Fleet fleet(arena, daemon.target(), settings.workers, pushes);
  std::vector<double> recovery;
  int kills = 0;
  for (; kills < settings.cycles; ++kills) {
    WaitForProgress(fleet, 1 + random() % kEachCycle, uint64_t(pushes) * settings.workers);
    daemon.Kill();
    const std::vector<uint64_t> acked = fleet.acked();
    const Clock::time_point start = Clock::now();
    daemon.Restart();
    recovery.push_back(std::chrono::duration<double>(Clock::now() - start).count());
    if (durability == "sync") Check(Observe(daemon.target(), settings.workers), acked);
  }
  fleet.WaitAll();
  const std::vector<uint64_t> acked = fleet.acked();
  const Observed observed = Observe(daemon.target(), settings.workers);
  const uint64_t lost = CheckNotTwice(observed, acked);
  if (durability == "sync") CheckExact(observed, acked);
  uint64_t total = 0;
  for (uint64_t n : acked) total += n;
  std::cout << absl::StrFormat(
      "kill-server (%s): %d kills, %d pushes acknowledged, %d lost, 0 twice; recovery %s\n",
      durability, kills, total, lost, Percentiles(recovery));
}

// Connections are cut in the middle of requests and of answers.
void CutConnections(const Settings& settings) {
  const Arena arena;
  Daemon daemon({"--data-dir", arena.data(), "--durability", "async:20ms"});
  const int port = std::stoi(daemon.target().substr(daemon.target().rfind(':') + 1));
  Proxy proxy(port, {.mean_bytes_until_cut = 60000, .max_delay_ms = 3}, settings.seed);
  const int pushes = 10 * settings.cycles;
  Fleet fleet(arena, proxy.target(), settings.workers, pushes);
  fleet.WaitAll();
  CheckExact(Observe(daemon.target(), settings.workers), fleet.acked());
  if (proxy.cuts() == 0) throw Broken("the proxy cut nothing");
  std::cout << absl::StrFormat(
      "cut-connections: %d cuts, %d pushes acknowledged, 0 lost, 0 twice\n", proxy.cuts(),
      uint64_t(pushes) * settings.workers);
}

// The server stands still for a while, again and again; workers outlive it.
void StopServer(const Settings& settings) {
  std::mt19937 random(settings.seed);
  const Arena arena;
  Daemon daemon({"--data-dir", arena.data()});
  const int pushes = 20 * settings.cycles;
  Fleet fleet(arena, daemon.target(), settings.workers, pushes);
  int stops = 0;
  for (; stops < settings.cycles / 4 + 1; ++stops) {
    WaitForProgress(fleet, 1 + random() % 20, uint64_t(pushes) * settings.workers);
    daemon.process().Signal(SIGSTOP);
    std::this_thread::sleep_for(std::chrono::milliseconds(random() % 100));
    daemon.process().Signal(SIGCONT);
  }
  fleet.WaitAll();
  CheckExact(Observe(daemon.target(), settings.workers), fleet.acked());
  std::cout << absl::StrFormat("stop-server: %d stops, %d pushes acknowledged, 0 lost, 0 twice\n",
                               stops, uint64_t(pushes) * settings.workers);
}

// A worker is killed and comes back under its id: what it had pushed counts once, and the push that
// was under way counts once or not at all.
void KillWorkers(const Settings& settings) {
  std::mt19937 random(settings.seed);
  const Arena arena;
  Daemon daemon({"--data-dir", arena.data(), "--durability", "async:50ms"});
  uint64_t under_way = 0;
  int kills = 0;
  for (; kills < settings.cycles / 2 + 1; ++kills) {
    Fleet fleet(arena, daemon.target(), settings.workers, 1000000);
    WaitForProgress(fleet, 1 + random() % 40, UINT64_MAX);
    for (int i = 0; i < settings.workers; ++i) fleet[i].Signal(SIGKILL);
    for (int i = 0; i < settings.workers; ++i) fleet[i].Wait();
    under_way += settings.workers;
    std::vector<uint64_t> acked;
    for (int i = 0; i < settings.workers; ++i) acked.push_back(arena.acked(i));
    const Observed observed = Observe(daemon.target(), settings.workers);
    Check(observed, acked);
    uint64_t total = 0;
    for (uint64_t n : acked) total += n;
    if (observed.sum > total + under_way) {
      throw Broken(absl::StrFormat("%d acknowledged, at most %d were under way, the server has %d",
                                   total, under_way, observed.sum));
    }
  }
  std::cout << absl::StrFormat("kill-workers: %d times all %d workers, 0 lost, 0 twice\n", kills,
                               settings.workers);
}

// One push of a worker that does not wait: the error that it gets.
std::string PushError(const std::string& target) {
  Graph graph(target, {.worker_id = "impatient", .timeout = std::chrono::milliseconds(1500)});
  const auto use = graph.as_default();
  const variable_scope scope(get_variable_scope(), {.reuse = AUTO_REUSE});
  const Variable sum =
      get_variable("sum", {.shape = Shape{1000}, .initializer = zeros_initializer()});
  try {
    Session().run(sum.assign_add(zeros({1000})));
  } catch (const OpError& error) {
    return error.message();
  }
  return "";
}

// While the medium fails pushes are refused with the reason and pulls go on; once it is well again
// everybody goes on, and nothing acknowledged is missing, also after a crash.
void FailMedium(const Settings& settings, const Arena& arena, Daemon& daemon, const char* reason,
                const std::function<void()>& mend) {
  const int pushes = 40 * settings.cycles;
  Fleet fleet(arena, daemon.target(), settings.workers, pushes);
  const Clock::time_point limit = Clock::now() + std::chrono::seconds(60);
  std::string refusal;
  while (refusal.find(reason) == std::string::npos) {
    if (Clock::now() > limit) throw Broken("no push was refused for '" + std::string(reason) + "'");
    try {
      refusal = PushError(daemon.target());
    } catch (const OpError& error) {
      refusal = error.message();  // to connect is a change, too
    }
  }
  const std::vector<uint64_t> acked = fleet.acked();
  const auto all = uint64_t(pushes) * settings.workers;
  uint64_t total = 0;
  for (uint64_t n : acked) total += n;
  if (total == all) throw Broken("the medium failed too late to matter");
  mend();
  fleet.WaitAll();
  CheckExact(Observe(daemon.target(), settings.workers), fleet.acked());
  daemon.Kill();
  daemon.Restart();
  CheckExact(Observe(daemon.target(), settings.workers), fleet.acked());
  std::cout << absl::StrFormat(
      "'%s' after %d of %d pushes: refused, then all acknowledged, 0 lost, 0 twice\n", reason,
      total, all);
}

void FillDisk(const Settings& settings) {
  const Arena arena;
  fs::create_directory(arena.data());
  const auto mount_with = [&](const char* size, unsigned long flags) {
    return mount("tmpfs", arena.data().c_str(), "tmpfs", flags, size) == 0;
  };
  if (!mount_with("size=400k", 0)) {
    std::cout << "disk-full: skipped, it needs the right to mount a small file system\n";
    return;
  }
  {
    Daemon daemon({"--data-dir", arena.data(), "--snapshot-seconds", "0"});
    FailMedium(settings, arena, daemon, "No space left on device",
               [&] { mount_with("size=256m", MS_REMOUNT); });
  }
  umount(arena.data().c_str());
}

void FailSync(const Settings& settings) {
  const Arena arena;
  const std::string failing = arena.data() + ".failing";
  setenv("LD_PRELOAD", VARSCOPE_FAILING_FSYNC, 1);
  setenv("VARSCOPE_TEST_FAIL_FSYNC", failing.c_str(), 1);
  Daemon daemon({"--data-dir", arena.data(), "--snapshot-seconds", "0"});
  std::thread breaker([&] {
    while (arena.acked(0) < 10) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    std::ofstream(failing) << "now";
  });
  FailMedium(settings, arena, daemon, "Input/output error", [&] { fs::remove(failing); });
  breaker.join();
  unsetenv("LD_PRELOAD");
}

struct Scenario {
  const char* name;
  void (*run)(const Settings&);
};
const Scenario kScenarios[] = {
    {"kill-server", [](const Settings& s) { KillServer(s, "sync"); }},
    {"kill-server-async", [](const Settings& s) { KillServer(s, "async:1ms"); }},
    {"cut-connections", CutConnections},
    {"stop-server", StopServer},
    {"kill-workers", KillWorkers},
    {"disk-full", FillDisk},
    {"fsync-fails", FailSync},
};

int Main(int argc, char** argv) {
  Settings settings;
  std::string only;
  CLI::App app("Breaks daemons and workers, and counts what is lost.");
  app.add_option("--cycles", settings.cycles, "Faults of each scenario")->capture_default_str();
  app.add_option("--minutes", settings.minutes, "Go on with further seeds for this long");
  app.add_option("--seed", settings.seed, "The same seed makes the same decisions")
      ->capture_default_str();
  app.add_option("--workers", settings.workers, "Worker processes")->capture_default_str();
  app.add_option("--scenario", only, "Only this one");
  CLI11_PARSE(app, argc, argv);
  const Clock::time_point end = Clock::now() + std::chrono::minutes(settings.minutes);
  do {
    for (const Scenario& scenario : kScenarios) {
      if (!only.empty() && only != scenario.name) continue;
      try {
        scenario.run(settings);
      } catch (const std::exception& error) {
        std::cout << scenario.name << ", seed " << settings.seed << ": BROKEN: " << error.what()
                  << "\n";
        return 1;
      }
    }
    ++settings.seed;
  } while (Clock::now() < end);
  return 0;
}

}  // namespace
}  // namespace varscope::testing

int main(int argc, char** argv) { return varscope::testing::Main(argc, argv); }
