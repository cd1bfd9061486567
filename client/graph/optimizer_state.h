// What the server is told of an optimizer's state.
#ifndef VARSCOPE_CLIENT_GRAPH_OPTIMIZER_STATE_H_
#define VARSCOPE_CLIENT_GRAPH_OPTIMIZER_STATE_H_

#include <string>
#include <vector>

#include "client/graph/optimizer_slots.h"
#include "client/graph/remote_store.h"

namespace varscope::internal {

// Without hyperparameters and group.
inline OptimizerState StateOf(const OptimizerSlots& optimizer) {
  OptimizerState state{.optimizer = optimizer.optimizer,
                       .hyperparameters = {},
                       .name = optimizer.name,
                       .instance = optimizer.instance,
                       .group = ""};
  for (const VariableState* variable : optimizer.non_slots) {
    state.non_slots.push_back(variable->name);
  }
  return state;
}

inline std::vector<std::string> SlotNamesOf(const OptimizerSlots& optimizer,
                                            const VariableState* variable) {
  std::vector<std::string> names;
  for (const Slot& slot : optimizer.by_variable.at(variable)) {
    names.push_back(slot.variable->name);
  }
  return names;
}

// A step that updates nothing: the server makes what it does not have yet of the optimizer's state.
inline PushRequest::Step CreationOf(const OptimizerSlots& optimizer) {
  PushRequest::Step step{.state = StateOf(optimizer), .creator = optimizer.creator};
  step.state.hyperparameters = optimizer.hyperparameters;
  step.state.group = optimizer.variables.front()->name;
  for (const VariableState* variable : optimizer.variables) {
    const std::vector<std::string> names = SlotNamesOf(optimizer, variable);
    // Reuse may have kept a variable from having its slots.
    if (names.size() == optimizer.slots_of_each) {
      step.create_slots.push_back({variable->name, names});
    }
  }
  return step;
}

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_GRAPH_OPTIMIZER_STATE_H_
