#include "server/catalog/optimizer_slots.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "server/catalog/creation.h"
#include "server/catalog/name_table.h"
#include "server/catalog/unique_names.h"

namespace varscope::server {
namespace {

// Optimizers that differ in kind or in number of slots never share state, whatever their names.
// Without given names the key ends with three lines: name, instance, number of states. Three given
// names that read like that get a line more. (All others are as they always were: keys are on
// disk.)
std::string StateKey(const std::string& owner, const OptimizerSpec& spec, const SlotNames& names,
                     size_t states) {
  const std::string key = absl::StrCat(owner, "\n", spec.optimizer, "\n");
  if (names.empty()) return absl::StrCat(key, spec.name, "\n", spec.instance, "\n", states);
  uint32_t number = 0;
  const bool reads_as_none = names.size() == 3 && absl::SimpleAtoi(names[1], &number) &&
                             absl::SimpleAtoi(names[2], &number);
  return absl::StrCat(key, absl::StrJoin(names, "\n"), reads_as_none ? "\n" : "");
}

const std::string& NameIn(const VariablePtr& variable) { return variable->def.name; }
const std::string& NameIn(const std::string& name) { return name; }

// In `states`, by their keys, the state of that owner's optimizer under these names: one of these
// names that somebody made without naming it, as earlier workers did, who then share it; else the
// one that was made for these names; null: none. Whatever is made later, the answer stays: a state
// of these names made before keeps them, and none can get them after. So recovery, which makes all
// states of a push before it finds the first, finds the same.
template <typename States>
const typename States::mapped_type* FindState(const States& states, const std::string& owner,
                                              const OptimizerSpec& spec, const SlotNames& names,
                                              size_t count) {
  const auto unnamed = states.find(StateKey(owner, spec, {}, count));
  if (names.empty()) return unnamed == states.end() ? nullptr : &unnamed->second;
  const auto is = [](const auto& state, const std::string& name) { return NameIn(state) == name; };
  if (unnamed != states.end() &&
      std::equal(unnamed->second.begin(), unnamed->second.end(), names.begin(), names.end(), is)) {
    return &unnamed->second;
  }
  const auto named = states.find(StateKey(owner, spec, names, count));
  return named == states.end() ? nullptr : &named->second;
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

// What is to be made of slots, or of non-slot variables.
struct PlannedStates {
  const NameTable::States& there;
  std::vector<StateNames>& missing;
  NameTable::Map<std::string, std::vector<std::string>> names = {};  // of `missing`, by key
};

// All that the requests need and is not there.
CreationBatch PlanStates(std::span<const StateRequest> requests, const NameTable& names) {
  CreationBatch batch;
  PlannedStates all_slots{names.slots(), batch.slots};
  PlannedStates all_non_slots{names.non_slots(), batch.non_slots};
  UniqueNames unique(names);
  // `primary` is null for non-slot variables.
  const auto plan = [&](PlannedStates& planned, const StateRequest& request,
                        const std::vector<optimizers::StateDef>& state, const SlotNames& given,
                        const Variable* primary) {
    const OptimizerSpec& spec = request.spec;
    const std::string& owner = primary ? primary->def.name : spec.group;
    if (state.empty() || FindState(planned.there, owner, spec, given, state.size()) != nullptr ||
        FindState(planned.names, owner, spec, given, state.size()) != nullptr) {
      return;
    }
    StateNames made{StateKey(owner, spec, given, state.size()), {}};
    for (size_t i = 0; i < state.size(); ++i) {
      std::string name = primary ? absl::StrCat(owner, "/", spec.name) : std::string(state[i].name);
      name = unique.Take(given.empty() ? name : given[i]);
      batch.variables.push_back(NewState(request, state[i], name, primary));
      made.variables.push_back(std::move(name));
    }
    planned.names[made.key] = made.variables;
    planned.missing.push_back(std::move(made));
  };
  for (const StateRequest& request : requests) {
    plan(all_non_slots, request, request.optimizer.non_slots, request.spec.non_slots, nullptr);
    const std::vector<optimizers::StateDef> slots =
        request.optimizer.slots(request.hyperparameters);
    for (const SlotOwner& owner : request.owners) {
      plan(all_slots, request, slots, owner.names, &owner.variable);
    }
  }
  return batch;
}

// The states of all requests; nothing when one is missing.
std::optional<std::vector<OptimizerState>> FindStates(std::span<const StateRequest> requests,
                                                      const NameTable& names) {
  std::vector<OptimizerState> all;
  for (const StateRequest& request : requests) {
    OptimizerState& state = all.emplace_back();
    const OptimizerSpec& spec = request.spec;
    const auto find = [&](const NameTable::States& states, const std::string& owner,
                          const SlotNames& given, size_t count, std::vector<VariablePtr>& out) {
      if (count == 0) return true;
      const std::vector<VariablePtr>* const found = FindState(states, owner, spec, given, count);
      if (found != nullptr) out = *found;
      return found != nullptr;
    };
    const size_t non_slots = request.optimizer.non_slots.size();
    if (!find(names.non_slots(), spec.group, spec.non_slots, non_slots, state.non_slots))
      return std::nullopt;
    const size_t slots = request.optimizer.slots(request.hyperparameters).size();
    for (const SlotOwner& owner : request.owners) {
      std::vector<VariablePtr>& out = state.slots.emplace_back();
      if (!find(names.slots(), owner.variable.def.name, owner.names, slots, out))
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

absl::StatusOr<std::vector<OptimizerState>> GetOrCreateSlots(
    Catalog& catalog, std::span<const StateRequest> requests) {
  for (const StateRequest& request : requests) {
    if (absl::Status status = CheckNames(request); !status.ok()) return status;
  }
  std::optional<std::vector<OptimizerState>> found;
  const auto find = [&](const NameTable& names) { found = FindStates(requests, names); };
  catalog.Read(find);
  if (found) return *std::move(found);
  const absl::Status status =
      catalog.Create([&](const NameTable& names) { return PlanStates(requests, names); }).status();
  if (!status.ok()) return status;
  catalog.Read(find);
  if (found) return *std::move(found);
  return absl::InternalError("the state of an optimizer was made and is not there");
}

}  // namespace varscope::server
