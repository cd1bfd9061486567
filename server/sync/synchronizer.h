// Every push and every read of a worker goes through here: to the group of its variables, as the
// group's policy says.
#ifndef VARSCOPE_SERVER_SYNC_SYNCHRONIZER_H_
#define VARSCOPE_SERVER_SYNC_SYNCHRONIZER_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "proto/concurrency/mutex.h"
#include "server/env/env.h"
#include "server/sync/group.h"
#include "server/sync/nonfinite_pushes.h"

namespace varscope::server {

struct GroupStatus {
  GroupOptions options;
  uint64_t step = 0;
  Group::Waits waits;
  uint64_t applied = 0;
  uint64_t stale = 0;
  uint64_t nonfinite = 0;
  double mean_staleness = 0;  // of applied pushes
  uint64_t max_staleness = 0;
};

// Thread-safe.
class Synchronizer {
 public:
  // `store`, which nobody else has yet, and `workers` must outlive it. A variable is in the group
  // that its name says (proto/naming/names.h: FindGroupOf), those that no group's prefix has in
  // that of the empty prefix, async when `groups` has none. Prefixes are distinct.
  Synchronizer(Store& store, Workers& workers, std::vector<GroupOptions> groups,
               Env& env = SystemEnv());
  ~Synchronizer() { Stop(); }
  Synchronizer(const Synchronizer&) = delete;
  Synchronizer& operator=(const Synchronizer&) = delete;

  // Applies one push, when its group says so; `tensors` are those that it announced,
  // `verified_finite` as Validate's. `done` gets the errors of Changes::Lock, of
  // CompletionRecords::Begin, those of
  // Validate, Apply (push/commit.h) and Group::Submit. InvalidArgument for gradients of more than
  // one group in one push. A push of assignments alone applies at once.
  //
  // What one worker alone would decide for a group whose aggregation is robust (Aggregate) is
  // refused with InvalidArgument: gradients that are not finite, assignments to its variables and
  // to their slots, slots that no gradient needs, and what reaches the non-slot variables of an
  // optimizer from another group. The creator of a variable may initialize it.
  //
  // `timeout_ms`, here and below: for so long the worker waits for others; 0: as long as it takes.
  void Submit(ResolvedPush push, std::vector<Tensor> tensors, bool verified_finite, PushDone done,
              uint64_t timeout_ms = 0);

  // `done` is called when the worker may read the variables.
  void AwaitRead(const std::string& worker_id, uint64_t incarnation,
                 std::span<Variable* const> variables, ReadDone done, uint64_t timeout_ms = 0);

  // The worker's incarnation is over.
  void WorkerLost(const WorkerRecord& worker);
  // Nothing is known of the worker any more (Workers::Start: collect). Takes no lock but those that
  // are taken after Workers'.
  void WorkerForgotten(const std::string& worker_id);

  // Workers::Quarantine, and nobody waits for the worker any more.
  absl::Status Quarantine(const std::string& worker_id, const std::string& reason);

  // Ends all waits, now and from now on, with Unavailable.
  void Stop();

  // In the order given.
  std::vector<GroupStatus> status() const;
  // The same number for the same groups with the same options only, also after a restart; not 0.
  uint64_t groups_version() const { return groups_version_; }
  // Whether some group lets a push wait for others.
  bool pushes_wait() const { return pushes_wait_; }

 private:
  struct Member {
    GroupOptions options;
    std::unique_ptr<Group> group;
    optimizers::Hyperparameters outer;  // of a local group's optimizer
    // Guarded by the synchronizer's mutex_, which clang cannot see here.
    GroupStatus counts;
    uint64_t staleness_sum = 0;
    NonfinitePushes nonfinite;
  };

  Member& GroupOf(const std::string& variable) const;
  // A slot is in the group of its variable, wherever its name is.
  Member& GroupOf(const VariableDefinition& variable) const;
  // Null: no gradients.
  absl::StatusOr<Member*> GroupOf(const PushContents& push) const;
  // That it changes nothing of a robust group but with the others of `group`, which is the push's,
  // or null.
  absl::Status CheckIsNotAlone(const Member* group, const PushContents& push) const;
  // As the policy of the group of its gradients says; null: it has none. Whatever has a NaN or an
  // infinity counts in its own variable's group.
  absl::StatusOr<ValidPush> ValidateFor(Member* member, ResolvedPush push,
                                        std::vector<Tensor> tensors, bool verified_finite);
  // Whether the log can have it, also when its group makes one push of those of many workers: each
  // worker hears of its own, none of another's.
  absl::Status CheckFitsTheLog(const Member* member, const ValidPush& push) const;
  void CountNonfinite(Member& member, const PushId& id);
  void Count(Member& member, const PushResult& result);
  Time Tick();
  Time Until(uint64_t timeout_ms) const;

  Env& env_;
  Store& store_;
  Workers& workers_;
  mutable Mutex mutex_;
  std::vector<std::unique_ptr<Member>> members_;
  bool reads_wait_ = false;   // some group is ssp
  bool pushes_wait_ = false;  // some group is bsp or local
  uint64_t groups_version_ = 0;
  std::unique_ptr<Timer> timer_;
};

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_SYNC_SYNCHRONIZER_H_
