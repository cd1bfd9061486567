// The last stage of a push.
#ifndef VARSCOPE_SERVER_PUSH_COMMIT_H_
#define VARSCOPE_SERVER_PUSH_COMMIT_H_

#include <cstdint>
#include <optional>

#include "absl/status/statusor.h"
#include "server/push/lock.h"
#include "server/push/push.h"
#include "server/store/completion_records.h"
#include "server/store/store.h"

namespace varscope::server {

// Changes the store: gradients through their optimizers, in order, then assignments, then the
// global step, the completion records and the log. Every reader sees all of it or nothing. Takes no
// memory, cannot fail.
PushResult Commit(LockedPush push) noexcept;

// Lock and Commit. Outcome kStale, with no value changed, for a push that is staler than
// `max_staleness`, or from the future, whatever that is. Errors as Lock's.
absl::StatusOr<PushResult> Apply(Store& store, ValidPush push,
                                 CompletionRecords::InFlightPush in_flight_push,
                                 std::optional<uint64_t> max_staleness = std::nullopt);

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_PUSH_COMMIT_H_
