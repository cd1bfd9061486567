#include "client/graph/optimizer_slots.h"

#include "absl/strings/str_cat.h"
#include "client/graph/state.h"
#include "varscope/errors.h"
#include "varscope/scopes.h"

namespace varscope::internal {
namespace {

SlotName NameSlot(GraphState& graph, const std::string& name, const VariableState& primary) {
  const std::string outer = graph.scopes().current()->name;
  const auto scope = variable_scope::with_default_name(absl::StrCat(primary.name, "/", name));
  const std::string key = scope.name() + "/";
  const ReuseCheck check = CheckReuse(
      graph.slot_keys(),
      {.key = key, .dtype = primary.dtype, .shape = primary.shape, .reuse = scope.scope().reuse()});
  if (check.decision != ReuseDecision::kCreate && check.decision != ReuseDecision::kAttach) {
    throw ValueError(check.message);
  }
  if (check.decision == ReuseDecision::kCreate && graph.FindNode(scope.name()) != nullptr) {
    throw ValueError(absl::StrCat("Duplicate node name in graph: '", scope.name(), "'"));
  }
  graph.slot_keys().Add(key, {primary.dtype, primary.shape});
  SlotName slot{.before = outer.empty() ? "" : outer + "/"};
  slot.after = scope.name().substr(slot.before.size() + primary.name.size());
  return slot;
}

}  // namespace

std::optional<KnownVariable> SlotKeys::FindVariable(const std::string& key) const {
  const auto it = keys_.find(key);
  return it == keys_.end() ? std::nullopt : std::optional(it->second);
}

void NameSlots(GraphState& graph, const std::string& name,
               const std::vector<std::string>& non_slots, size_t slots_of_each,
               const std::vector<const VariableState*>& variables, OptimizerSlots& slots) {
  if (slots.non_slots.empty()) {
    for (const std::string& scalar : non_slots) {
      slots.non_slots.push_back(graph.names().Unique(scalar));
    }
  }
  for (const VariableState* variable : variables) {
    const auto [it, fresh] = slots.by_variable.try_emplace(variable);
    if (fresh) slots.variables.push_back(variable);
    while (it->second.size() < slots_of_each)
      it->second.push_back(NameSlot(graph, name, *variable));
  }
}

}  // namespace varscope::internal
