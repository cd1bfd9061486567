// Training on a worker's own copies: what the server's `local` groups ask for.
#ifndef VARSCOPE_CLIENT_SESSION_LOCAL_TRAINING_H_
#define VARSCOPE_CLIENT_SESSION_LOCAL_TRAINING_H_

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "client/graph/remote_store.h"
#include "proto/concurrency/mutex.h"
#include "proto/optimizers/optimizer.h"

namespace varscope::internal {

// DiLoCo (arXiv:2311.08105): steps of the program's own optimizer change the worker's copies; every
// `local_steps` steps the difference between what the worker had pulled and what it has now is
// pushed, the server applies the workers' mean difference with the group's outer optimizer, and the
// worker goes on from the result, with its inner optimizer's state as it was. With `fragments` the
// variables are split by size into so many parts, one of which is synchronized every local_steps /
// fragments steps, so that no synchronization carries the whole model (Streaming DiLoCo,
// arXiv:2501.18512, without its overlap of communication and computation).
//
// Thread-safe; a step and a synchronization exclude each other.
class LocalTraining {
 public:
  explicit LocalTraining(RemoteStore& store) : store_(store) {}

  // The group of a variable, when it is local.
  std::optional<SyncGroup> GroupOf(const std::string& variable) const;

  bool IsLocal(const std::string& variable) const;

  // The worker's copy, once there is one. Nothing: the server's value is right.
  std::optional<Tensor> Read(const std::string& variable);

  // Carries out one push whose updates are all in the local group `group`: a local step, and a
  // synchronization when it is time. `pulled` are the values that the run has read from the server.
  // Returns the server's answer when there was one.
  //
  // Copies, and the inner optimizers' state with them, end with what they began from: they are
  // forgotten when the server refuses a synchronization with AbortedError, and when, after the
  // worker had to connect again, the server no longer has what some copy began from, nor anything
  // newer (a rollback). Throws AbortedError when a gradient was computed from a copy that has been
  // forgotten since; nothing was applied then.
  std::optional<PushAnswer> Step(const SyncGroup& group, const PushRequest& push,
                                 const std::map<std::string, PulledValue>& pulled);

  // The server has done these: the worker's copies, which may be ahead of the server's, do the
  // same; of what was assigned as a whole, the server's value is right.
  void Follow(const std::vector<PushRequest::Assignment>& assignments);

 private:
  struct Replica {
    Tensor base;  // the server's value at the last synchronization
    uint64_t base_version = 0;
    Tensor value;
    bool was_read = false;  // by a run
  };
  // The state of one inner optimizer.
  struct Inner {
    std::map<std::string, std::vector<Tensor>> slots;  // by variable
    std::vector<double> non_slots;
    bool started = false;
  };
  struct GroupState {
    uint64_t steps = 0;                // local ones
    uint64_t rounds = 0;               // synchronizations of the whole group, as the server counts
    std::vector<std::string> trained;  // variables, sorted
  };

  // The server may be another one, with other groups or other values, since the worker had to
  // connect again: copies that are of no use are dropped, or all are forgotten.
  void NoticeReconnection() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Whether the server still has what each copy began from, or what others have made of it since.
  bool ServerHasTheBases() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Forget() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Throws AbortedError for a gradient of a copy that is forgotten.
  void CheckIsOfNow(const PushRequest& push, const std::map<std::string, PulledValue>& pulled)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Replica& ReplicaOf(const std::string& variable, const std::map<std::string, PulledValue>& pulled)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Apply(const PushRequest& push, const PushRequest::Step& step,
             const std::map<std::string, PulledValue>& pulled)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  PushAnswer Synchronize(const SyncGroup& group, GroupState& state)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  std::vector<std::string> Fragment(const SyncGroup& group, const GroupState& state) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  RemoteStore& store_;
  Mutex mutex_;
  std::map<std::string, Replica> replicas_ ABSL_GUARDED_BY(mutex_);
  // Whose copies a run may have read, and no run has found gone since.
  std::set<std::string> forgotten_ ABSL_GUARDED_BY(mutex_);
  RemoteStore::Groups seen_ ABSL_GUARDED_BY(mutex_);  // of the connection that they are of
  uint64_t losses_seen_ ABSL_GUARDED_BY(mutex_) = 0;  // as RemoteStore::losses
  std::map<std::string, Inner> inner_
      ABSL_GUARDED_BY(mutex_);  // by optimizer, name, instance and group
  std::map<std::string, GroupState> states_ ABSL_GUARDED_BY(mutex_);  // by prefix
};

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_SESSION_LOCAL_TRAINING_H_
