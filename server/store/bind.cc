// Store::BindOptimizer: slots and shared scalars, found or created under TensorFlow's names.
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "proto/core/names.h"
#include "server/store/creation.h"
#include "server/store/store.h"

namespace varscope::server {
namespace {

// Optimizers that differ in kind or in number of slots never share state, whatever their names.
std::string StateKey(const std::string& owner, const OptimizerStateRequest& request,
                     size_t states) {
  return absl::StrCat(owner, "\n", request.optimizer, "\n", request.name, "\n", request.instance,
                      "\n", states);
}

// The value of a hyperparameter, by name.
double ValueOf(const OptimizerState& binding, absl::string_view name) {
  const std::vector<HyperparameterDef>& defs = binding.optimizer->hyperparameters;
  for (size_t i = 0; i < defs.size(); ++i) {
    if (defs[i].name == name) return binding.hyperparameters[i];
  }
  return 0;
}

}  // namespace

absl::StatusOr<VariablePtr> Store::CreateSlot(const std::string& base_name, const StateDef& state,
                                              const OptimizerState& binding,
                                              const Variable* primary, const Definer& definer) {
  InitializerSpec spec{.kind = "constant"};
  spec.parameters["value"] =
      state.from.empty() ? state.initial_value : ValueOf(binding, state.from);
  std::unique_lock lock(mutex_);
  auto created = Create({Creation{{.name = UniqueName(base_name),
                                   .key = "",
                                   .kind = VariableKind::kSlot,
                                   .dtype = primary ? primary->def.dtype : DType::kFloat32,
                                   .shape = primary ? primary->def.shape : Shape{},
                                   .trainable = false,
                                   .primary = primary ? primary->def.name : "",
                                   .definer = definer,
                                   .initializer = ToString(spec)},
                                  spec,
                                  Shape{}}},
                        lock);
  if (!created.ok()) return created.status();
  return created->front();
}

absl::StatusOr<OptimizerState> Store::BindOptimizer(const OptimizerStateRequest& request,
                                                    std::span<const std::string> variables,
                                                    const Definer& definer) {
  OptimizerState binding;
  binding.optimizer = FindOptimizer(request.optimizer);
  if (binding.optimizer == nullptr) {
    return absl::InvalidArgumentError(absl::StrCat("unknown optimizer '",
                                                   Printable(request.optimizer), "'; known: ",
                                                   absl::StrJoin(OptimizerNames(), ", ")));
  }
  auto hyperparameters = ReadHyperparameters(*binding.optimizer, request.hyperparameters);
  if (!hyperparameters.ok()) return hyperparameters.status();
  binding.hyperparameters = *std::move(hyperparameters);
  if (absl::Status status = ValidateVariableName(request.name); !status.ok()) return status;
  if (absl::Status status = ValidateVariableName(request.group); !status.ok()) return status;

  std::vector<VariablePtr> primaries;
  for (const std::string& name : variables) {
    absl::StatusOr<VariablePtr> primary = Find(name);
    if (!primary.ok()) return primary.status();
    if (!IsFloating((*primary)->def.dtype)) {
      return absl::InvalidArgumentError(absl::StrCat("variable ", name, " is ",
                                                     Name((*primary)->def.dtype), "; ",
                                                     request.optimizer,
                                                     " updates float32 and float64"));
    }
    primaries.push_back(*std::move(primary));
  }

  // One binding at a time, so that two workers never create the same slot twice.
  std::lock_guard binding_lock(binding_mutex_);
  const auto find_or_create = [&](std::unordered_map<std::string, std::vector<VariablePtr>>& index,
                                  const std::string& key, const std::vector<StateDef>& states,
                                  const Variable* primary)
      -> absl::StatusOr<std::vector<VariablePtr>> {
    std::vector<VariablePtr>& made = index[key];
    for (size_t i = made.size(); i < states.size(); ++i) {
      const std::string base = primary ? absl::StrCat(primary->def.name, "/", request.name)
                                       : std::string(states[i].role);
      absl::StatusOr<VariablePtr> slot = CreateSlot(base, states[i], binding, primary, definer);
      if (!slot.ok()) return slot.status();
      made.push_back(*std::move(slot));
    }
    return made;
  };

  const std::vector<StateDef>& shared = binding.optimizer->scalars;
  auto scalars = find_or_create(scalars_, StateKey(request.group, request, shared.size()), shared,
                                nullptr);
  if (!scalars.ok()) return scalars.status();
  binding.scalars = *std::move(scalars);
  const std::vector<StateDef> slots = binding.optimizer->slots(binding.hyperparameters);
  for (const VariablePtr& primary : primaries) {
    const std::string key = StateKey(primary->def.name, request, slots.size());
    auto made = find_or_create(slots_, key, slots, primary.get());
    if (!made.ok()) return made.status();
    binding.slots.push_back(*std::move(made));
  }
  return binding;
}

}  // namespace varscope::server
