// The surroundings of a simulated server: one thread does everything, in an order that is drawn.
#ifndef VARSCOPE_TESTS_SIMULATION_SIM_ENV_H_
#define VARSCOPE_TESTS_SIMULATION_SIM_ENV_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "server/env/env.h"
#include "tests/simulation/disk.h"
#include "tests/simulation/trace.h"

namespace varscope::simulation {

// Outlives the servers that it was given. Not thread-safe.
class SimEnv final : public server::Env {
 public:
  explicit SimEnv(uint64_t seed) : trace_(seed), disk_(trace_) {}

  server::Time Now() override { return now_; }
  int64_t WallMicros() override;
  uint64_t Random64() override;
  std::unique_ptr<server::Timer> StartTimer(std::string name, server::Timer::Task task) override;
  absl::StatusOr<std::unique_ptr<server::Directory>> OpenDirectory(
      const std::filesystem::path& path, server::IfMissing missing) override {
    return disk_.OpenDirectory(path, missing);
  }

  // Runs one task that is due; false: none is.
  bool RunOne();
  // All that are due, and what they make due. Time stands still.
  void RunDue();
  // The same while time goes on by so much.
  void Advance(std::chrono::milliseconds by);
  // Time goes on, and nothing runs, as when the process is stopped.
  void StandStill(std::chrono::milliseconds by) { now_ += by; }

  // Called after each task.
  void Observe(std::function<void()> observer) { observer_ = std::move(observer); }

  Disk& disk() { return disk_; }
  Trace& trace() { return trace_; }

 private:
  class SimTimer;

  Trace trace_;
  Disk disk_;
  server::Time now_{std::chrono::hours(1)};
  std::vector<SimTimer*> timers_;  // in the order of their start
  std::function<void()> observer_;
};

}  // namespace varscope::simulation

#endif  // VARSCOPE_TESTS_SIMULATION_SIM_ENV_H_
