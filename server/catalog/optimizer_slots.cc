// Store::GetOrCreateSlots: slots and shared non-slot variables, found or created under TensorFlow's
// names.
#include <algorithm>
#include <set>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "proto/concurrency/blocking_region.h"
#include "server/store/store.h"

namespace varscope::server {
namespace {

// Optimizers that differ in kind or in number of slots never share state, whatever their names.
std::string StateKey(const std::string& owner, const OptimizerSpec& spec, const SlotNames& names,
                     size_t states) {
  const std::string key = absl::StrCat(owner, "\n", spec.optimizer, "\n");
  if (!names.empty()) return key + absl::StrJoin(names, "\n");
  return absl::StrCat(key, spec.name, "\n", spec.instance, "\n", states);
}

// The state of that owner's optimizer under these names: one of these names that somebody made
// without naming it, as earlier workers did, who then share it; else the one that was made for
// these names; null: none. Whatever is made later, the answer stays: a state of these names made
// before keeps them, and none can get them after. So recovery, which makes all states of a push
// before it finds the first, finds the same.
const std::vector<VariablePtr>* FindState(
    const absl::flat_hash_map<std::string, std::vector<VariablePtr>>& state_map,
    const std::string& owner, const OptimizerSpec& spec, const SlotNames& names, size_t states) {
  const auto unnamed = state_map.find(StateKey(owner, spec, {}, states));
  if (names.empty()) return unnamed == state_map.end() ? nullptr : &unnamed->second;
  const auto is = [](const VariablePtr& variable, const std::string& name) {
    return variable->def.name == name;
  };
  if (unnamed != state_map.end() &&
      std::equal(unnamed->second.begin(), unnamed->second.end(), names.begin(), names.end(), is)) {
    return &unnamed->second;
  }
  const auto named = state_map.find(StateKey(owner, spec, names, states));
  return named == state_map.end() ? nullptr : &named->second;
}

// Of all names of a request.
absl::Status CheckNames(const StateRequest& request) {
  absl::Status status = CheckSlotNames(request.spec.non_slots, request.optimizer.non_slots.size(),
                                       request.spec.group, request.spec.optimizer);
  const size_t slots = request.optimizer.slots(request.hyperparameters).size();
  for (const SlotOwner& owner : request.owners) {
    if (!status.ok()) break;
    status = CheckSlotNames(owner.names, slots, owner.variable.def.name, request.spec.optimizer);
  }
  return status;
}

// What is to be made, by the key under which it will be found.
class Planned {
 public:
  // Whether the state is there, or planned.
  bool Has(const absl::flat_hash_map<std::string, std::vector<VariablePtr>>& state_map,
           const std::string& owner, const OptimizerSpec& spec, const SlotNames& names,
           size_t states) const {
    if (FindState(state_map, owner, spec, names, states) != nullptr) return true;
    const auto unnamed = names_.find(StateKey(owner, spec, {}, states));
    if (unnamed != names_.end() && (names.empty() || unnamed->second == names)) return true;
    return !names.empty() && names_.contains(StateKey(owner, spec, names, states));
  }
  void Add(const StateNames& state_names) { names_[state_names.key] = state_names.variables; }

