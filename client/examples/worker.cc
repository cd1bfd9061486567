#include "client/examples/worker.h"

#include <cstdio>
#include <iostream>

#include "absl/strings/str_format.h"

namespace varscope::examples {
namespace {

constexpr auto kInterval = std::chrono::milliseconds(500);
// A worker that is gone must not hold the others for long.
constexpr auto kBarrierTimeout = std::chrono::seconds(30);

}  // namespace

ConnectOptions WorkerFlags::connect() const {
  return {.worker_id = worker_id, .sharing = SharingMode::kReplicated};
}

void AddFlags(CommandLine& line, WorkerFlags& flags) {
  line.Add("--target", &flags.target, "The server's address").FromEnvironment().ShowDefault();
  line.Add("--worker-id", &flags.worker_id, "This worker's name [drawn]")
      .FromEnvironment("VARSCOPE_WORKER");
  line.Add("--data", &flags.data, "The digits, gzipped CSV").FromEnvironment().ShowDefault();
  line.Add("--workers", &flags.workers, "How many workers train together")
      .Within(1, 1000)
      .FromEnvironment()
      .ShowDefault();
  line.Add("--steps", &flags.steps, "Steps of all workers together")
      .FromEnvironment()
      .ShowDefault();
  line.AddFlag("--sync", &flags.sync, "Workers wait for each other before each step");
}

bool StepLoop::Next() {
  if (flags_.sync) {
    if (own_steps_ * flags_.workers >= flags_.steps) return false;
    session_.barrier("step", flags_.workers, kBarrierTimeout);
  } else if (session_.global_step() >= flags_.steps) {
    return false;
  }
  ++own_steps_;
  return true;
}

Progress::Progress(const WorkerFlags& flags) : flags_(flags), last_(Clock::now()) {}

void Progress::Report(uint64_t global_step, uint64_t own_steps,
                      const std::function<std::string()>& text) {
  const Clock::time_point now = Clock::now();
  if (now - last_ < kInterval) return;
  const double seconds = std::chrono::duration<double>(now - last_).count();
  const double rate = static_cast<double>(own_steps - last_steps_) / seconds;
  last_ = now;
  last_steps_ = own_steps;
  // One write for the whole line, because several workers share the terminal.
  const std::string line =
      absl::StrFormat("%-10s step %5d/%d  %s  %5.0f steps/s\n", flags_.worker_id, global_step,
                      flags_.steps, text(), rate);
  std::cout << line << std::flush;
}

int RunExample(const std::string& name, const std::function<int()>& body) {
  try {
    return body();
  } catch (const std::exception& error) {
    std::cerr << name << ": " << error.what() << "\n";
    return 1;
  }
}

}  // namespace varscope::examples
