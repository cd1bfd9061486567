// What a server's state was after each change, and which of them a restart may come back to.
#ifndef VARSCOPE_TESTS_SIMULATION_HISTORY_H_
#define VARSCOPE_TESTS_SIMULATION_HISTORY_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace varscope::simulation {

// States are testing::StateOf's texts. A position is that of the last change in the log. Not
// thread-safe.
class History {
 public:
  // The state after the change at `position` is this one now, or, of a change that may turn out
  // either way, another one that was seen there.
  void Saw(uint64_t position, std::string state);
  // All changes up to that position survive everything from now on.
  void MustKeep(uint64_t position);
  // Nothing is known but this: it is what the server begins with.
  void BeginAgain(uint64_t position, std::string state);

  bool empty() const { return states_.empty(); }
  uint64_t last_position() const { return states_.rbegin()->first; }
  const std::string& last() const { return states_.rbegin()->second.back(); }

  // What is wrong with a restart that came to this state; empty: nothing.
  std::string WhatIsWrong(uint64_t position, const std::string& state) const;

 private:
  std::map<uint64_t, std::vector<std::string>> states_;
  uint64_t kept_ = 0;  // position
};

// The first line that differs, for people.
std::string Difference(const std::string& is, const std::string& was);

}  // namespace varscope::simulation

#endif  // VARSCOPE_TESTS_SIMULATION_HISTORY_H_
