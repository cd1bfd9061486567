// One push, applied to the store: gradients through optimizers, and assignments. All or nothing,
// and at most once.
#ifndef VARSCOPE_SERVER_STORE_APPLY_H_
#define VARSCOPE_SERVER_STORE_APPLY_H_

#include <vector>

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

// The second half of Apply, for a push that passed Check (check.h) and that the ledger let in;
// every admission gets the answer. The caller holds Store::LockChanges since Check. Outcome kStale,
// with the store unchanged, when the push is staler than it allows.
absl::StatusOr<Applied> ApplyChecked(Store& store, const Push& push,
                                     std::vector<Ledger::Admission> admissions);
absl::StatusOr<Applied> ApplyChecked(Store& store, const Push& push, Ledger::Admission admission);

// Applies once more, without judging, what ApplyChecked told the observer of: the push and all that
// it was merged from are in the ledger then. DataLoss when `store` is not as it was then.
absl::StatusOr<Applied> ApplyAgain(Store& store, const Push& push);

// The most updates that a variable of `push` has had since the base version of its gradient; 0 when
// none is known. May have grown when the push is applied.
uint64_t StalenessOf(const Store& store, const Push& push);

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_STORE_APPLY_H_
