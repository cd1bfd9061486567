// What the scenarios share: workers whose acknowledged pushes are counted, and the model that says
// what the server must then hold.
#ifndef VARSCOPE_TESTS_FAULTS_HARNESS_H_
#define VARSCOPE_TESTS_FAULTS_HARNESS_H_

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/support/server_process.h"
#include "tests/support/temporary_directory.h"

namespace varscope::testing {

// An invariant does not hold.
struct Broken : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// How the server synchronizes, and what follows from it for the model: each worker's counter is the
// number of its applied pushes; "sum" is that of all of them, or, where pushes are merged, of
// steps.
struct Mode {
  const char* name;
  const char* sync;
  bool merges;
  int local_steps;
};
inline constexpr Mode kAsync = {"async", "async", false, 1};
inline constexpr Mode kBsp = {"bsp", "bsp:workers=1", true, 1};
inline constexpr Mode kSsp = {"ssp", "ssp:bound=3", false, 1};
inline constexpr Mode kLocal = {
    "local", "local:steps=2,workers=1,outer_learning_rate=1,outer_momentum=0", true, 2};

// A directory for the server's data and for a file with each worker's acknowledged pushes.
class Arena {
 public:
  std::string data() const { return directory_ / "data"; }
  std::string file(const std::string& name) const { return directory_ / name; }
  std::string acked_file(int worker) const;
  uint64_t acked(int worker) const;
  std::vector<uint64_t> all_acked(int workers) const;

 private:
  TemporaryDirectory directory_;
};

std::string WorkerId(int i);

// Worker processes; killed when it goes.
class Fleet {
 public:
  Fleet(const Arena& arena, const std::string& target, const Mode& mode, int workers, int pushes);
  std::vector<uint64_t> acked() const { return arena_.all_acked(size()); }
  int size() const { return static_cast<int>(processes_.size()); }
  Process& operator[](int i) { return *processes_[i]; }
  // A further process of worker `i`.
  std::unique_ptr<Process> Spawn(int i) const;
  // Throws Broken when one gives up.
  void WaitAll();
  // Until each worker has had a push acknowledged.
  void WaitUntilAllPush() const;
  // Until `more` further pushes have been acknowledged, or all have. Throws Broken after a minute
  // without one.
  void WaitForProgress(uint64_t more) const;

 private:
  uint64_t total() const;

  const Arena& arena_;
  const std::string target_;
  const Mode mode_;
  const int pushes_;
  std::vector<std::unique_ptr<Process>> processes_;
};

// What the server holds, pulled as one consistent set.
struct Observed {
  std::vector<uint64_t> counts;
  uint64_t sum = 0;
};
Observed Observe(const std::string& target, int workers);

// These throw Broken.
// Everything acknowledged is there; sum and counters agree.
void Check(const Mode& mode, const Observed& observed, const std::vector<uint64_t>& acked);
// At the end nothing is under way, so equal it must be.
void CheckExact(const Mode& mode, const Observed& observed, const std::vector<uint64_t>& acked);
// Without a promise that acknowledged pushes survive: none counts twice. Returns how many are lost.
uint64_t CheckNotTwice(const Mode& mode, const Observed& observed,
                       const std::vector<uint64_t>& acked);

uint64_t Sum(const std::vector<uint64_t>& counts);

}  // namespace varscope::testing

#endif  // VARSCOPE_TESTS_FAULTS_HARNESS_H_
