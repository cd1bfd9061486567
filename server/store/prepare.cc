#include "server/store/prepare.h"

#include <algorithm>

#include "absl/functional/function_ref.h"
#include "proto/core/rows.h"
#include "server/store/check.h"

namespace varscope::server {
namespace {

// Finds or creates the state of a step's optimizer.
using Bind = absl::FunctionRef<absl::StatusOr<OptimizerState>(const OptimizerStep& step,
                                                              std::span<const SlotOwner> owners)>;

absl::StatusOr<PreparedStep> Prepare(const Store& store, const OptimizerStep& given, Bind bind) {
  PreparedStep step{.weight_decay = given.weight_decay};
  std::vector<SlotOwner> owners;
  for (const GradientUpdate& update : given.updates) {
    absl::StatusOr<VariablePtr> variable = store.Find(update.variable);
    if (!variable.ok()) return variable.status();
    PreparedUpdate& prepared = step.updates.emplace_back();
    prepared.variable = *variable;
    prepared.gradient = update.gradient;
    prepared.sparse = update.rows.has_value();
    prepared.base_version = update.base_version;
    if (update.rows) prepared.rows = *RowNumbers(*update.rows);
    owners.push_back({*std::move(variable), update.slots});
  }
  for (const SlotRequest& bound : given.bind) {
    absl::StatusOr<VariablePtr> variable = store.Find(bound.variable);
    if (!variable.ok()) return variable.status();
    owners.push_back({*std::move(variable), bound.slots});
  }
  absl::StatusOr<OptimizerState> state = bind(given, owners);
  if (!state.ok()) return state.status();
  for (size_t i = 0; i < step.updates.size(); ++i) step.updates[i].slots = state->slots[i];
  step.state = *std::move(state);
  return step;
}

absl::StatusOr<PreparedAssignment> Prepare(const Store& store, const Assignment& given) {
  absl::StatusOr<VariablePtr> variable = store.Find(given.variable);
  if (!variable.ok()) return variable.status();
  PreparedAssignment prepared{*std::move(variable), given.op, given.value, {}};
  if (IsScatter(given.op)) prepared.rows = *RowNumbers(*given.rows);
  return prepared;
}

absl::StatusOr<PreparedPush> Prepare(const Store& store, const Push& push, Bind bind) {
  PreparedPush prepared;
  for (const Assignment& given : push.assignments) {
    absl::StatusOr<PreparedAssignment> assignment = Prepare(store, given);
    if (!assignment.ok()) return assignment.status();
    prepared.assignments.push_back(*std::move(assignment));
  }
  for (const OptimizerStep& given : push.steps) {
    absl::StatusOr<PreparedStep> step = Prepare(store, given, bind);
    if (!step.ok()) return step.status();
    if (!step->updates.empty()) prepared.steps.push_back(*std::move(step));
  }
  return prepared;
}

// Whether what is written stays inside the variable.
bool IsInside(const Variable& variable, const Tensor& value,
              const std::optional<std::vector<int64_t>>& rows) {
  const VariableDefinition& def = variable.def;
  if (value.dtype() != def.dtype) return false;
  if (!rows) return value.shape() == def.shape;
  const absl::StatusOr<Shape> shape = RowsShape(def.shape, static_cast<int64_t>(rows->size()));
  return shape.ok() && value.shape() == *shape && CheckRows(def.shape, *rows).ok();
}

bool IsInside(const PreparedPush& push) {
  const auto rows_if = [](bool sparse, const std::vector<int64_t>& rows) {
    return sparse ? std::optional(rows) : std::nullopt;
  };
  for (const PreparedStep& step : push.steps) {
    for (const PreparedUpdate& u : step.updates) {
      if (!IsFloating(u.variable->def.dtype)) return false;
      if (!IsInside(*u.variable, u.gradient, rows_if(u.sparse, u.rows))) return false;
    }
  }
  return std::all_of(push.assignments.begin(), push.assignments.end(), [&](const auto& a) {
    return IsInside(*a.variable, a.value, rows_if(IsScatter(a.op), a.rows));
  });
}

}  // namespace

std::vector<VariablePtr> PreparedPush::Concerned() const {
  std::vector<VariablePtr> concerned;
  for (const PreparedStep& step : steps) {
    concerned.insert(concerned.end(), step.state.scalars.begin(), step.state.scalars.end());
    for (const PreparedUpdate& update : step.updates) {
      concerned.push_back(update.variable);
      concerned.insert(concerned.end(), update.slots.begin(), update.slots.end());
    }
  }
  for (const PreparedAssignment& a : assignments) concerned.push_back(a.variable);
  return concerned;
}

absl::StatusOr<PreparedPush> Prepare(Store& store, const Push& push) {
  return Prepare(store, push, [&](const OptimizerStep& step, auto owners) {
    return store.BindOptimizer(step.state, owners, step.definer);
  });
}

absl::StatusOr<PreparedPush> PrepareAgain(const Store& store, const Push& push) {
  absl::StatusOr<PreparedPush> prepared =
      Prepare(store, push, [&](const OptimizerStep& step, auto owners) {
        return store.FindOptimizerState(step.state, owners);
      });
  if (!prepared.ok() || IsInside(*prepared)) return prepared;
  return absl::DataLossError("its values do not fit the variables");
}

}  // namespace varscope::server
