#include "server/store/variable.h"

#include <algorithm>

#include "proto/core/blocking.h"

namespace varscope::server {

LockedVariables::LockedVariables(std::vector<VariablePtr> variables)
    : variables_(std::move(variables)) {
  std::sort(variables_.begin(), variables_.end(),
            [](const VariablePtr& a, const VariablePtr& b) { return a->id < b->id; });
  variables_.erase(std::unique(variables_.begin(), variables_.end()), variables_.end());
  for (const VariablePtr& variable : variables_) LockPatiently(variable->mutex);
}

LockedVariables::~LockedVariables() {
  for (const VariablePtr& variable : variables_) variable->mutex.unlock();
}

}  // namespace varscope::server
