#include "tests/bench/training.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>

#include "client/rpc/connection.h"
#include "tests/support/programs.h"
#include "tests/support/server_process.h"
#include "varscope/varscope.h"

namespace varscope::bench {
namespace {

using Clock = std::chrono::steady_clock;
using internal::Connection;
using testing::Process;
using testing::ServerProcess;

struct Way {
  const char* transport;
  TransportMode mode;
};
constexpr Way kWays[] = {{"tcp", TransportMode::kTarget}, {"shm", TransportMode::kAuto}};

Result MeasureStep(const Way& way, uint64_t size, bool prefetch, const Effort& effort) {
  ServerProcess server;
  Graph graph(server.target(), {.worker_id = "bench", .prefetch = prefetch, .transport = way.mode});
  const auto use = graph.as_default();
  const Variable w = get_variable("w", {.shape = Shape{static_cast<int64_t>(size / sizeof(float))},
                                        .initializer = ones_initializer()});
  // So small that w is still a normal number after a million steps.
  constexpr double kRate = 1e-6;
  const Operation train = train::GradientDescentOptimizer(kRate).minimize(reduce_sum(square(w)));
  Session session;
  session.run(global_variables_initializer());
  return Measure({.what = prefetch ? "training step, prefetched" : "training step",
                  .transport = way.transport,
                  .bytes = 2 * size},
                 effort, server.process().pid(), [&] { session.run(train); });
}

constexpr const char* kClassifierVariable = "classifier/logits/bias";
// Its six variables, pulled and pushed.
constexpr uint64_t kClassifierBytes = 2 * 6586 * sizeof(float);

// Worker processes; all of them train when the constructor returns.
class Classifiers {
 public:
  Classifiers(const ServerProcess& server, TransportMode mode, int count) {
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
    lines_.reset(fdopen(ends[0], "r"));
    for (int i = 0; i < count; ++i) Start(server, mode, "worker-" + std::to_string(i), ends[1]);
    close(ends[1]);
    AwaitFirstLines();
  }

  double cpu() const {
    double seconds = 0;
    for (const auto& worker : workers_) seconds += CpuOf(worker->pid());
    return seconds;
  }

 private:
  struct CloseFile {
    void operator()(FILE* file) const { fclose(file); }
  };

  void Start(const ServerProcess& server, TransportMode mode, const std::string& id, int output) {
    const std::string transport = mode == TransportMode::kTarget ? "target" : "auto";
    workers_.push_back(std::make_unique<testing::Process>(
        std::vector<std::string>{"/usr/bin/env", "VARSCOPE_TRANSPORT=" + transport,
                                 testing::Built("bin/varscope_classifier"), "--target",
                                 server.target(), "--worker-id", id, "--data", testing::Digits(),
                                 "--steps", "1000000000"},
        testing::Descriptors{.output = output}));
  }

  // A worker's progress lines begin with its id.
  void AwaitFirstLines() {
    std::set<std::string> training;
    std::array<char, 256> line{};
    while (training.size() < workers_.size()) {
      if (fgets(line.data(), line.size(), lines_.get()) == nullptr) {
        throw std::runtime_error("the classifiers ended before they were measured");
      }
      training.insert(std::string(line.data()).substr(0, std::string(line.data()).find(' ')));
    }
  }

  std::unique_ptr<FILE, CloseFile> lines_;
  std::vector<std::unique_ptr<testing::Process>> workers_;
};

}  // namespace

std::vector<Result> MeasureTraining(const std::vector<uint64_t>& sizes, const Effort& effort,
                                    const Filter& filter) {
  std::vector<Result> results;
  for (const Way& way : kWays) {
    if (!filter.Wants("training step", way.transport)) continue;
    for (uint64_t size : sizes) {
      for (const bool prefetch : {false, true}) {
        results.push_back(MeasureStep(way, size, prefetch, effort));
      }
    }
  }
  return results;
}

std::vector<Result> MeasureClassifier(const std::vector<int>& workers, double seconds,
                                      const Filter& filter) {
  std::vector<Result> results;
  for (const Way& way : kWays) {
    if (!filter.Wants("digit classifier", way.transport)) continue;
    for (int count : workers) {
      ServerProcess server;
      const pid_t server_pid = server.process().pid();
      const Classifiers classifiers(server, way.mode, count);
      Connection observer(server.target(), {.worker_id = "observer"});
      // Each step is one update of it.
      const auto steps = [&] {
        return static_cast<double>(observer.Pull({kClassifierVariable})[0].version);
      };
      const double own = classifiers.cpu();
      const double other = CpuOf(server_pid);
      const double before = steps();
      const Clock::time_point start = Clock::now();
      std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
      const double done = steps() - before;
      const double elapsed = std::chrono::duration<double>(Clock::now() - start).count();
      results.push_back({.what = "digit classifier",
                         .transport = way.transport,
                         .bytes = kClassifierBytes,
                         .workers = count,
                         .runs = static_cast<int>(done),
                         .median = count * elapsed / done,
                         .rate = done / elapsed,
                         .client_cpu = (classifiers.cpu() - own) / done,
                         .server_cpu = (CpuOf(server_pid) - other) / done,
                         .server_peak = testing::PeakMemoryOf(server_pid)});
    }
  }
  return results;
}

}  // namespace varscope::bench
