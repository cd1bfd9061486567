// Which tensors of a checkpoint are which variables of a graph.
#ifndef VARSCOPE_CLIENT_CHECKPOINT_SAVED_NAMES_H_
#define VARSCOPE_CLIENT_CHECKPOINT_SAVED_NAMES_H_

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "client/graph/state.h"
#include "varscope/variables.h"

namespace varscope::checkpoint {

struct SavedName {
  std::string name;                             // in the checkpoint
  std::vector<internal::VariableState*> parts;  // the variable, or all its parts
  std::vector<int64_t> partitions;              // as Join
};

// Variables by the names that a program gives them. All parts of one are a tensor under its name
// where each has its own name, as TensorFlow saves them, and so are their slots: "w/Adam" is all of
// "w/part_0/Adam" and "w/part_1/Adam". Where `joins` says no to the name they stay parts.
// ValueError for a variable of another graph.
std::vector<SavedName> SavedNames(internal::GraphState& graph,
                                  const std::map<std::string, Variable>& variables,
                                  const std::function<bool(const std::string& name)>& joins);

}  // namespace varscope::checkpoint

#endif  // VARSCOPE_CLIENT_CHECKPOINT_SAVED_NAMES_H_
