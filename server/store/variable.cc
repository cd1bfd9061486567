#include "server/store/variable.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "proto/concurrency/blocking_region.h"
#include "proto/tensor/allocate.h"

namespace varscope::server {

absl::Status Variable::MakeWritable() {
  if (absl::Status status = TryMakeUnique(value); !status.ok()) {
    return absl::Status(status.code(),
                        absl::StrCat("variable ", def.name, ": ", status.message(),
                                     " for a copy beside the one that is being read"));
  }
  return absl::OkStatus();
}

LockedVariables::LockedVariables(std::vector<VariablePtr> variables)
    : variables_(std::move(variables)) {
  std::sort(variables_.begin(), variables_.end());
  variables_.erase(std::unique(variables_.begin(), variables_.end()), variables_.end());
  for (const VariablePtr& variable : variables_) LockInBlockingRegion(variable->mutex);
}

LockedVariables::~LockedVariables() {
  for (const VariablePtr& variable : variables_) variable->mutex.unlock();
}

}  // namespace varscope::server
