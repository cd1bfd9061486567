// Time, CPU and memory of what a benchmark does.
#ifndef VARSCOPE_TESTS_BENCH_MEASURE_H_
#define VARSCOPE_TESTS_BENCH_MEASURE_H_

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace varscope::bench {

struct Result {
  std::string what;       // "pull", "push+SGD"
  std::string transport;  // "tcp", "unix", "memory"
  uint64_t bytes = 0;     // payload of one operation, both ways together
  int workers = 1;
  int runs = 0;
  double median = 0;  // seconds of one operation
  double p99 = 0;
  double rate = 0;        // operations per second of all workers together
  double client_cpu = 0;  // seconds of one operation
  double server_cpu = 0;
  double server_peak = 0;  // bytes of resident memory
  double bytes_per_second() const { return median > 0 ? static_cast<double>(bytes) / median : 0; }
};

struct Effort {
  double warm_up = 0.75;  // seconds; TCP and gRPC widen their windows for about one
  double seconds = 1;     // of measuring each figure, about
  int min_runs = 5;
};

// Which figures of a section; empty: all.
struct Filter {
  std::string what;
  std::string over;
  bool Wants(const std::string& name, const std::string& transport) const {
    return (what.empty() || what == name) && (over.empty() || over == transport);
  }
};

// Runs `operation` to warm up, then again and again. `server`: whose CPU counts as the other
// side's; 0: nobody's.
Result Measure(Result labels, const Effort& effort, pid_t server,
               const std::function<void()>& operation);

// What was measured in several rounds, each figure as its best round has it: a neighbour on the
// same host slows a virtual machine for a minute at a time, and the ratio of figures from different
// minutes would be of that.
std::vector<Result> BestOf(int rounds, const std::function<std::vector<Result>()>& measure);

// CPU seconds that the process has used; 0: of nobody.
double CpuOf(pid_t pid);

}  // namespace varscope::bench

#endif  // VARSCOPE_TESTS_BENCH_MEASURE_H_
