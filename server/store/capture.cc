// Store::Capture and Store::Restore: the whole state out and in.
#include <cstring>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "server/failpoint.h"
#include "server/store/state.h"
#include "server/store/store.h"

namespace varscope::server {
namespace {

std::vector<std::string> NamesOf(const std::vector<VariablePtr>& variables) {
  std::vector<std::string> names;
  for (const VariablePtr& variable : variables) names.push_back(variable->def.name);
  return names;
}

CapturedVariable CaptureOne(const Variable& v) ABSL_EXCLUSIVE_LOCKS_REQUIRED(v.mutex) {
  if (FailpointIsOn(Failpoint::kSnapshotWithoutSlots) && v.def.kind == VariableKind::kSlot) {
    Tensor zeros(v.def.dtype, v.def.shape);
    std::memset(zeros.mutable_raw(), 0, zeros.byte_size());
    return {v.def, zeros, v.version, v.initialized, 0, 0, 0, 0};
  }
  return {v.def,   v.value,  v.version,      v.initialized,
          v.pulls, v.pushes, v.bytes_pulled, v.bytes_pushed};
}

}  // namespace

StoreState Store::Capture(const std::function<void()>& at_snapshot) const {
  MutexLock slots_lock(slots_mutex_);
  WriterLock lock(mutex_);
  const LockedVariables locked(FailpointIsOn(Failpoint::kTornSnapshot) ? std::vector<VariablePtr>()
                                                                       : variables_);
  at_snapshot();
  StoreState state;
  state.global_step = global_step();
  {
    MutexLock commit_lock(commit_mutex_);
    state.group_steps = group_steps_;
    // One that is prepared, and was never counted.
    std::erase_if(state.group_steps, [](const auto& group) { return group.second == 0; });
  }
  for (const VariablePtr& variable : variables_) {
    variable->mutex.AssertHeld();
    state.variables.push_back(CaptureOne(*variable));
  }
  for (const auto& [key, partitioned] : partitioned_) {
    state.partitioned.push_back({key, partitioned.known, NamesOf(partitioned.parts)});
  }
  for (const auto& [key, variables] : slots_) state.slots.push_back({key, NamesOf(variables)});
  for (const auto& [key, variables] : non_slots_)
    state.non_slots.push_back({key, NamesOf(variables)});
  if (!FailpointIsOn(Failpoint::kSnapshotWithoutCompletionRecords))
    state.completion_records = completion_records_.entries();
  return state;
}

absl::Status Store::Restore(StoreState state) {
  MutexLock slots_lock(slots_mutex_);
  WriterLock lock(mutex_);
  if (!variables_.empty()) return absl::FailedPreconditionError("the store is not empty");
  return RestoreLocked(std::move(state));
}

absl::Status Store::Replace(StoreState state) {
  MutexLock slots_lock(slots_mutex_);
  WriterLock lock(mutex_);
  ++generation_;
  variables_.clear();
  by_name_.clear();
  by_key_.clear();
  partitioned_.clear();
  slots_.clear();
  non_slots_.clear();
  bytes_used_ = 0;
  return RestoreLocked(std::move(state));
}

absl::Status Store::RestoreLocked(StoreState state) {
  for (CapturedVariable& captured : state.variables) {
    const std::string name = captured.definition.name;
    auto variable = std::make_shared<Variable>(next_id_++, std::move(captured.definition));
    variable->mutex.AssertHeld();  // nobody else sees it before this ends
    variable->value = std::move(captured.value);
    variable->version = captured.version;
    variable->initialized = captured.initialized;
    variable->pulls = captured.pulls;
    variable->pushes = captured.pushes;
    variable->bytes_pulled = captured.bytes_pulled;
    variable->bytes_pushed = captured.bytes_pushed;
    bytes_used_ += variable->value.byte_size();
    if (!by_name_.emplace(name, variable).second) {
      return absl::DataLossError(absl::StrCat("variable ", name, " comes twice"));
    }
    if (!variable->def.key.empty()) by_key_.emplace(variable->def.key, variable);
    variables_.push_back(std::move(variable));
  }
  for (const PartitionedNames& names : state.partitioned) {
    if (absl::Status status = Register(names); !status.ok()) return status;
  }
  if (absl::Status status = Register(state.slots, slots_); !status.ok()) return status;
  if (absl::Status status = Register(state.non_slots, non_slots_); !status.ok()) return status;
  completion_records_.Reset(state.completion_records);
  global_step_ = state.global_step;
  ++changes_;
  MutexLock commit_lock(commit_mutex_);
  group_steps_ = std::move(state.group_steps);
  return absl::OkStatus();
}

absl::StatusOr<std::vector<VariablePtr>> Store::FindAll(
    const std::vector<std::string>& names) const {
  std::vector<VariablePtr> found;
  for (const std::string& name : names) {
    const auto it = by_name_.find(name);
    if (it == by_name_.end()) {
      return absl::DataLossError(absl::StrCat("variable ", name, " is missing"));
    }
    found.push_back(it->second);
  }
  return found;
}

absl::Status Store::Register(const PartitionedNames& names) {
  absl::StatusOr<std::vector<VariablePtr>> parts = FindAll(names.parts);
  if (!parts.ok()) return parts.status();
  partitioned_[names.key] = {names.known, *std::move(parts)};
  return absl::OkStatus();
}

absl::Status Store::Register(const std::vector<StateNames>& all, StateMap& state_map) const {
  for (const StateNames& names : all) {
    absl::StatusOr<std::vector<VariablePtr>> variables = FindAll(names.variables);
    if (!variables.ok()) return variables.status();
    state_map[names.key] = *std::move(variables);
  }
  return absl::OkStatus();
}

absl::Status Store::RegisterStates(const CreationBatch& batch)
    ABSL_NO_THREAD_SAFETY_ANALYSIS {  // who has no states in the batch does not hold slots_mutex_
  absl::Status status = Register(batch.slots, slots_);
  status.Update(Register(batch.non_slots, non_slots_));
  return status;
}

absl::Status Store::Recreate(const CreationBatch& batch) {
  MutexLock slots_lock(slots_mutex_);
  WriterLock lock(mutex_);
  return Make(batch, lock).status();
}

}  // namespace varscope::server
