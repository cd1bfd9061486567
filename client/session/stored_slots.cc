#include "client/session/stored_slots.h"

#include <algorithm>
#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "client/graph/log.h"
#include "client/graph/optimizer_state.h"
#include "client/graph/state.h"
#include "varscope/errors.h"

namespace varscope::internal {
namespace {

// Whose slot it is, as the store has it: of a non-slot variable its optimizer's first variable.
const std::string& OwnerOf(const SlotOf& slot) {
  return slot.primary != nullptr ? slot.primary->name : slot.optimizer->variables.front()->name;
}

// "w_2" and "w_1_2" are "w" made unique.
bool IsMadeUniqueOf(absl::string_view name, absl::string_view proposed) {
  if (!absl::ConsumePrefix(&name, proposed) || name.empty() || name.front() != '_') return false;
  return std::all_of(name.begin(), name.end(),
                     [](char c) { return c == '_' || absl::ascii_isdigit(c); });
}

}  // namespace

std::string StoredSlots::NameOf(const VariableState& variable) {
  if (!variable.slot) return variable.name;
  const MutexLock lock(mutex_);
  if (const std::string* const name = Find(variable)) return *name;
  throw FailedPreconditionError(absl::StrCat(
      "Attempting to use uninitialized value ", variable.name, ": the optimizer ",
      variable.slot->optimizer->name,
      " has not been run yet, nor an initializer, such as global_variables_initializer(), that was "
      "made after it"));
}

bool StoredSlots::Has(const VariableState& variable) {
  if (!variable.slot) return true;
  const MutexLock lock(mutex_);
  return Find(variable) != nullptr;
}

StoredSlots::Names StoredSlots::All(GraphState& graph) {
  const MutexLock lock(mutex_);
  NoticeLosses();
  const Names& known = names_;
  const auto is_unknown = [&](const VariableState* variable) {
    return variable->slot && !known.contains(variable);
  };
  const std::vector<VariableState*>& all = graph.variables().all();
  if (std::any_of(all.begin(), all.end(), is_unknown)) Look(graph);
  return names_;
}

void StoredSlots::Make(const std::vector<VariableState*>& variables) {
  const auto is_slot = [](const VariableState* variable) { return variable->slot.has_value(); };
  if (std::none_of(variables.begin(), variables.end(), is_slot)) return;
  const MutexLock lock(mutex_);
  NoticeLosses();
  for (const VariableState* variable : variables) {
    if (!variable->slot) continue;
    const OptimizerSlots* const optimizer = variable->slot->optimizer;
    size_t& made = made_[optimizer];
    if (made == optimizer->variables.size()) continue;
    try {
      PushRequest push;
      push.steps.push_back(CreationOf(*optimizer));
      store_.Push(push);
    } catch (const InvalidArgumentError& error) {
      Log().warn(
          absl::StrCat("no slots are made for optimizer ", optimizer->name, ": ", error.message()));
    }
    made = optimizer->variables.size();
  }
}

const std::string* StoredSlots::Find(const VariableState& slot) {
  NoticeLosses();
  auto found = names_.find(&slot);
  if (found == names_.end()) {
    Look(*slot.graph);
    found = names_.find(&slot);
  }
  return found == names_.end() ? nullptr : &found->second;
}

void StoredSlots::Look(GraphState& graph) {
  // In the order of their creation, which is the graph's where one program makes them.
  std::map<std::string, std::vector<std::string>> there;  // by owner
  std::set<std::string> every;
  for (const ListedVariable& listed : store_.List("")) {
    every.insert(listed.name);
    if (!listed.primary.empty()) there[listed.primary].push_back(listed.name);
  }
  Names& names = names_;
  std::set<std::string> taken;
  for (const auto& [variable, name] : names) taken.insert(name);
  const auto take = [&](auto&& fits) {
    for (const VariableState* variable : graph.variables().all()) {
      if (!variable->slot || names.contains(variable)) continue;
      for (const std::string& name : there[OwnerOf(*variable->slot)]) {
        if (!fits(name, variable->name) || !taken.insert(name).second) continue;
        names[variable] = name;
        break;
      }
    }
  };
  take([](const std::string& name, const std::string& proposed) { return name == proposed; });
  take([&](const std::string& name, const std::string& proposed) {
    return every.contains(proposed) && IsMadeUniqueOf(name, proposed);
  });
}

void StoredSlots::NoticeLosses() {
  const uint64_t losses = store_.losses();
  if (losses == losses_seen_) return;
  losses_seen_ = losses;
  names_.clear();
  made_.clear();
}

}  // namespace varscope::internal
