#include "server/catalog/catalog.h"

#include <cstring>
#include <span>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "proto/naming/names.h"
#include "proto/tensor/allocate.h"
#include "proto/tensor/shape_rules.h"
#include "server/catalog/initializers.h"

namespace varscope::server {
namespace {

// Everything that can be wrong with new variables, before memory is taken.
absl::Status CheckCreation(const StoreLimits& limits, const NameTable& names,
                           std::span<const NewVariable> creations) {
  uint64_t total = names.bytes();
  uint64_t overhead = names.overhead();
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
          absl::StrCat(where, *bytes, " bytes do not fit: the store holds ", names.bytes(),
                       " of at most ", limits.max_total_bytes, " (--max-store-bytes)"));
    }
    overhead += OverheadOf(def);
    if (overhead > limits.max_names_bytes) {
      return absl::ResourceExhaustedError(absl::StrCat(
          where, "its name and definition do not fit: those of ", names.variables().size(),
          " variables take ", names.overhead(), " bytes of at most ", limits.max_names_bytes,
          " (a quarter of --memory-limit)"));
    }
    if (!c.initializer) continue;
    absl::Status status = ValidateInitializer(*c.initializer, def.dtype, def.shape);
    if (!status.ok()) return absl::InvalidArgumentError(absl::StrCat(where, status.message()));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Resolution> Catalog::Resolve(const Caller& caller, const ResolveRequest& request) {
  if (absl::Status status = CheckRequest(request); !status.ok()) return status;
  Resolution resolution;
  const auto plan = [&](const NameTable& names) -> absl::StatusOr<CreationBatch> {
    absl::StatusOr<Decision> decision = Decide(names, caller, request, env_);
    if (!decision.ok()) return decision.status();
    resolution = std::move(decision->resolution);
    return std::move(decision->creation);
  };
  const absl::StatusOr<std::vector<VariablePtr>> created = Create(plan);
  if (!created.ok()) return created.status();
  auto next = created->begin();
  for (VariablePtr& variable : resolution.variables) {
    if (variable == nullptr) variable = *next++;
  }
  return resolution;
}

absl::StatusOr<std::vector<VariablePtr>> Catalog::Create(Plan plan) {
  absl::StatusOr<Unfilled> unfilled = [&]() -> absl::StatusOr<Unfilled> {
    const WriterLock lock(mutex_);
    absl::StatusOr<CreationBatch> batch = plan(names_);
    if (!batch.ok()) return batch.status();
    absl::Status status = CheckCreation(limits_, names_, batch->variables);
    if (!status.ok()) return status;
    return batch->empty() ? Unfilled() : Register(*std::move(batch));
  }();
  if (!unfilled.ok()) return unfilled.status();
  return Fill(*std::move(unfilled));
}

absl::Status Catalog::Recreate(const CreationBatch& batch) {
  absl::StatusOr<Unfilled> unfilled = [&] {
    const WriterLock lock(mutex_);
    return Register(batch);
  }();
  if (unfilled.ok()) Fill(*std::move(unfilled));
  return unfilled.status();
}

absl::StatusOr<Catalog::Unfilled> Catalog::Register(CreationBatch batch) {
  Unfilled unfilled;
  for (const NewVariable& v : batch.variables) {
    if (names_.Has(v.definition.name)) {
      return absl::InternalError(absl::StrCat("variable ", v.definition.name, " exists"));
    }
    absl::StatusOr<Tensor> value = TryAllocate(v.definition.dtype, v.definition.shape);
    if (!value.ok()) return value.status();
    const uint64_t overhead = OverheadOf(v.definition);
    MemoryAccount::Hold held = MemoryAccount::Process().TryHold(overhead);
    if (!held) return MemoryAccount::Process().Refusal(overhead);
    unfilled.values.push_back(*std::move(value));
    unfilled.variables.push_back(std::make_shared<Variable>(v.definition, std::move(held)));
  }
  absl::Status status = observer_ ? observer_(batch) : absl::OkStatus();
  if (!status.ok()) return status;
  // Nobody else has seen them yet, so locking cannot wait.
  unfilled.locked = LockedVariables(std::span<const VariablePtr>(unfilled.variables));
  for (const VariablePtr& variable : unfilled.variables) status.Update(names_.Add(variable));
  if (batch.partitioned) status.Update(names_.AddPartitioned(*batch.partitioned));
  status.Update(names_.AddSlots(batch.slots));
  status.Update(names_.AddNonSlots(batch.non_slots));
  if (!status.ok()) return status;
  unfilled.batch = std::move(batch);
  return unfilled;
}

std::vector<VariablePtr> Catalog::Fill(Unfilled unfilled) {
  for (size_t i = 0; i < unfilled.variables.size(); ++i) {
    const NewVariable& v = unfilled.batch.variables[i];
    Variable& variable = *unfilled.variables[i];
    Tensor& value = unfilled.values[i];
    variable.mutex.AssertHeld();  // by unfilled.locked
    if (v.initializer) {
      Initialize(*v.initializer, v.definition.seed, v.full_shape, value);
      variable.initialized = true;
    } else if (value.byte_size() > 0) {
      std::memset(value.mutable_raw(), 0, value.byte_size());
    }
    variable.value = std::move(value);
  }
  return std::move(unfilled.variables);
}

absl::StatusOr<VariablePtr> Catalog::Find(const std::string& name) const {
  const ReaderLock lock(mutex_);
  return names_.Find(name);
}

std::vector<VariablePtr> Catalog::List(const std::string& prefix) const {
  const ReaderLock lock(mutex_);
  std::vector<VariablePtr> result;
  for (const VariablePtr& variable : names_.variables()) {
    if (absl::StartsWith(variable->def.name, prefix)) result.push_back(variable);
  }
  return result;
}

void Catalog::Read(absl::FunctionRef<void(const NameTable&)> read) const {
  const ReaderLock lock(mutex_);
  read(names_);
}

void Catalog::Replace(NameTable names) {
  const WriterLock lock(mutex_);
  ++generation_;
  names_ = std::move(names);
}

}  // namespace varscope::server
