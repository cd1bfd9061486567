#include "server/store/state.h"

#include <cstring>
#include <iterator>
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
  MemoryAccount::Hold held = MemoryAccount::Process().HoldAnyway(OverheadOf(*captured.definition));
  auto variable = std::make_shared<Variable>(*captured.definition, std::move(held));
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

// What malloc adds to a block.
constexpr uint64_t kBlockBytes = 16;

uint64_t TakenBy(const std::string& text) {
  return text.capacity() > std::string().capacity() ? text.size() + 1 + kBlockBytes : 0;
}

uint64_t TakenByNames(const std::string& key, size_t variables) {
  return sizeof(CapturedNames) + TakenBy(key) + kBlockBytes +
         variables * sizeof(CapturedNames::variables[0]);
}

uint64_t TakenBy(const std::vector<PartitionedNames>& all) {
  uint64_t bytes = 0;
  for (const PartitionedNames& names : all) {
    bytes += sizeof names + TakenBy(names.key) + 2 * kBlockBytes;
    for (const std::string& part : names.parts) bytes += sizeof part + TakenBy(part);
  }
  return bytes;
}

uint64_t TakenBy(const NameTable::States& states) {
  uint64_t bytes = 0;
  for (const auto& [key, variables] : states) bytes += TakenByNames(key, variables.size());
  return bytes;
}

uint64_t TakenBy(const std::vector<CapturedNames>& all) {
  uint64_t bytes = 0;
  for (const CapturedNames& names : all) bytes += TakenByNames(names.key, names.variables.size());
  return bytes;
}

void Count(StoreState& state, uint64_t bytes) {
  state.held.push_back(
      std::make_shared<MemoryAccount::Hold>(MemoryAccount::Process().HoldAnyway(bytes)));
}

std::vector<CapturedNames> AllNames(const NameTable::States& states) {
  std::vector<CapturedNames> all;
  all.reserve(states.size());
  for (const auto& [key, variables] : states) {
    CapturedNames& names = all.emplace_back(CapturedNames{key, {}});
    names.variables.reserve(variables.size());
    for (const VariablePtr& v : variables) names.variables.emplace_back(v, &v->def.name);
  }
  return all;
}

absl::Status AddAll(const std::vector<CapturedNames>& all,
                    absl::FunctionRef<absl::Status(const std::vector<StateNames>&)> add) {
  absl::Status status;
  for (const CapturedNames& names : all) {
    StateNames one{names.key, {}};
    for (const auto& name : names.variables) one.variables.push_back(*name);
    status.Update(add({std::move(one)}));
  }
  return status;
}

void CaptureCompletionRecords(const CompletionRecords& records, StoreState& state) {
  Count(state, records.EntriesBytes());
  state.completion_records = records.entries();
}

// `cut` fills in what is not in the table, while nothing in it changes.
StoreState CaptureTable(const NameTable& names, absl::FunctionRef<void(StoreState&)> cut) {
  StoreState state;
  const std::vector<VariablePtr>& all = names.variables();
  Count(state, all.size() * sizeof(CapturedVariable) + TakenBy(names.slots()) +
                   TakenBy(names.non_slots()));
  state.variables.resize(all.size());
  {
    // Every push waits meanwhile: what does not change is captured after it.
    const bool torn = FailpointIsOn(Failpoint::kTornSnapshot);
    const MemoryAccount::Hold held =
        MemoryAccount::Process().HoldAnyway(all.size() * sizeof(Variable*));
    const LockedVariables locked(std::span<const VariablePtr>(all.data(), torn ? 0 : all.size()));
    cut(state);
    for (size_t i = 0; i < all.size(); ++i) {
      all[i]->mutex.AssertHeld();
      CaptureValue(*all[i], state.variables[i]);
    }
  }
  for (size_t i = 0; i < all.size(); ++i) {
    state.variables[i].definition = {all[i], &all[i]->def};
  }
  state.partitioned = names.partitioned();
  Count(state, TakenBy(state.partitioned));
  state.slots = AllNames(names.slots());
  state.non_slots = AllNames(names.non_slots());
  return state;
}

template <typename T>
void Append(std::vector<T> part, std::vector<T>& all) {
  all.insert(all.end(), std::make_move_iterator(part.begin()), std::make_move_iterator(part.end()));
}

}  // namespace

void Append(StoreState part, StoreState& state) {
  // Lists that grow have up to as much again in reserve.
  uint64_t bytes = part.variables.size() * sizeof(CapturedVariable) + TakenBy(part.partitioned) +
                   TakenBy(part.slots) + TakenBy(part.non_slots);
  for (const CompletionRecords::Entry& entry : part.completion_records) {
    bytes += sizeof entry + TakenBy(entry.id.worker_id);
  }
  Count(state, 2 * bytes);
  Append(std::move(part.variables), state.variables);
  Append(std::move(part.partitioned), state.partitioned);
  Append(std::move(part.slots), state.slots);
  Append(std::move(part.non_slots), state.non_slots);
  Append(std::move(part.completion_records), state.completion_records);
}

StoreState Capture(const Store& store, absl::FunctionRef<void()> at_snapshot) {
  StoreState state;
  store.catalog.Read([&](const NameTable& names) {
    state = CaptureTable(names, [&](StoreState& captured) {
      captured.steps = store.changes.Cut([&] {
        at_snapshot();
        if (!FailpointIsOn(Failpoint::kSnapshotWithoutCompletionRecords)) {
          CaptureCompletionRecords(store.completion_records, captured);
        }
      });
    });
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
  status.Update(AddAll(state.slots, [&](const auto& one) { return names.AddSlots(one); }));
  status.Update(AddAll(state.non_slots, [&](const auto& one) { return names.AddNonSlots(one); }));
  if (!status.ok()) return status;
  for (const CompletionRecords::Entry& entry : state.completion_records) {
    made->completion_records_.Restore(entry);
  }
  made->steps_ = std::move(state.steps);
  return made;
}

StoreState PreparedState::State() const {
  return CaptureTable(names_, [this](StoreState& state) {
    state.steps = steps_;
    CaptureCompletionRecords(completion_records_, state);
  });
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
