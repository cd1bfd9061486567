#include "client/session/push.h"

#include <algorithm>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "client/graph/creation.h"
#include "client/graph/optimizer_state.h"
#include "client/graph/throw.h"
#include "client/session/groups.h"
#include "proto/optimizers/sparse.h"
#include "proto/tensor/rows.h"
#include "varscope/errors.h"

namespace varscope::internal {
namespace {

double Number(const Tensor& value, const std::string& name) {
  if (value.num_elements() == 1) return CastTensor(value, DType::kFloat64).scalar<double>();
  throw InvalidArgumentError(absl::StrCat("the hyperparameter ", name, " has shape ",
                                          value.shape().ToString(), ", expected a number"));
}

// What is sent has the variable's dtype and shape, or one row of it for each of `rows`.
void CheckFits(const VariableState& variable, const Tensor& value, const Tensor& rows,
               const char* what) {
  Shape expected = variable.shape;
  std::string why;
  if (rows.defined()) {
    why = absl::StrCat(", one row for each of ", rows.num_elements(), " indices");
    const absl::StatusOr<Shape> of_rows = RowsShape(variable.shape, rows.num_elements());
    ThrowIfError(of_rows.status());
    expected = *of_rows;
  }
  if (value.dtype() == variable.dtype && value.shape() == expected) return;
  throw InvalidArgumentError(absl::StrCat("variable ", variable.name, ": the ", what, " is ",
                                          Name(value.dtype()), " ", value.shape().ToString(),
                                          ", expected ", Name(variable.dtype), " ",
                                          expected.ToString(), why));
}

// Rows that a batch has several times go once.
void SumRows(PushRequest::Update& update) {
  absl::StatusOr<std::vector<int64_t>> rows = ToIndices(update.rows);
  absl::Status status = rows.status();
  if (status.ok()) status = optimizers::SumRows(*rows, update.gradient);
  if (!status.ok()) {
    throw InvalidArgumentError(absl::StrCat("variable ", update.variable, ": ", status.message()));
  }
  const auto count = static_cast<int64_t>(rows->size());
  if (count < update.rows.num_elements()) update.rows = Tensor::Of<int64_t>(Shape{count}, *rows);
}

PushRequest::Step ApplyStep(const ApplySpec& spec, const Plan::Effect& effect,
                            const std::vector<Tensor>& slots, LastRead last_read) {
  PushRequest::Step step;
  step.clip_norm = spec.clip_norm;
  step.clip_value = spec.clip_value;
  step.weight_decay = spec.weight_decay;
  step.creator = spec.creator;
  step.state = StateOf(*spec.slots);
  step.optimizer = spec.slots;
  size_t next = 0;
  const auto take = [&]() -> const Tensor& { return slots[effect.inputs[next++]]; };
  for (const std::string& name : spec.hyperparameters) {
    step.state.hyperparameters[name] = Number(take(), name);
  }
  for (const ApplySpec::Update& update : spec.updates) {
    PushRequest::Update out{.variable = update.variable->name, .gradient = take(), .rows = {}};
    if (update.sparse) out.rows = take();
    CheckFits(*update.variable, out.gradient, out.rows, "gradient");
    if (update.sparse) SumRows(out);
    if (update.fed) out.base_version = last_read(out.variable);
    out.slots = SlotNamesOf(*spec.slots, update.variable);
    step.updates.push_back(std::move(out));
  }
  return step;
}

AssignOp AssignOpOf(absl::string_view op) {
  using Op = AssignOp;
  if (op == "AssignVariableOp") return Op::kAssign;
  if (op == "AssignAddVariableOp") return Op::kAdd;
  if (op == "AssignSubVariableOp") return Op::kSub;
  if (op == "ResourceScatterUpdate") return Op::kScatterUpdate;
  if (op == "ResourceScatterAdd") return Op::kScatterAdd;
  if (op == "ResourceScatterSub") return Op::kScatterSub;
  throw RuntimeError(absl::StrCat("op ", op, " cannot be carried out by a session"));
}

// The values that are computed come as inputs, in the order of the variables that have one.
void AddInitializations(const Plan::Effect& effect, const std::vector<Tensor>& slots,
                        PushRequest& push) {
  size_t next = 0;
  for (const VariableState* variable : effect.node->initializes) {
    if (variable->slot) continue;  // the server makes those
    const Tensor value =
        variable->initial_tensor ? *variable->initial_tensor : slots[effect.inputs[next++]];
    CheckFits(*variable, value, Tensor(), "initial value");
    push.assignments.push_back({variable->name, AssignOp::kInitialize, value, Tensor()});
  }
}

// The name of the first of the optimizer's variables that `is_meant`: there is one.
template <typename IsMeant>
std::string FirstOf(const OptimizerSlots& optimizer, const IsMeant& is_meant) {
  const MutexLock lock(optimizer.mutex);
  const auto first = std::find_if(optimizer.variables.begin(), optimizer.variables.end(),
                                  [&](const VariableState* one) { return is_meant(*one); });
  return (*first)->name;
}

}  // namespace

PushRequest CollectPush(const Plan::Stage& stage, const std::vector<Tensor>& slots,
                        const PulledValues& pulled, StoredSlots& stored, LastRead last_read) {
  PushRequest push{.steps = {}, .assignments = {}, .allow_nonfinite = true};
  bool assignments_may = true;
  for (const Plan::Effect& effect : stage.effects) {
    if (effect.guard >= 0 && !slots[effect.guard].scalar<bool>()) continue;
    if (effect.node->apply != nullptr) {
      push.allow_nonfinite = push.allow_nonfinite && effect.node->apply->allow_nonfinite;
      push.steps.push_back(ApplyStep(*effect.node->apply, effect, slots, last_read));
    } else if (effect.node->def->name == "InitializeVariables") {
      AddInitializations(effect, slots, push);
      assignments_may = false;
    } else {
      assignments_may = assignments_may && effect.node->attrs.has("allow_nonfinite");
      const VariableState& variable = *effect.node->variable;
      const Tensor& value = slots[effect.inputs[0]];
      Tensor rows = effect.inputs.size() > 1 ? slots[effect.inputs[1]] : Tensor();
      CheckFits(variable, value, rows, "value");
      push.assignments.push_back(
          {stored.NameOf(variable), AssignOpOf(effect.node->def->name), value, std::move(rows)});
    }
  }
  // A push of assignments alone has no optimizer to ask.
  if (push.steps.empty()) push.allow_nonfinite = assignments_may;
  for (PushRequest::Step& step : push.steps) {
    for (PushRequest::Update& update : step.updates) {
      const auto it = pulled.find(update.variable);
      if (it != pulled.end()) update.base_version = it->second.version;
    }
  }
  return push;
}

std::vector<PushRequest> SplitByGroup(PushRequest push, const std::vector<SyncGroup>& groups) {
  std::vector<PushRequest> pushes;
  if (groups.size() <= 1 || push.steps.empty()) {
    for (PushRequest::Step& step : push.steps) {
      step.state.group = FirstOf(*step.optimizer, [](const auto&) { return true; });
    }
    pushes.push_back(std::move(push));
    return pushes;
  }
  std::map<const SyncGroup*, PushRequest> by_group;
  for (PushRequest::Step& step : push.steps) {
    std::map<const SyncGroup*, PushRequest::Step> parts;
    for (PushRequest::Update& update : step.updates) {
      const SyncGroup* const group = FindGroup(groups, update.variable);
      PushRequest::Step& part = parts[group];
      if (part.updates.empty()) {
        part.state = step.state;
        part.state.group = FirstOf(*step.optimizer, [&](const VariableState& trained) {
          return FindGroup(groups, trained.name) == group;
        });
        part.clip_norm = step.clip_norm;
        part.clip_value = step.clip_value;
        part.weight_decay = step.weight_decay;
        part.creator = step.creator;
      }
      part.updates.push_back(std::move(update));
    }
    for (auto& [group, part] : parts) by_group[group].steps.push_back(std::move(part));
  }
  by_group.begin()->second.assignments = std::move(push.assignments);
  for (auto& [group, part] : by_group) {
    part.allow_nonfinite = push.allow_nonfinite;
    pushes.push_back(std::move(part));
  }
  return pushes;
}

}  // namespace varscope::internal
