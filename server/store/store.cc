#include "server/store/store.h"

#include <algorithm>
#include <cstring>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "proto/concurrency/blocking_region.h"
#include "proto/concurrency/mutex.h"
#include "proto/naming/names.h"
#include "proto/tensor/allocate.h"
#include "proto/tensor/rows.h"
#include "proto/tensor/shape_rules.h"
#include "server/catalog/initializers.h"

namespace varscope::server {

namespace {

// Everything that can be wrong with new variables, before memory is taken.
absl::Status CheckCreation(const StoreLimits& limits, uint64_t used,
                           std::span<const NewVariable> creations) {
  uint64_t total = used;
  for (const NewVariable& c : creations) {
    const VariableDefinition& def = c.definition;
    if (absl::Status status = ValidateVariableName(def.name); !status.ok()) return status;
    const std::string where =
        absl::StrCat("variable ", def.name, ", ", ToString(def.creator), ": ");
    const absl::StatusOr<uint64_t> bytes = ByteSize(def.dtype, def.shape);
    if (!bytes.ok()) {
      return absl::InvalidArgumentError(absl::StrCat(where, bytes.status().message()));
    }
    if (*bytes > limits.max_variable_bytes) {
      return absl::InvalidArgumentError(absl::StrCat(
          where, "shape ", def.shape.ToString(), " takes ", *bytes, " bytes, a variable may take ",
          limits.max_variable_bytes, " (--max-variable-bytes)"));
    }
    total += *bytes;
    if (total > limits.max_total_bytes) {
      return absl::ResourceExhaustedError(
          absl::StrCat(where, *bytes, " bytes do not fit: the store holds ", used, " of at most ",
                       limits.max_total_bytes, " (--max-store-bytes)"));
    }
    if (!c.initializer) continue;
    absl::Status status = ValidateInitializer(*c.initializer, def.dtype, def.shape);
    if (!status.ok()) return absl::InvalidArgumentError(absl::StrCat(where, status.message()));
  }
  return absl::OkStatus();
}

// Uninitialized.
absl::StatusOr<Tensor> RoomForRows(const Variable& variable, std::span<const int64_t> rows) {
  const VariableDefinition& def = variable.def;
  const absl::StatusOr<Shape> shape = RowsShape(def.shape, static_cast<int64_t>(rows.size()));
  if (!shape.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("variable ", def.name, ": ", shape.status().message()));
  }
  if (absl::Status status = CheckRows(def.shape, rows); !status.ok()) {
    return absl::InvalidArgumentError(absl::StrCat("variable ", def.name, ": ", status.message()));
  }
  return TryAllocate(def.dtype, *shape);
}

}  // namespace

absl::StatusOr<std::vector<VariablePtr>> Store::Create(CreationBatch batch,
                                                       WriterLock& lock)
    ABSL_NO_THREAD_SAFETY_ANALYSIS {  // lets go a lock of its caller's, with an error perhaps not
  absl::Status status = CheckCreation(limits_, bytes_used_.load(), batch.variables);
  return status.ok() ? Make(std::move(batch), lock) : status;
}

absl::StatusOr<std::vector<VariablePtr>> Store::Make(CreationBatch batch,
                                                     WriterLock& lock)
    ABSL_NO_THREAD_SAFETY_ANALYSIS {  // as Create
  std::vector<Tensor> values;
  for (const NewVariable& v : batch.variables) {
    if (by_name_.contains(v.definition.name)) {
      return absl::InternalError(absl::StrCat("variable ", v.definition.name, " exists"));
    }
    absl::StatusOr<Tensor> value = TryAllocate(v.definition.dtype, v.definition.shape);
    if (!value.ok()) return value.status();
    values.push_back(*std::move(value));
  }
  absl::Status status = observer_ != nullptr ? observer_->OnCreated(batch) : absl::OkStatus();
  if (!status.ok()) return status;
  absl::StatusOr<std::vector<VariablePtr>> created = Register(batch);
  if (!created.ok()) return created.status();
  // Nobody else has seen them yet, so locking cannot wait; whoever finds them from now on waits
  // until they have their initial value.
  LockedVariables locked(*created);
  lock.unlock();
  for (size_t i = 0; i < batch.variables.size(); ++i) {
    const NewVariable& v = batch.variables[i];
    Variable& variable = *(*created)[i];
    if (v.initializer) {
      Initialize(*v.initializer, v.definition.seed, v.full_shape, values[i]);
      variable.initialized = true;
    } else if (values[i].byte_size() > 0) {
      std::memset(values[i].mutable_raw(), 0, values[i].byte_size());
    }
    variable.value = std::move(values[i]);
  }
  return created;
}

absl::StatusOr<std::vector<VariablePtr>> Store::Register(const CreationBatch& batch) {
  std::vector<VariablePtr> created;
  for (const NewVariable& v : batch.variables) {
    auto variable = std::make_shared<Variable>(next_id_++, v.definition);
    bytes_used_ += *ByteSize(v.definition.dtype, v.definition.shape);
    variables_.push_back(variable);
    by_name_.emplace(variable->def.name, variable);
    if (!variable->def.key.empty()) by_key_.emplace(variable->def.key, variable);
    created.push_back(std::move(variable));
  }
  absl::Status status = batch.partitioned ? Register(*batch.partitioned) : absl::OkStatus();
  status.Update(RegisterStates(batch));
  if (!status.ok()) return status;
  return created;
}

