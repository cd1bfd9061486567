#include "client/graph/optimizer_slots.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "client/graph/creation.h"
#include "client/graph/state.h"
#include "proto/optimizers/optimizer.h"
#include "varscope/errors.h"
#include "varscope/scopes.h"

namespace varscope::internal {
namespace {

VariableState* AddVariable(GraphState& graph, const std::string& name, DType dtype,
                           const Shape& shape, SlotOf slot) {
  VariableState* const variable =
      AddResolved(graph, "", {name, dtype, shape, /*trainable=*/false, slot.optimizer->creator});
  variable->slot = std::move(slot);
  return variable;
}

Slot AddSlot(GraphState& graph, const VariableState& primary, SlotOf of) {
  const std::string outer = graph.scopes().current()->name;
  const auto scope =
      variable_scope::with_default_name(absl::StrCat(primary.name, "/", of.optimizer->name));
  const std::string key = scope.name() + "/";
  const ReuseCheck check = CheckReuse(
      graph.slot_keys(),
      {.key = key, .dtype = primary.dtype, .shape = primary.shape, .reuse = scope.scope().reuse()});
  if (check.decision != ReuseDecision::kCreate && check.decision != ReuseDecision::kAttach) {
    throw ValueError(check.message);
  }
  Slot slot{.variable = graph.slot_keys().Find(key),
            .before = outer.empty() ? "" : outer + "/",
            .after = ""};
  slot.after = scope.name().substr(slot.before.size() + primary.name.size());
  if (check.decision == ReuseDecision::kAttach) return slot;
  if (graph.FindNode(scope.name()) != nullptr) {
    throw ValueError(absl::StrCat("Duplicate node name in graph: '", scope.name(), "'"));
  }
  slot.variable = AddVariable(graph, scope.name(), primary.dtype, primary.shape, std::move(of));
  graph.slot_keys().Add(key, slot.variable);
  return slot;
}

}  // namespace

VariableState* SlotKeys::Find(const std::string& key) const {
  const auto it = keys_.find(key);
  return it == keys_.end() ? nullptr : it->second;
}

std::optional<KnownVariable> SlotKeys::FindVariable(const std::string& key) const {
  const VariableState* const found = Find(key);
  if (found == nullptr) return std::nullopt;
  return KnownVariable{found->dtype, found->shape};
}

void AddSlots(GraphState& graph, OptimizerSlots& optimizer,
              const std::vector<const VariableState*>& variables) {
  const MutexLock lock(optimizer.mutex);
  for (const VariableState* variable : variables) {
    if (!optimizer.by_variable.contains(variable)) {
      graph.CheckOpen(absl::StrCat(variable->name, "/", optimizer.name));
    }
  }
  // What is unknown here, the server refuses.
  const optimizers::Optimizer* const rule = optimizers::FindOptimizer(optimizer.optimizer);
  optimizers::Hyperparameters values;
  std::vector<optimizers::StateDef> states;
  if (rule != nullptr) {
    values = optimizers::FillHyperparameters(*rule, optimizer.hyperparameters);
    states = rule->slots(values);
    optimizer.slots_of_each = states.size();
  }
  const auto of = [&](const optimizers::StateDef& state, const VariableState* primary) {
    return SlotOf{&optimizer, primary, std::string(state.name),
                  optimizers::InitialValue(*rule, values, state)};
  };
  for (size_t i = optimizer.non_slots.size(); rule != nullptr && i < rule->non_slots.size(); ++i) {
    const optimizers::StateDef& state = rule->non_slots[i];
    optimizer.non_slots.push_back(AddVariable(graph, graph.names().Unique(std::string(state.name)),
                                              DType::kFloat32, Shape{}, of(state, nullptr)));
  }
  for (const VariableState* variable : variables) {
    const auto [it, fresh] = optimizer.by_variable.try_emplace(variable);
    if (fresh) optimizer.variables.push_back(variable);
    Slots& slots = it->second;
    while (slots.size() < states.size()) {
      slots.push_back(AddSlot(graph, *variable, of(states[slots.size()], variable)));
    }
  }
}

void RenameSlots(GraphState& graph) {
  for (OptimizerSlots* const optimizer : graph.optimizers()) {
    const MutexLock lock(optimizer->mutex);
    for (auto& [variable, slots] : optimizer->by_variable) {
      for (Slot& slot : slots) slot.variable->name = slot.before + variable->name + slot.after;
    }
  }
}

}  // namespace varscope::internal
