// Which combinations the stories have reached, and how often.
#ifndef VARSCOPE_TESTS_SIMULATION_REACHED_H_
#define VARSCOPE_TESTS_SIMULATION_REACHED_H_

#include <cstdint>
#include <map>
#include <ostream>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "proto/tensor/assign_op.h"
#include "server/sync/durability.h"
#include "varscope/dtype.h"

namespace varscope::simulation {

std::string NameOf(server::DurabilityLevel level);
std::string NameOf(AssignOp op);

// Counts what was applied, or answered with success. A cell is a row of the table, for one
// durability. Not thread-safe.
class Reached {
 public:
  // How gradients are synchronized, by the first part of a variable's name.
  static const std::vector<std::string>& Modes();

  // "<dtype> <optimizer or assignment> <whole or rows> <mode>", with "again" behind it when the
  // push was sent again.
  static std::string Row(DType dtype, absl::string_view what, bool rows, absl::string_view mode);
  static std::string Again(absl::string_view row);
  // "<dtype> <request> <mode>", for those that are about a variable.
  static std::string Row(DType dtype, absl::string_view request, absl::string_view mode);
  // A life of the server that ended after pushes of that mode had been applied, and the next one
  // began with a state that it had been in, byte for byte.
  static std::string RestartRow(absl::string_view mode);
  // The row of other requests is their kind.
  static std::string Cell(absl::string_view row, server::DurabilityLevel level);
  // All that can be reached: bools are not added, and who trains locally has one outer optimizer.
  static std::vector<std::string> Possible();

  void Add(const std::string& cell, uint64_t times = 1) { times_[cell] += times; }
  void Add(const Reached& other) {
    for (const auto& [cell, times] : other.times_) Add(cell, times);
  }
  std::vector<std::string> Missing() const;
  // A line for each row, the durabilities beside each other.
  void Print(std::ostream& out) const;

 private:
  std::map<std::string, uint64_t> times_;
};

}  // namespace varscope::simulation

#endif  // VARSCOPE_TESTS_SIMULATION_REACHED_H_
