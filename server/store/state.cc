#include "server/store/state.h"

#include <cstring>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/failpoint.h"

namespace varscope::server {
namespace {

CapturedVariable CaptureOne(const Variable& v) ABSL_EXCLUSIVE_LOCKS_REQUIRED(v.mutex) {
  if (FailpointIsOn(Failpoint::kSnapshotWithoutSlots) && v.def.kind == VariableKind::kSlot &&
      v.value.defined()) {
    Tensor zeros(v.def.dtype, v.def.shape);
    std::memset(zeros.mutable_raw(), 0, zeros.byte_size());
    return {v.def, zeros, v.version, v.initialized, 0, 0, 0, 0};
  }
  return {v.def,    v.value,        v.version,      v.initialized, v.pulls,
          v.pushes, v.bytes_pulled, v.bytes_pushed, v.first_value};
}

VariablePtr RestoreOne(CapturedVariable captured) {
  // A state that was, is: no limit of now refuses it.
  MemoryAccount::Hold held = MemoryAccount::Process().HoldAnyway(OverheadOf(captured.definition));
  auto variable = std::make_shared<Variable>(std::move(captured.definition), std::move(held));
  variable->mutex.AssertHeld();  // nobody else sees it yet
  variable->value = std::move(captured.value);
  variable->version = captured.version;
  variable->initialized = captured.initialized;
  variable->pulls = captured.pulls;
  variable->pushes = captured.pushes;
  variable->bytes_pulled = captured.bytes_pulled;
  variable->bytes_pushed = captured.bytes_pushed;
  variable->first_value = std::move(captured.first_value);
  return variable;
}

std::vector<StateNames> AllNames(const NameTable::States& states) {
  std::vector<StateNames> names;
  names.reserve(states.size());
  for (const auto& [key, variables] : states) names.push_back({key, NamesOf(variables)});
  return names;
}

}  // namespace

StoreState Capture(const Store& store, absl::FunctionRef<void()> at_snapshot) {
  StoreState state;
  store.catalog.Read([&](const NameTable& names) {
    const LockedVariables locked(
        FailpointIsOn(Failpoint::kTornSnapshot) ? std::vector<VariablePtr>() : names.variables());
    at_snapshot();
    state.steps = store.changes.steps();
    for (const VariablePtr& variable : names.variables()) {
      variable->mutex.AssertHeld();
      state.variables.push_back(CaptureOne(*variable));
    }
    state.partitioned = names.partitioned();
    state.slots = AllNames(names.slots());
    state.non_slots = AllNames(names.non_slots());
    if (!FailpointIsOn(Failpoint::kSnapshotWithoutCompletionRecords))
      state.completion_records = store.completion_records.entries();
  });
  return state;
}

absl::Status Restore(Store& store, StoreState state) {
  NameTable names;
  absl::Status status;
  for (CapturedVariable& captured : state.variables) {
    status.Update(names.Add(RestoreOne(std::move(captured))));
  }
  for (const PartitionedNames& p : state.partitioned) status.Update(names.AddPartitioned(p));
  status.Update(names.AddSlots(state.slots));
  status.Update(names.AddNonSlots(state.non_slots));
  if (!status.ok()) return status;
  store.catalog.Replace(std::move(names));
  store.completion_records.Reset(state.completion_records);
  store.changes.Replace(std::move(state.steps));
  return absl::OkStatus();
}

}  // namespace varscope::server
