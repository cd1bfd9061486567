#include "tests/bench/measure.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <sstream>
#include <vector>

#include "tests/support/process.h"

namespace varscope::bench {
namespace {

using Clock = std::chrono::steady_clock;

double OwnCpu() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

double Seconds(Clock::duration duration) { return std::chrono::duration<double>(duration).count(); }

}  // namespace

double CpuOf(pid_t pid) {
  if (pid == 0) return 0;
  std::ifstream in("/proc/" + std::to_string(pid) + "/stat");
  std::string text;
  std::getline(in, text);
  // The name, in parentheses, may have spaces; utime and stime are the 12th and 13th after it.
  std::istringstream fields(text.substr(text.rfind(')') + 1));
  std::string skipped;
  for (int i = 0; i < 11; ++i) fields >> skipped;
  double user = 0;
  double system = 0;
  fields >> user >> system;
  return (user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

Result Measure(Result labels, const Effort& effort, pid_t server,
               const std::function<void()>& operation) {
  const Clock::time_point cold = Clock::now();
  do operation();
  while (Seconds(Clock::now() - cold) < effort.warm_up);
  std::vector<double> seconds;
  const double own = OwnCpu();
  const double other = CpuOf(server);
  const Clock::time_point start = Clock::now();
  while (static_cast<int>(seconds.size()) < effort.min_runs ||
         Seconds(Clock::now() - start) < effort.seconds) {
    const Clock::time_point begin = Clock::now();
    operation();
    seconds.push_back(Seconds(Clock::now() - begin));
  }
  const double runs = static_cast<double>(seconds.size());
  labels.rate = runs / Seconds(Clock::now() - start);
  labels.client_cpu = (OwnCpu() - own) / runs;
  labels.server_cpu = (CpuOf(server) - other) / runs;
  labels.server_peak = server == 0 ? 0 : testing::PeakMemoryOf(server);
  labels.runs = static_cast<int>(seconds.size());
  std::sort(seconds.begin(), seconds.end());
  labels.median = seconds[seconds.size() / 2];
  labels.p99 = seconds[static_cast<size_t>(0.99 * (runs - 1))];
  return labels;
}

std::vector<Result> BestOf(int rounds, const std::function<std::vector<Result>()>& measure) {
  std::vector<Result> best = measure();
  for (int round = 1; round < rounds; ++round) {
    const std::vector<Result> again = measure();
    for (size_t i = 0; i < best.size(); ++i) {
      if (again[i].median < best[i].median) best[i] = again[i];
    }
  }
  return best;
}

}  // namespace varscope::bench
