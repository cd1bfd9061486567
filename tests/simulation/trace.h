// What happened in a simulation, and the draws that decided it.
#ifndef VARSCOPE_TESTS_SIMULATION_TRACE_H_
#define VARSCOPE_TESTS_SIMULATION_TRACE_H_

#include <algorithm>
#include <cstdint>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "tests/simulation/draws.h"

namespace varscope::simulation {

// The same seed and the same program give the same draws and the same events. Not thread-safe.
class Trace final : public Draws {
 public:
  explicit Trace(uint64_t seed) : random_(seed) {}

  void Note(std::string event) { events_.push_back(std::move(event)); }
  // From 0 to `bound` - 1, and noted. Not of std::uniform_int_distribution, which each library
  // computes in its own way.
  uint64_t Draw(const char* what, uint64_t bound) override {
    const uint64_t drawn = random_() % bound;
    Note(std::string(what) + " " + std::to_string(drawn) + "/" + std::to_string(bound));
    return drawn;
  }
  uint64_t Random64() { return random_(); }

  const std::vector<std::string>& events() const { return events_; }
  // The last ones, a line each.
  std::string Tail(size_t count = 40) const {
    std::string text;
    for (size_t i = events_.size() - std::min(count, events_.size()); i < events_.size(); ++i) {
      text += "  " + events_[i] + "\n";
    }
    return text;
  }

 private:
  std::mt19937_64 random_;
  std::vector<std::string> events_;
};

}  // namespace varscope::simulation

#endif  // VARSCOPE_TESTS_SIMULATION_TRACE_H_
