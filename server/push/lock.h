// The third stage of a push: everything that it changes is its own.
#ifndef VARSCOPE_SERVER_PUSH_LOCK_H_
#define VARSCOPE_SERVER_PUSH_LOCK_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "server/push/push.h"
#include "server/store/changes.h"
#include "server/store/completion_records.h"
#include "server/store/push_observer.h"
#include "server/store/store.h"
#include "server/store/variable.h"

namespace varscope::server {

// The most updates that any variable had since the version that its gradient was computed from.
// Nothing: the push is from the future, a version is one that its variable has not come to. It was
// computed from a state that a rollback has discarded, so no group takes it, however stale its
// pushes may be.
using Staleness = std::optional<uint64_t>;

// Holds the locks of its write set, and all memory that Commit needs. Without Commit nothing
// happens, and its completion records end as if it had never come.
class LockedPush {
 public:
  // Final: nothing changes while this lives. Of a push that is replayed never nothing: what was
  // applied then is applied again.
  Staleness staleness() const { return staleness_; }

 private:
  friend absl::StatusOr<LockedPush> Lock(Store&, ValidPush, CompletionRecords::InFlightPush);
  friend PushResult Commit(LockedPush) noexcept;
  friend absl::StatusOr<PushResult> Apply(Store&, ValidPush, CompletionRecords::InFlightPush,
                                          std::optional<uint64_t>);
  LockedPush(Changes& changes, CompletionRecords::InFlightPush in_flight_push)
      : changes_(&changes), in_flight_push_(std::move(in_flight_push)) {}

  Changes* changes_;
  PushContents push_;
  std::vector<Tensor> scratch_;     // of each update, in order; undefined where the rule needs none
  uint64_t* group_step_ = nullptr;  // null: the push is of no group that counts
  std::unique_ptr<PushEntry> entry_;  // null: nothing is kept
  Staleness staleness_ = 0;
  PushResult result_;
  CompletionRecords::InFlightPush in_flight_push_;  // with room for the answer
  LockedVariables locks_;
};

// The variables that a push changes, with its slots, in the order of its parts; the same ones when
// it is replayed. One that several parts change is there several times.
std::vector<Variable*> WriteSet(const PushContents& push);

// Finds or creates the slots, reserves all memory, locks the write set. The caller holds
// Changes::Lock since before Validate. InvalidArgument when a merged push has not as many slot
// names as its optimizer has states; ResourceExhausted without memory or room for slots;
// Unavailable while another push makes the slots: then no value has changed and no push is told to
// have come, but slots that were made stay, with their initial values.
absl::StatusOr<LockedPush> Lock(Store& store, ValidPush push,
                                CompletionRecords::InFlightPush in_flight_push);

// For now: it may have grown when the push is locked. Thread-safe.
Staleness StalenessOf(const ValidPush& push);

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_PUSH_LOCK_H_
