#include "server/catalog/optimizer_slots.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "proto/concurrency/blocking_region.h"

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
const std::vector<VariablePtr>* FindState(const StateTables::Map& state_map,
                                          const std::string& owner, const OptimizerSpec& spec,
                                          const SlotNames& names, size_t states) {
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
  bool Has(const StateTables::Map& state_map, const std::string& owner, const OptimizerSpec& spec,
           const SlotNames& names, size_t states) const {
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

// All that the requests need and is not there.
CreationBatch PlanStates(std::span<const StateRequest> requests, const StateTables& states,
                         const NameTable& names) {
  CreationBatch missing;
  std::set<std::string> taken;
  const auto plan = [&](const StateRequest& request, const optimizers::StateDef& state,
                        const std::string& base, const Variable* primary) {
    std::string name = names.UniqueName(base, taken);
    taken.insert(name);
    missing.variables.push_back(NewState(request, state, name, primary));
    return name;
  };
  Planned planned_non_slots;
  Planned planned_slots;
  for (const StateRequest& request : requests) {
    const OptimizerSpec& spec = request.spec;
    const std::vector<optimizers::StateDef>& non_slots = request.optimizer.non_slots;
    if (!non_slots.empty() && !planned_non_slots.Has(states.non_slots, spec.group, spec,
                                                     spec.non_slots, non_slots.size())) {
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
      if (slots.empty() ||
          planned_slots.Has(states.slots, variable, spec, owner.names, slots.size())) {
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

// The states of all requests; nothing when one is missing.
std::optional<std::vector<OptimizerState>> FindStates(std::span<const StateRequest> requests,
                                                      const StateTables& states) {
  std::vector<OptimizerState> all;
  for (const StateRequest& request : requests) {
    OptimizerState& state = all.emplace_back();
    const OptimizerSpec& spec = request.spec;
    const auto find = [&](const StateTables::Map& state_map, const std::string& owner,
                          const SlotNames& names, size_t count, std::vector<VariablePtr>& out) {
      if (count == 0) return true;
      const std::vector<VariablePtr>* const found = FindState(state_map, owner, spec, names, count);
      if (found != nullptr) out = *found;
      return found != nullptr;
    };
    const size_t non_slots = request.optimizer.non_slots.size();
    if (!find(states.non_slots, spec.group, spec.non_slots, non_slots, state.non_slots))
      return std::nullopt;
    const size_t slots = request.optimizer.slots(request.hyperparameters).size();
    for (const SlotOwner& owner : request.owners) {
      std::vector<VariablePtr>& out = state.slots.emplace_back();
      if (!find(states.slots, owner.variable.def.name, owner.names, slots, out))
        return std::nullopt;
    }
  }
  return all;
}

}  // namespace

absl::Status CheckSlotNames(const SlotNames& names, size_t states, const std::string& owner,
                            const std::string& optimizer) {
  if (names.empty() || names.size() == states) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "variable ", owner, ": ", names.size(), " names for the ", states, " states of ", optimizer));
}

absl::Status StateTables::Add(const std::vector<StateNames>& new_slots,
                              const std::vector<StateNames>& new_non_slots,
                              const NameTable& names) {
  for (const auto& [all, map] : {std::pair(&new_slots, &slots), {&new_non_slots, &non_slots}}) {
    for (const StateNames& state : *all) {
      absl::StatusOr<std::vector<VariablePtr>> variables = names.FindAll(state.variables);
      if (!variables.ok()) return variables.status();
      (*map)[state.key] = *std::move(variables);
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<OptimizerState>> OptimizerSlots::GetOrCreate(
    std::span<const StateRequest> requests) {
  for (const StateRequest& request : requests) {
    if (absl::Status status = CheckNames(request); !status.ok()) return status;
  }
  // One at a time, so that two workers never create the same slot twice.
  const BlockingLock lock(mutex_);
  if (auto found = FindStates(requests, states_)) return *std::move(found);
  CreationBatch missing;
  const auto plan = [&](const NameTable& names) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return missing = PlanStates(requests, states_, names);
  };
  absl::Status status = catalog_.Create(plan).status();
  if (status.ok()) status = Register(missing);
  if (!status.ok()) return status;
  if (auto found = FindStates(requests, states_)) return *std::move(found);
  return absl::InternalError("the state of an optimizer was made and is not there");
}

absl::Status OptimizerSlots::Recreate(const CreationBatch& batch) {
  const MutexLock lock(mutex_);
  return Register(batch);
}

absl::Status OptimizerSlots::Register(const CreationBatch& batch) {
  absl::Status status;
  catalog_.Read([&](const NameTable& names) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    status = states_.Add(batch.slots, batch.non_slots, names);
  });
  return status;
}

StateTables OptimizerSlots::Capture(absl::FunctionRef<void()> meanwhile) const {
  const MutexLock lock(mutex_);
  meanwhile();
  return states_;
}

void OptimizerSlots::Replace(StateTables states) {
  const MutexLock lock(mutex_);
  states_ = std::move(states);
}

}  // namespace varscope::server
