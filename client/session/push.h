// A stage's push: what its ops do to variables.
#ifndef VARSCOPE_CLIENT_SESSION_PUSH_H_
#define VARSCOPE_CLIENT_SESSION_PUSH_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "client/graph/remote_store.h"
#include "client/session/plan.h"
#include "client/session/pull.h"
#include "client/session/stored_slots.h"

namespace varscope::internal {

// The version of a variable that the worker had read last before this run, if it is known.
using LastRead = absl::FunctionRef<std::optional<uint64_t>(const std::string& variable)>;

// `slots` after the kernels have run.
// Each gradient names the version of its variable that the run has read, or, of a gradient that is
// fed, that which `last_read` tells, unless the run itself has changed the variable since.
// InvalidArgumentError for a value or a gradient that does not fit its
// variable, or has not a row for each index.
PushRequest CollectPush(const Plan::Stage& stage, const std::vector<Tensor>& slots,
                        const PulledValues& pulled, StoredSlots& stored, LastRead last_read);

// One push for each of the server's groups that it updates; assignments alone stay one push, else
// they go with the first. The non-slot variables of an optimizer that trains several groups are
// then one set for each.
std::vector<PushRequest> SplitByGroup(PushRequest push, const std::vector<SyncGroup>& groups);

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_SESSION_PUSH_H_
