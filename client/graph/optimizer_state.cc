#include "client/graph/optimizer_state.h"

#include <algorithm>
#include <utility>

#include "client/graph/node.h"
#include "client/graph/state.h"
#include "proto/naming/state_key.h"

namespace varscope::internal {
namespace {

std::vector<std::string> NamesOf(const Slots& slots) {
  std::vector<std::string> names;
  for (const Slot& slot : slots) names.push_back(slot.variable->name);
  return names;
}

KeptState Keep(const OptimizerSlots& optimizer, const std::string& owner, bool non_slots,
               std::vector<const VariableState*> variables) {
  KeptState kept{.optimizer = &optimizer,
                 .variables = std::move(variables),
                 .names = {},
                 .non_slots = non_slots};
  for (const VariableState* variable : kept.variables) kept.names.push_back(variable->name);
  StateIdentity identity{.owner = owner,
                         .optimizer = optimizer.optimizer,
                         .name = optimizer.name.empty() ? optimizer.optimizer : optimizer.name,
                         .instance = optimizer.instance,
                         .names = {},
                         .states = kept.variables.size()};
  kept.unnamed_key = StateKey(identity);
  identity.names = kept.names;
  kept.key = StateKey(identity);
  return kept;
}

}  // namespace

OptimizerState StateOf(const OptimizerSlots& optimizer) {
  OptimizerState state{.optimizer = optimizer.optimizer,
                       .hyperparameters = {},
                       .name = optimizer.name,
                       .instance = optimizer.instance,
                       .group = ""};
  const MutexLock lock(optimizer.mutex);
  for (const VariableState* variable : optimizer.non_slots) {
    state.non_slots.push_back(variable->name);
  }
  return state;
}

std::vector<std::string> SlotNamesOf(const OptimizerSlots& optimizer,
                                     const VariableState* variable) {
  const MutexLock lock(optimizer.mutex);
  return NamesOf(optimizer.by_variable.at(variable));
}

PushRequest::Step CreationOf(const OptimizerSlots& optimizer) {
  PushRequest::Step step{.state = StateOf(optimizer), .creator = optimizer.creator};
  step.state.hyperparameters = optimizer.hyperparameters;
  const MutexLock lock(optimizer.mutex);
  step.state.group = optimizer.variables.front()->name;
  for (const VariableState* variable : optimizer.variables) {
    const std::vector<std::string> names = NamesOf(optimizer.by_variable.at(variable));
    // Reuse may have kept a variable from having its slots.
    if (names.size() == optimizer.slots_of_each) {
      step.create_slots.push_back({variable->name, names});
    }
  }
  return step;
}

std::vector<VariableState*> SlotsIn(GraphState& graph) {
  std::vector<VariableState*> all;
  for (const OptimizerSlots* const optimizer : graph.optimizers()) {
    const MutexLock lock(optimizer->mutex);
    all.insert(all.end(), optimizer->non_slots.begin(), optimizer->non_slots.end());
    for (const auto& [variable, slots] : optimizer->by_variable) {
      for (const Slot& slot : slots) all.push_back(slot.variable);
    }
  }
  // Optimizers may share some.
  std::sort(all.begin(), all.end(), [](const VariableState* a, const VariableState* b) {
    return a->handle->id < b->handle->id;
  });
  all.erase(std::unique(all.begin(), all.end()), all.end());
  return all;
}

std::vector<KeptState> StatesIn(GraphState& graph) {
  std::vector<KeptState> states;
  for (const OptimizerSlots* const optimizer : graph.optimizers()) {
    const MutexLock lock(optimizer->mutex);
    if (optimizer->variables.empty()) continue;
    states.push_back(Keep(*optimizer, optimizer->variables.front()->name, /*non_slots=*/true,
                          {optimizer->non_slots.begin(), optimizer->non_slots.end()}));
    for (const auto& [variable, slots] : optimizer->by_variable) {
      std::vector<const VariableState*> variables;
      for (const Slot& slot : slots) variables.push_back(slot.variable);
      states.push_back(Keep(*optimizer, variable->name, /*non_slots=*/false, std::move(variables)));
    }
  }
  return states;
}

}  // namespace varscope::internal
