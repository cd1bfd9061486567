#include "server/store/prepare.h"

#include "proto/core/rows.h"
#include "server/store/check.h"

namespace varscope::server {
namespace {

absl::StatusOr<PreparedStep> Prepare(Store& store, const OptimizerStep& given) {
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
  absl::StatusOr<OptimizerState> state = store.BindOptimizer(given.state, owners, given.definer);
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
  PreparedPush prepared;
  for (const Assignment& given : push.assignments) {
    absl::StatusOr<PreparedAssignment> assignment = Prepare(store, given);
    if (!assignment.ok()) return assignment.status();
    prepared.assignments.push_back(*std::move(assignment));
  }
  for (const OptimizerStep& given : push.steps) {
    absl::StatusOr<PreparedStep> step = Prepare(store, given);
    if (!step.ok()) return step.status();
    if (!step->updates.empty()) prepared.steps.push_back(*std::move(step));
  }
  return prepared;
}

}  // namespace varscope::server