 private:
  absl::flat_hash_map<std::string, std::vector<std::string>> names_;
};

NewVariable NewState(const StateRequest& request, const optimizers::StateDef& state,
                     const std::string& name, const Variable* primary) {
  InitializerSpec spec{.kind = "constant"};
  spec.parameters["value"] =
      optimizers::InitialValue(request.optimizer, request.hyperparameters, state);
  return {{.name = name,
           .key = "",
           .kind = VariableKind::kSlot,
           .dtype = primary ? primary->def.dtype : DType::kFloat32,
           .shape = primary ? primary->def.shape : Shape{},
           .trainable = false,
           .primary = primary ? primary->def.name : request.spec.group,
           .creator = request.creator,
           .initializer = ToString(spec)},
          spec,
          Shape{}};
}

}  // namespace

CreationBatch Store::PlanStates(std::span<const StateRequest> requests) const {
  CreationBatch missing;
  std::set<std::string> taken;
  const auto plan = [&](const StateRequest& request, const optimizers::StateDef& state,
                        const std::string& base, const Variable* primary)
                        ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
                          std::string name = UniqueName(base, taken);
                          taken.insert(name);
                          missing.variables.push_back(NewState(request, state, name, primary));
                          return name;
                        };
  Planned planned_non_slots;
  Planned planned_slots;
  for (const StateRequest& request : requests) {
    const OptimizerSpec& spec = request.spec;
    const std::vector<optimizers::StateDef>& non_slots = request.optimizer.non_slots;
    if (!non_slots.empty() &&
        !planned_non_slots.Has(non_slots_, spec.group, spec, spec.non_slots, non_slots.size())) {
      StateNames state_names{StateKey(spec.group, spec, spec.non_slots, non_slots.size()), {}};
      for (size_t i = 0; i < non_slots.size(); ++i) {
        const bool named = !spec.non_slots.empty();
        state_names.variables.push_back(
            plan(request, non_slots[i], named ? spec.non_slots[i] : std::string(non_slots[i].name),
                 nullptr));
      }
      planned_non_slots.Add(state_names);
      missing.non_slots.push_back(std::move(state_names));
    }
    const std::vector<optimizers::StateDef> slots =
        request.optimizer.slots(request.hyperparameters);
    for (const SlotOwner& owner : request.owners) {
      const std::string& variable = owner.variable.def.name;
      if (slots.empty() || planned_slots.Has(slots_, variable, spec, owner.names, slots.size())) {
        continue;
      }
      StateNames state_names{StateKey(variable, spec, owner.names, slots.size()), {}};
      const std::string base = absl::StrCat(variable, "/", spec.name);
      for (size_t i = 0; i < slots.size(); ++i) {
        state_names.variables.push_back(
            plan(request, slots[i], owner.names.empty() ? base : owner.names[i], &owner.variable));
      }
      planned_slots.Add(state_names);
      missing.slots.push_back(std::move(state_names));
    }
  }
  return missing;
}

std::optional<std::vector<OptimizerState>> Store::FindStates(
    std::span<const StateRequest> requests) const {
  std::vector<OptimizerState> states;
  for (const StateRequest& request : requests) {
    OptimizerState& state = states.emplace_back();
    const OptimizerSpec& spec = request.spec;
    const auto find = [&](const StateMap& state_map, const std::string& owner,
                          const SlotNames& names, size_t count, std::vector<VariablePtr>& out) {
      if (count == 0) return true;
      const std::vector<VariablePtr>* const found = FindState(state_map, owner, spec, names, count);
      if (found != nullptr) out = *found;
      return found != nullptr;
    };
    const size_t non_slots = request.optimizer.non_slots.size();
    if (!find(non_slots_, spec.group, spec.non_slots, non_slots, state.non_slots))
      return std::nullopt;
    const size_t slots = request.optimizer.slots(request.hyperparameters).size();
    for (const SlotOwner& owner : request.owners) {
      std::vector<VariablePtr>& out = state.slots.emplace_back();
      if (!find(slots_, owner.variable.def.name, owner.names, slots, out)) return std::nullopt;
    }
  }
  return states;
}

absl::Status CheckSlotNames(const SlotNames& names, size_t states, const std::string& owner,
                            const std::string& optimizer) {
  if (names.empty() || names.size() == states) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "variable ", owner, ": ", names.size(), " names for the ", states, " states of ", optimizer));
}

absl::StatusOr<std::vector<OptimizerState>> Store::GetOrCreateSlots(
    std::span<const StateRequest> requests) {
  for (const StateRequest& request : requests) {
    if (absl::Status status = CheckNames(request); !status.ok()) return status;
  }
  // One at a time, so that two workers never create the same slot twice.
  const BlockingLock slots_lock(slots_mutex_);
  if (auto states = FindStates(requests)) return *std::move(states);
  WriterLock lock(mutex_);
  absl::StatusOr<std::vector<VariablePtr>> created = Create(PlanStates(requests), lock);
  if (!created.ok()) return created.status();
  if (auto states = FindStates(requests)) return *std::move(states);
  return absl::InternalError("the state of an optimizer was made and is not there");
}

}  // namespace varscope::server
