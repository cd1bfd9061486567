// What the example programs share: their flags, their loop's end, and their progress lines.
#ifndef VARSCOPE_CLIENT_EXAMPLES_WORKER_H_
#define VARSCOPE_CLIENT_EXAMPLES_WORKER_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

#include "proto/command_line/command_line.h"
#include "varscope/varscope.h"

namespace varscope::examples {

struct WorkerFlags {
  std::string target = "127.0.0.1:7077";
  std::string worker_id;
  std::string data = "client/examples/data/digits.csv.gz";
  int workers = 1;        // how many train together
  uint64_t steps = 6000;  // of all workers together
  bool sync = false;      // all wait for each other before each step

  ConnectOptions connect() const;
};

// Adds the flags, with environment names for containers.
void AddFlags(CommandLine& line, WorkerFlags& flags);

// True until the server has applied `flags.steps` pushes; with --sync waits for the other workers
// first, and all of them stop at the same step.
class StepLoop {
 public:
  StepLoop(Session& session, const WorkerFlags& flags) : session_(session), flags_(flags) {}
  bool Next();
  uint64_t own_steps() const { return own_steps_; }

 private:
  Session& session_;
  const WorkerFlags& flags_;
  uint64_t own_steps_ = 0;
};

// Prints a line at most every half second: "worker-1  step 812/3000  <text>  204 steps/s".
class Progress {
 public:
  explicit Progress(const WorkerFlags& flags);
  // `text` is asked for only when a line is due.
  void Report(uint64_t global_step, uint64_t own_steps, const std::function<std::string()>& text);

 private:
  using Clock = std::chrono::steady_clock;
  const WorkerFlags& flags_;
  Clock::time_point last_;
  uint64_t last_steps_ = 0;
};

// Runs `body`, which gives the exit code; an error is printed and gives 1, a signal ends the
// process.
int RunExample(const std::string& name, const std::function<int()>& body);

}  // namespace varscope::examples

#endif  // VARSCOPE_CLIENT_EXAMPLES_WORKER_H_
