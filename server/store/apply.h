// One push, applied to the store: gradients through optimizers, and assignments. All or nothing,
// and at most once.
#ifndef VARSCOPE_SERVER_STORE_APPLY_H_
#define VARSCOPE_SERVER_STORE_APPLY_H_

#include "absl/status/statusor.h"
#include "server/store/push.h"
#include "server/store/store.h"

namespace varscope::server {

// Checks everything first and then applies it under the locks of all variables concerned, so that
// every reader sees the whole push or nothing of it. Gradients come first, in order, then
// assignments. Advances the global step once when there is a gradient. A push that was applied
// before is not applied again: it gets the first one's answer from the ledger.
// Errors, with the store unchanged: NotFound for an unknown variable, InvalidArgument for a dtype,
// shape, row or value (NaN, infinity) that does not fit, FailedPrecondition for a variable without
// a value; each names the variable and the worker. The ledger's own errors: see ledger.h.
absl::StatusOr<Applied> Apply(Store& store, Push push);

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_STORE_APPLY_H_
