// The one push of a run: what its ops do to variables.
#ifndef VARSCOPE_CLIENT_SESSION_PUSH_H_
#define VARSCOPE_CLIENT_SESSION_PUSH_H_

#include <vector>

#include "client/graph/remote_store.h"
#include "client/session/plan.h"

namespace varscope::internal {

// `slots` after the kernels have run.
PushRequest CollectPush(const Plan& plan, const std::vector<Tensor>& slots);

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_SESSION_PUSH_H_
