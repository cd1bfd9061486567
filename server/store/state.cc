#include "server/store/state.h"

#include <cstring>
#include <memory>
#include <span>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/failpoint.h"

namespace varscope::server {
namespace {

// What pushes change of it.
void CaptureValue(const Variable& v, CapturedVariable& captured)
    ABSL_EXCLUSIVE_LOCKS_REQUIRED(v.mutex) {
  captured.value = v.value;
  captured.version = v.version;
  captured.initialized = v.initialized;
  captured.first_value = v.first_value;
  if (FailpointIsOn(Failpoint::kSnapshotWithoutSlots) && v.def.kind == VariableKind::kSlot &&
      v.value.defined()) {
    captured.value = Tensor(v.def.dtype, v.def.shape);
    std::memset(captured.value.mutable_raw(), 0, captured.value.byte_size());
    return;
  }
  captured.pulls = v.pulls;
  captured.pushes = v.pushes;
  captured.bytes_pulled = v.bytes_pulled;
  captured.bytes_pushed = v.bytes_pushed;
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
    const std::vector<VariablePtr>& all = names.variables();
    state.variables.resize(all.size());
    {
      // Every push waits meanwhile: what does not change is copied after it.
      const bool torn = FailpointIsOn(Failpoint::kTornSnapshot);
      const LockedVariables locked(std::span<const VariablePtr>(all.data(), torn ? 0 : all.size()));
      state.steps = store.changes.Cut([&] {
        at_snapshot();
        if (!FailpointIsOn(Failpoint::kSnapshotWithoutCompletionRecords)) {
          state.completion_records = store.completion_records.entries();
        }
      });
      for (size_t i = 0; i < all.size(); ++i) {
        all[i]->mutex.AssertHeld();
        CaptureValue(*all[i], state.variables[i]);
      }
    }
    for (size_t i = 0; i < all.size(); ++i) state.variables[i].definition = all[i]->def;
    state.partitioned = names.partitioned();
    state.slots = AllNames(names.slots());
    state.non_slots = AllNames(names.non_slots());
  });
  return state;
}

absl::StatusOr<std::unique_ptr<PreparedState>> PreparedState::Make(StoreState state) {
  std::unique_ptr<PreparedState> made(new PreparedState);
  NameTable& names = made->names_;
  absl::Status status;
  for (CapturedVariable& captured : state.variables) {
    status.Update(names.Add(RestoreOne(std::move(captured))));
  }
  for (const PartitionedNames& p : state.partitioned) status.Update(names.AddPartitioned(p));
  status.Update(names.AddSlots(state.slots));
  status.Update(names.AddNonSlots(state.non_slots));
  if (!status.ok()) return status;
  for (const CompletionRecords::Entry& entry : state.completion_records) {
    made->completion_records_.Restore(entry);
  }
  made->steps_ = std::move(state.steps);
  return made;
}

void PreparedState::Install(Store& store) noexcept {
  store.catalog.Replace(std::move(names_));
  store.completion_records.Reset(completion_records_);
  store.changes.Replace(std::move(steps_));
}

absl::Status Restore(Store& store, StoreState state) {
  const absl::StatusOr<std::unique_ptr<PreparedState>> prepared =
      PreparedState::Make(std::move(state));
  if (!prepared.ok()) return prepared.status();
  (*prepared)->Install(store);
  return absl::OkStatus();
}

}  // namespace varscope::server
