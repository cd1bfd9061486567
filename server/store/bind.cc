// Store::BindOptimizer: slots and shared scalars, found or created under TensorFlow's names.
#include <set>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "proto/core/names.h"
#include "server/store/store.h"

namespace varscope::server {
namespace {

// Optimizers that differ in kind or in number of slots never share state, whatever their names.
std::string StateKey(const std::string& owner, const OptimizerStateRequest& request,
                     size_t states) {
  return absl::StrCat(owner, "\n", request.optimizer, "\n", request.name, "\n", request.instance,
                      "\n", states);
}

}  // namespace

absl::StatusOr<OptimizerState> Store::CheckOptimizer(const OptimizerStateRequest& request,
                                                     std::span<const VariablePtr> variables) const {
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
  for (const VariablePtr& variable : variables) {
    if (IsFloating(variable->def.dtype)) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("variable ", variable->def.name, " is ", Name(variable->def.dtype), "; ",
                     request.optimizer, " updates float32 and float64"));
  }
  return binding;
}

absl::StatusOr<OptimizerState> Store::BindOptimizer(const OptimizerStateRequest& request,
                                                    std::span<const VariablePtr> variables,
                                                    const Definer& definer) {
  absl::StatusOr<OptimizerState> checked = CheckOptimizer(request, variables);
  if (!checked.ok()) return checked;
  OptimizerState& binding = *checked;

  // One binding at a time, so that two workers never create the same slot twice.
  std::lock_guard binding_lock(binding_mutex_);
  const std::vector<optimizers::StateDef>& scalars = binding.optimizer->scalars;
  const std::vector<optimizers::StateDef> slots = binding.optimizer->slots(binding.hyperparameters);
  const std::string scalars_key = StateKey(request.group, request, scalars.size());
  const auto slots_key = [&](const VariablePtr& primary) {
    return StateKey(primary->def.name, request, slots.size());
  };

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
  if (!scalars.empty() && !scalars_.contains(scalars_key)) {
    BoundNames& bound = missing.scalars.emplace_back(BoundNames{scalars_key, {}});
    for (const optimizers::StateDef& scalar : scalars) {
      bound.variables.push_back(plan(scalar, std::string(scalar.role), nullptr));
    }
  }
  for (const VariablePtr& primary : variables) {
    if (slots.empty() || slots_.contains(slots_key(primary))) continue;
    BoundNames& bound = missing.slots.emplace_back(BoundNames{slots_key(primary), {}});
    for (const optimizers::StateDef& slot : slots) {
      const std::string base = absl::StrCat(primary->def.name, "/", request.name);
      bound.variables.push_back(plan(slot, base, primary.get()));
    }
  }
  if (!missing.variables.empty()) {
    absl::StatusOr<std::vector<VariablePtr>> created = Create(std::move(missing), lock);
    if (!created.ok()) return created.status();
  }
  if (lock.owns_lock()) lock.unlock();
  if (!scalars.empty()) binding.scalars = scalars_.at(scalars_key);
  for (const VariablePtr& primary : variables) {
    binding.slots.push_back(slots.empty() ? std::vector<VariablePtr>{}
                                          : slots_.at(slots_key(primary)));
  }
  return checked;
}

}  // namespace varscope::server
