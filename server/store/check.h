// The checks of a push, before anything is changed.
#ifndef VARSCOPE_SERVER_STORE_CHECK_H_
#define VARSCOPE_SERVER_STORE_CHECK_H_

#include "absl/status/status.h"
#include "server/store/push.h"
#include "server/store/store.h"

namespace varscope::server {

// Checks all of `push` against the store, and brings it into the form in which it is applied and
// logged: duplicate rows summed, row numbers int64, clipped. Errors as Apply's. What is logged was
// judged: recovery does not judge it again.
absl::Status Check(const Store& store, Push& push);

// Check's two halves: all but whether the push is finite, and that, with clipping. Sums of
// duplicate rows may be infinite where the rows are not, so whoever asks HasNonfinite asks between
// them.
absl::Status CheckFit(const Store& store, Push& push);
absl::Status CheckFiniteAndClip(Push& push);

// Whether any gradient or value has a NaN or an infinity.
bool HasNonfinite(const Push& push);
// InvalidArgument names the first of them, unless the push may have them.
absl::Status CheckFinite(const Push& push);

bool IsScatter(AssignOp op);

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_STORE_CHECK_H_
