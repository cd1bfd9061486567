#include "tests/faults/harness.h"

#include <algorithm>
#include <fstream>
#include <numeric>
#include <thread>

#include "absl/strings/str_format.h"
#include "tests/support/programs.h"
#include "varscope/varscope.h"

namespace varscope::testing {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

std::string Arena::acked_file(int worker) const {
  const fs::path file = directory_ / ("acked-" + std::to_string(worker));
  if (!fs::exists(file)) std::ofstream(file) << std::string(8, '\0');
  return file;
}

uint64_t Arena::acked(int worker) const {
  uint64_t count = 0;
  std::ifstream(acked_file(worker), std::ios::binary)
      .read(reinterpret_cast<char*>(&count), sizeof(count));
  return count;
}

std::vector<uint64_t> Arena::all_acked(int workers) const {
  std::vector<uint64_t> counts;
  for (int i = 0; i < workers; ++i) counts.push_back(acked(i));
  return counts;
}

std::string WorkerId(int i) { return "w" + std::to_string(i); }

Fleet::Fleet(const Arena& arena, const std::string& target, const Mode& mode, int workers,
             int pushes)
    : arena_(arena), target_(target), mode_(mode), pushes_(pushes) {
  for (int i = 0; i < workers; ++i) processes_.push_back(Spawn(i));
}

std::unique_ptr<Process> Fleet::Spawn(int i) const {
  return std::make_unique<Process>(std::vector<std::string>{
      Built("bin/varscope_fault_worker"), target_, WorkerId(i), std::to_string(pushes_),
      arena_.acked_file(i), std::to_string(mode_.local_steps)});
}

void Fleet::WaitAll() {
  for (size_t i = 0; i < processes_.size(); ++i) {
    if (processes_[i]->Wait(std::chrono::seconds(300)) != 0) {
      throw Broken("worker " + WorkerId(static_cast<int>(i)) + " gave up");
    }
  }
}

uint64_t Fleet::total() const { return Sum(acked()); }

void Fleet::WaitUntilAllPush() const {
  const Clock::time_point limit = Clock::now() + std::chrono::seconds(60);
  for (int i = 0; i < size(); ++i) {
    while (arena_.acked(i) == 0) {
      if (Clock::now() > limit) throw Broken("worker " + WorkerId(i) + " did not begin");
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }
}

void Fleet::WaitForProgress(uint64_t more) const {
  const uint64_t goal = std::min(total() + more, uint64_t(pushes_) * processes_.size());
  uint64_t last = total();
  Clock::time_point limit = Clock::now() + std::chrono::seconds(60);
  for (uint64_t now = last; now < goal; now = total()) {
    if (now > last) limit = Clock::now() + std::chrono::seconds(60);
    last = now;
    if (Clock::now() > limit) throw Broken("no push was acknowledged for 60 s");
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

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

uint64_t Sum(const std::vector<uint64_t>& counts) {
  return std::accumulate(counts.begin(), counts.end(), uint64_t{0});
}

void Check(const Mode& mode, const Observed& observed, const std::vector<uint64_t>& acked) {
  for (size_t i = 0; i < acked.size(); ++i) {
    if (observed.counts[i] >= acked[i]) continue;
    throw Broken(absl::StrFormat("worker w%d had %d pushes acknowledged, the server has %d: lost",
                                 i, acked[i], observed.counts[i]));
  }
  const uint64_t total = Sum(observed.counts);
  const uint64_t most = *std::max_element(observed.counts.begin(), observed.counts.end());
  const bool agree =
      mode.merges ? most <= observed.sum && observed.sum <= total : total == observed.sum;
  if (agree) return;
  throw Broken(absl::StrFormat("the counters add up to %d, the largest is %d, sum is %d", total,
                               most, observed.sum));
}

void CheckExact(const Mode& mode, const Observed& observed, const std::vector<uint64_t>& acked) {
  Check(mode, observed, acked);
  CheckNotTwice(mode, observed, acked);
}

uint64_t CheckNotTwice(const Mode& mode, const Observed& observed,
                       const std::vector<uint64_t>& acked) {
  uint64_t lost = 0;
  for (size_t i = 0; i < acked.size(); ++i) {
    if (observed.counts[i] > acked[i]) {
      throw Broken(
          absl::StrFormat("worker w%d had %d pushes acknowledged, the server has %d: twice", i,
                          acked[i], observed.counts[i]));
    }
    lost += acked[i] - observed.counts[i];
  }
  Check(mode, observed, observed.counts);
  return lost;
}

}  // namespace varscope::testing
