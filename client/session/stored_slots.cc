#include "client/session/stored_slots.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/graph/log.h"
#include "client/graph/optimizer_state.h"
#include "client/graph/state.h"
#include "varscope/errors.h"

namespace varscope::internal {
namespace {

// The names in the store of one state's variables, by their places in it.
using StoredState = std::map<uint32_t, std::string>;
// By their keys, non-slot variables apart.
using StoredStates = std::map<std::pair<bool, std::string>, StoredState>;

// What the server takes when it is asked for this state; null: it would make it.
const StoredState* FindIn(const StoredStates& states, const KeptState& kept) {
  const auto unnamed = states.find({kept.non_slots, kept.unnamed_key});
  if (unnamed != states.end() &&
      std::equal(unnamed->second.begin(), unnamed->second.end(), kept.names.begin(),
                 kept.names.end(),
                 [](const auto& stored, const auto& name) { return stored.second == name; })) {
    return &unnamed->second;
  }
  const auto named = states.find({kept.non_slots, kept.key});
  return named == states.end() ? nullptr : &named->second;
}

size_t CountOf(const OptimizerSlots& optimizer) {
  const MutexLock lock(optimizer.mutex);
  return optimizer.variables.size();
}

}  // namespace

std::string StoredSlots::NameOf(const VariableState& variable) {
  if (!variable.slot) return variable.name;
  if (std::optional<std::string> name = Find(variable)) return *std::move(name);
  throw FailedPreconditionError(absl::StrCat(
      "Attempting to use uninitialized value ", variable.name, ": the optimizer ",
      variable.slot->optimizer->name,
      " has not been run yet, nor an initializer, such as global_variables_initializer(), that was "
      "made after it"));
}

bool StoredSlots::Has(const VariableState& variable) {
  return !variable.slot || Find(variable).has_value();
}

StoredSlots::Names StoredSlots::All(GraphState& graph) {
  const std::vector<VariableState*> slots = SlotsIn(graph);
  Names known = Known();
  const auto is_known = [&](const VariableState* slot) { return known.contains(slot); };
  if (std::all_of(slots.begin(), slots.end(), is_known)) return known;
  Look(graph);
  return Known();
}

void StoredSlots::Make(const std::vector<VariableState*>& variables) {
  for (const VariableState* variable : variables) {
    if (variable->slot) Make(*variable->slot->optimizer);
  }
}

// Two threads may both ask for the same: the server makes it once.
void StoredSlots::Make(const OptimizerSlots& optimizer) {
  const size_t count = CountOf(optimizer);
  uint64_t losses = 0;
  {
    const MutexLock lock(mutex_);
    NoticeLosses();
    losses = losses_seen_;
    if (made_[&optimizer] >= count) return;
  }
  try {
    PushRequest push;
    push.steps.push_back(CreationOf(optimizer));
    store_.Push(push);
  } catch (const InvalidArgumentError& error) {
    Log().warn(
        absl::StrCat("no slots are made for optimizer ", optimizer.name, ": ", error.message()));
  }
  const MutexLock lock(mutex_);
  NoticeLosses();
  if (losses == losses_seen_) made_[&optimizer] = std::max(made_[&optimizer], count);
}

std::optional<std::string> StoredSlots::Find(const VariableState& slot) {
  const auto known = [&]() -> std::optional<std::string> {
    const MutexLock lock(mutex_);
    NoticeLosses();
    const auto found = names_.find(&slot);
    if (found == names_.end()) return std::nullopt;
    return found->second;
  };
  if (std::optional<std::string> name = known()) return name;
  Look(*slot.graph);
  return known();
}

StoredSlots::Names StoredSlots::Known() {
  const MutexLock lock(mutex_);
  NoticeLosses();
  return names_;
}

void StoredSlots::Look(GraphState& graph) {
  for (;;) {
    const uint64_t losses = store_.losses();
    StoredStates states;
    for (const ListedVariable& listed : store_.List("")) {
      if (listed.state_key.empty()) continue;
      states[{listed.non_slot, listed.state_key}][listed.state_index] = listed.name;
    }
    Names found;
    for (const KeptState& kept : StatesIn(graph)) {
      const StoredState* const stored = FindIn(states, kept);
      if (stored == nullptr) continue;
      for (uint32_t i = 0; i < kept.variables.size(); ++i) {
        const VariableState* const variable = kept.variables[i];
        // What optimizers share is that of whoever made it.
        if (variable->slot->optimizer != kept.optimizer || !stored->contains(i)) continue;
        found[variable] = stored->at(i);
      }
    }
    const MutexLock lock(mutex_);
    NoticeLosses();
    if (losses != losses_seen_) continue;
    names_.merge(found);
    return;
  }
}

void StoredSlots::NoticeLosses() {
  const uint64_t losses = store_.losses();
  if (losses == losses_seen_) return;
  losses_seen_ = losses;
  names_.clear();
  made_.clear();
}

}  // namespace varscope::internal