std::shared_lock<SharedMutex> Store::LockChanges() const {
  { const BlockingLock gate(changes_gate_); }
  std::shared_lock lock(changes_mutex_, std::try_to_lock);
  if (lock.owns_lock()) return lock;
  const BlockingRegion waiting;
  lock.lock();
  return lock;
}

uint64_t* Store::GroupStep(const std::string& group) {
  const BlockingLock lock(commit_mutex_);
  return &group_steps_[group];
}

void Store::Commit(std::span<CompletionRecords::InFlightPush> in_flight_pushes, bool has_gradients,
                   uint64_t* group_step, PushEntry* entry, PushResult& result) noexcept {
  MutexLock lock(commit_mutex_);
  ++changes_;
  if (has_gradients) ++global_step_;
  result.global_step = global_step_;
  if (group_step != nullptr) result.group_step = ++*group_step;
  for (CompletionRecords::InFlightPush& in_flight_push : in_flight_pushes)
    in_flight_push.Record(result);
  if (entry != nullptr) entry->Append(result);
}

uint64_t Store::group_step(const std::string& group) const {
  MutexLock lock(commit_mutex_);
  const auto it = group_steps_.find(group);
  return it == group_steps_.end() ? 0 : it->second;
}

std::string Store::UniqueName(const std::string& name, const std::set<std::string>& taken) const {
  const auto free = [&](const std::string& candidate) ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    return !by_name_.contains(candidate) && !taken.contains(candidate);
  };
  if (free(name)) return name;
  for (uint64_t i = 1;; ++i) {
    std::string candidate = absl::StrCat(name, "_", i);
    if (free(candidate)) return candidate;
  }
}

VariablePtr Store::FindKey(const std::string& key) const {
  const auto it = by_key_.find(key);
  return it == by_key_.end() ? nullptr : it->second;
}

absl::StatusOr<VariablePtr> Store::Find(const std::string& name) const {
  ReaderLock lock(mutex_);
  return FindLocked(name);
}

absl::StatusOr<VariablePtr> Store::FindLocked(const std::string& name) const {
  if (const auto it = by_name_.find(name); it != by_name_.end()) return it->second;
  std::string hint;
  if (const size_t slash = name.rfind('/'); slash != std::string::npos) {
    const bool same_scope =
        std::any_of(variables_.begin(), variables_.end(), [&](const VariablePtr& v) {
          return absl::StartsWith(v->def.name, absl::string_view(name).substr(0, slash + 1));
        });
    if (!same_scope)
      hint = absl::StrCat("; the scope '", Printable(name.substr(0, slash)), "' has none");
  }
  return absl::NotFoundError(absl::StrCat("variable '", Printable(name),
                                          "' is not in the store, which has ", variables_.size(),
                                          " variables", hint));
}

absl::StatusOr<ConsistentRead> Store::Pull(std::span<const std::string> names,
                                           std::span<const ReadIndices> rows) const {
  std::vector<VariablePtr> variables;
  variables.reserve(names.size());
  {
    ReaderLock lock(mutex_);
    for (const std::string& name : names) {
      absl::StatusOr<VariablePtr> variable = FindLocked(name);
      if (!variable.ok()) return variable.status();
      variables.push_back(*std::move(variable));
    }
  }
  return Pull(std::move(variables), rows);
}

absl::StatusOr<ConsistentRead> Store::Pull(std::vector<VariablePtr> variables,
                                           std::span<const ReadIndices> rows) const {
  std::vector<PulledVariable> pulled;
  pulled.reserve(variables.size());
  for (size_t i = 0; i < variables.size(); ++i) {
    const bool some = !rows.empty() && rows[i];
    absl::StatusOr<Tensor> room = some ? RoomForRows(*variables[i], *rows[i]) : Tensor();
    if (!room.ok()) return room.status();
    pulled.push_back({variables[i], *std::move(room), 0});
  }
  LockedVariables locked(variables);
  for (size_t i = 0; i < variables.size(); ++i) {
    Variable& variable = *variables[i];
    variable.mutex.AssertHeld();
    if (!variable.initialized) {
      return absl::FailedPreconditionError(absl::StrCat(
          "Attempting to use uninitialized value ", variable.def.name, ": its creator, ",
          ToString(variable.def.creator), ", has not run its initializer yet"));
    }
    ++variable.pulls;
    pulled[i].version = variable.version;
    // Rows are copied here, because whoever holds on to the value makes the next push copy it all.
    if (pulled[i].value.defined()) {
      CopyRows(variable.value, *rows[i], pulled[i].value);
    } else {
      pulled[i].value = variable.value;
    }
  }
  // A change of these comes after the locks.
  return ConsistentRead{std::move(pulled), changes_.load()};
}

std::vector<VariablePtr> Store::List(const std::string& prefix) const {
  ReaderLock lock(mutex_);
  std::vector<VariablePtr> result;
  for (const VariablePtr& variable : variables_) {
    if (absl::StartsWith(variable->def.name, prefix)) result.push_back(variable);
  }
  return result;
}

std::vector<VariablePtr> Store::SlotsOf(const std::string& primary) const {
  ReaderLock lock(mutex_);
  std::vector<VariablePtr> result;
  for (const VariablePtr& variable : variables_) {
    if (variable->def.kind == VariableKind::kSlot && variable->def.primary == primary) {
      result.push_back(variable);
    }
  }
  return result;
}

}  // namespace varscope::server
