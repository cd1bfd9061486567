// The checks of a push, before anything is changed.
#ifndef VARSCOPE_SERVER_STORE_CHECK_H_
#define VARSCOPE_SERVER_STORE_CHECK_H_

#include "absl/status/status.h"
#include "server/store/push.h"
#include "server/store/store.h"

namespace varscope::server {

// Checks all of `push` against the store, and brings it into the form in which it is applied and
// logged: duplicate rows summed, row numbers int64, clipped. Checking again changes nothing more.
// Errors as Apply's.
absl::Status Check(const Store& store, Push& push);

// Whether any gradient or value has a NaN or an infinity.
bool HasNonfinite(const Push& push);

bool IsScatter(AssignOp op);

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_STORE_CHECK_H_
