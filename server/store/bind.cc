// Store::BindOptimizer: slots and shared scalars, found or created under TensorFlow's names.
#include <algorithm>
#include <set>

#include "absl/status/statusor.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "proto/core/names.h"
#include "server/store/store.h"

namespace varscope::server {
namespace {

// Optimizers that differ in kind or in number of slots never share state, whatever their names.
std::string StateKey(const std::string& owner, const OptimizerStateRequest& request,
                     const SlotNames& names, size_t states) {
  const std::string key = absl::StrCat(owner, "\n", request.optimizer, "\n");
  if (!names.empty()) return key + absl::StrJoin(names, "\n");
  return absl::StrCat(key, request.name, "\n", request.instance, "\n", states);
}

// The state of that owner's optimizer under these names: one of these names that somebody made
// without naming it, as earlier workers did, who then share it; else the one that was made for
// these names; null: none. Whatever is made later, the answer stays: a state of these names made
// before keeps them, and none can get them after. So recovery, which makes all states of a push
// before it finds the first, finds the same.
const std::vector<VariablePtr>* FindState(
    const absl::flat_hash_map<std::string, std::vector<VariablePtr>>& bindings,
    const std::string& owner, const OptimizerStateRequest& request, const SlotNames& names,
    size_t states) {
  const auto unnamed = bindings.find(StateKey(owner, request, {}, states));
  if (names.empty()) return unnamed == bindings.end() ? nullptr : &unnamed->second;
  const auto is = [](const VariablePtr& variable, const std::string& name) {
    return variable->def.name == name;
  };
  if (unnamed != bindings.end() &&
      std::equal(unnamed->second.begin(), unnamed->second.end(), names.begin(), names.end(), is)) {
    return &unnamed->second;
  }
  const auto named = bindings.find(StateKey(owner, request, names, states));
  return named == bindings.end() ? nullptr : &named->second;
}

absl::Status CheckNames(const SlotNames& names, const std::vector<optimizers::StateDef>& states,
                        const std::string& owner, const OptimizerStateRequest& request) {
  if (names.empty()) return absl::OkStatus();
  if (names.size() != states.size()) {
    return absl::InvalidArgumentError(absl::StrCat("variable ", owner, ": ", names.size(),
                                                   " names for the ", states.size(), " states of ",
                                                   request.optimizer));
  }
  for (const std::string& name : names) {
    if (absl::Status status = ValidateVariableName(name); !status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<OptimizerState> Store::CheckOptimizer(const OptimizerStateRequest& request,
                                                     std::span<const SlotOwner> owners) const {
  OptimizerState binding;
  binding.optimizer = optimizers::FindOptimizer(request.optimizer);
  if (binding.optimizer == nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat("unknown optimizer '", Printable(request.optimizer),
                     "'; known: ", absl::StrJoin(optimizers::OptimizerNames(), ", ")));
  }
  auto hyperparameters =
      optimizers::ReadHyperparameters(*binding.optimizer, request.hyperparameters);
  if (!hyperparameters.ok()) return hyperparameters.status();
  binding.hyperparameters = *std::move(hyperparameters);
  if (absl::Status status = ValidateVariableName(request.name); !status.ok()) return status;
  if (absl::Status status = ValidateVariableName(request.group); !status.ok()) return status;
  absl::Status status =
      CheckNames(request.scalars, binding.optimizer->scalars, request.group, request);
  if (!status.ok()) return status;
  const std::vector<optimizers::StateDef> slots = binding.optimizer->slots(binding.hyperparameters);
  for (const auto& [variable, names] : owners) {
    if (status = CheckNames(names, slots, variable->def.name, request); !status.ok()) return status;
    if (IsFloating(variable->def.dtype)) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("variable ", variable->def.name, " is ", Name(variable->def.dtype), "; ",
                     request.optimizer, " updates float32 and float64"));
  }
  return binding;
}

absl::StatusOr<OptimizerState> Store::FindOptimizerState(const OptimizerStateRequest& request,
                                                         std::span<const SlotOwner> owners) const {
  OptimizerState state;
  state.optimizer = optimizers::FindOptimizer(request.optimizer);
  if (state.optimizer == nullptr) {
    return absl::DataLossError(
        absl::StrCat("no optimizer '", Printable(request.optimizer), "' is known"));
  }
  state.hyperparameters =
      optimizers::FillHyperparameters(*state.optimizer, request.hyperparameters);
  std::lock_guard binding_lock(binding_mutex_);
  const auto find = [&](const Bindings& bindings, const std::string& owner, const SlotNames& names,
                        size_t count) -> absl::StatusOr<std::vector<VariablePtr>> {
    if (count == 0) return std::vector<VariablePtr>();
    const std::vector<VariablePtr>* const found = FindState(bindings, owner, request, names, count);
    if (found != nullptr && found->size() == count) return *found;
    return absl::DataLossError(
        absl::StrCat("the state of an optimizer is missing: ",
                     absl::CHexEscape(StateKey(owner, request, names, count))));
  };
  auto found = find(scalars_, request.group, request.scalars, state.optimizer->scalars.size());
  if (!found.ok()) return found.status();
  state.scalars = *std::move(found);
  const size_t slots = state.optimizer->slots(state.hyperparameters).size();
  for (const SlotOwner& owner : owners) {
    found = find(slots_, owner.variable->def.name, owner.names, slots);
    if (!found.ok()) return found.status();
    state.slots.push_back(*std::move(found));
  }
  return state;
}

absl::StatusOr<OptimizerState> Store::BindOptimizer(const OptimizerStateRequest& request,
                                                    std::span<const SlotOwner> owners,
                                                    const Definer& definer) {
  absl::StatusOr<OptimizerState> checked = CheckOptimizer(request, owners);
  if (!checked.ok()) return checked;
  OptimizerState& binding = *checked;

  // One binding at a time, so that two workers never create the same slot twice.
  std::lock_guard binding_lock(binding_mutex_);
  const std::vector<optimizers::StateDef>& scalars = binding.optimizer->scalars;
  const std::vector<optimizers::StateDef> slots = binding.optimizer->slots(binding.hyperparameters);
  CreationBatch missing;
  std::set<std::string> taken;
  std::unique_lock lock(mutex_);
  const auto plan = [&](const optimizers::StateDef& state, const std::string& base,
                        const Variable* primary) {
    InitializerSpec spec{.kind = "constant"};
    spec.parameters["value"] =
        optimizers::InitialValue(*binding.optimizer, binding.hyperparameters, state);
    std::string name = UniqueName(base, taken);
    taken.insert(name);
    missing.variables.push_back({{.name = name,
                                  .key = "",
                                  .kind = VariableKind::kSlot,
                                  .dtype = primary ? primary->def.dtype : DType::kFloat32,
                                  .shape = primary ? primary->def.shape : Shape{},
                                  .trainable = false,
                                  .primary = primary ? primary->def.name : request.group,
                                  .definer = definer,
                                  .initializer = ToString(spec)},
                                 spec,
                                 Shape{}});
    return name;
  };
  const auto find_scalars = [&] {
    return FindState(scalars_, request.group, request, request.scalars, scalars.size());
  };
  const auto find_slots = [&](const SlotOwner& owner) {
    return FindState(slots_, owner.variable->def.name, request, owner.names, slots.size());
  };
  if (!scalars.empty() && find_scalars() == nullptr) {
    BoundNames& bound = missing.scalars.emplace_back(
        BoundNames{StateKey(request.group, request, request.scalars, scalars.size()), {}});
    for (size_t i = 0; i < scalars.size(); ++i) {
      const bool named = !request.scalars.empty();
      bound.variables.push_back(
          plan(scalars[i], named ? request.scalars[i] : std::string(scalars[i].role), nullptr));
    }
  }
  for (const SlotOwner& owner : owners) {
    const std::string& variable = owner.variable->def.name;
    if (slots.empty() || find_slots(owner) != nullptr) continue;
    BoundNames& bound = missing.slots.emplace_back(
        BoundNames{StateKey(variable, request, owner.names, slots.size()), {}});
    const std::string base = absl::StrCat(variable, "/", request.name);
    for (size_t i = 0; i < slots.size(); ++i) {
      bound.variables.push_back(
          plan(slots[i], owner.names.empty() ? base : owner.names[i], owner.variable.get()));
    }
  }
  if (!missing.variables.empty()) {
    absl::StatusOr<std::vector<VariablePtr>> created = Create(std::move(missing), lock);
    if (!created.ok()) return created.status();
  }
  if (lock.owns_lock()) lock.unlock();
  if (!scalars.empty()) binding.scalars = *find_scalars();
  for (const SlotOwner& owner : owners) {
    binding.slots.push_back(slots.empty() ? std::vector<VariablePtr>{} : *find_slots(owner));
  }
  return checked;
}

}  // namespace varscope::server
