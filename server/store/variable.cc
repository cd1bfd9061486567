#include "server/store/variable.h"

#include <algorithm>
#include <functional>

#include "absl/strings/str_cat.h"
#include "proto/concurrency/blocking_region.h"
#include "proto/tensor/allocate.h"

namespace varscope::server {
namespace {

// Whoever copies a VariablePtr writes to memory of the variable, which is in no cache.
std::vector<Variable*> Pointers(std::span<const VariablePtr> variables) {
  std::vector<Variable*> all(variables.size());
  std::transform(variables.begin(), variables.end(), all.begin(),
                 [](const VariablePtr& variable) { return variable.get(); });
  return all;
}

}  // namespace

uint64_t OverheadOf(const VariableDefinition& definition) {
  // The name has three copies: here, in the table of names, in what is being logged. That of one
  // that was made unique has two more there, with its creator's, and that of a slot's variable one.
  constexpr uint64_t kFixed = 512;
  constexpr uint64_t kFixedOfUnique = 512;
  constexpr uint64_t kFixedOfSlot = 256;
  const uint64_t of_unique =
      definition.kind == VariableKind::kUnique
          ? kFixedOfUnique + 2 * definition.name.size() + definition.creator.worker_id.size()
          : 0;
  const uint64_t of_slot =
      definition.primary.empty() ? 0 : kFixedOfSlot + definition.primary.size();
  return sizeof(Variable) + kFixed + of_unique + of_slot + 3 * definition.name.size() +
         2 * definition.key.size() + definition.primary.size() + definition.initializer.size() +
         definition.creator.worker_id.size() + definition.creator.host.size() +
         definition.creator.file.size();
}

absl::Status Variable::MakeWritable() {
  if (absl::Status status = TryMakeUnique(value); !status.ok()) {
    return absl::Status(status.code(),
                        absl::StrCat("variable ", def.name, ": ", status.message(),
                                     " for a copy beside the one that is being read"));
  }
  return absl::OkStatus();
}

void Variable::Discard() {
  value = Tensor();
  initialized = false;
  first_value = nullptr;
  discarded = true;
}

absl::Status IsComing(const VariableDefinition& def) {
  return absl::UnavailableError(absl::StrCat("variable ", def.name, ": its first value, ",
                                             def.initializer, " by ", ToString(def.creator),
                                             ", is being computed; ask again"));
}

absl::Status IsGone(const VariableDefinition& def) {
  return absl::AbortedError(absl::StrCat("variable ", def.name,
                                         ": the store was rolled back after it was looked up; "
                                         "nothing was done, look it up again"));
}

LockedVariables::LockedVariables(std::vector<Variable*> variables)
    : variables_(std::move(variables)) {
  // Those that were created one after the other often are in order.
  if (!std::is_sorted(variables_.begin(), variables_.end(), std::less<>())) {
    std::sort(variables_.begin(), variables_.end(), std::less<>());
  }
  variables_.erase(std::unique(variables_.begin(), variables_.end()), variables_.end());
  for (Variable* variable : variables_) LockInBlockingRegion(variable->mutex);
}

LockedVariables::LockedVariables(std::span<const VariablePtr> variables)
    : LockedVariables(Pointers(variables)) {}

LockedVariables::~LockedVariables() {
  for (Variable* variable : variables_) variable->mutex.unlock();
}

}  // namespace varscope::server
