// The global variable store: names, the contract, and consistent reads.
//
// Thread-safe. Knows no RPC and no disk. Updates are in server/push.
#ifndef VARSCOPE_SERVER_STORE_STORE_H_
#define VARSCOPE_SERVER_STORE_STORE_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <shared_mutex>
#include <span>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "proto/concurrency/mutex.h"
#include "proto/naming/contract.h"
#include "proto/optimizers/optimizer.h"
#include "server/auth/caller.h"
#include "server/catalog/creation.h"
#include "server/catalog/slot_names.h"
#include "server/env/env.h"
#include "server/store/completion_records.h"
#include "server/store/observer.h"
#include "server/store/push_result.h"
#include "server/store/state.h"
#include "server/store/variable.h"
#include "varscope/initializer_spec.h"

namespace varscope::server {

// Bytes. A variable above max_variable is InvalidArgument; one that does not fit into what is left
// of max_total is ResourceExhausted. Both are checked before memory is taken.
struct StoreLimits {
  uint64_t max_variable_bytes = uint64_t{16} << 30;
  uint64_t max_total_bytes = uint64_t{16} << 30;
};

// One get_variable (kShared) or Variable (kUnique) as a worker sends it.
struct ResolveRequest {
  // Tells it from the incarnation's others, so that asking again is safe; 0: not told.
  uint64_t number = 0;
  VariableKind kind = VariableKind::kShared;
  Request request;                      // key, dtype, shape, reuse, partitions
  std::string name;                     // proposed by the worker's graph
  std::vector<std::string> part_names;  // proposed for the parts; empty: their keys
  std::optional<bool> trainable;
  std::optional<InitializerSpec> initializer;  // absent: look up only
  bool worker_initialized = false;             // the value follows in an INITIALIZE assignment
  Creator creator;
};

struct Resolution {
  enum class Outcome { kAbsent, kCreated, kAttached, kRefused };
  Outcome outcome = Outcome::kAbsent;
  std::vector<VariablePtr> variables;  // one, or the parts
  std::optional<KnownPartitioned> partitioning;
  std::string message;            // kRefused: TensorFlow's text
  std::string detail;             // kRefused: both definitions side by side
  std::vector<Creator> creators;  // kRefused: of what it collided with
  std::string warning;            // kAttached with another initializer than the first's
};

// Which state of an optimizer is meant.
struct OptimizerSpec {
  std::string optimizer;
  std::string name;  // "Adam"
  uint32_t instance = 0;
  std::string group;  // whose non-slot variables; the optimizer's first variable
  SlotNames non_slots = {};
};

// A variable that is to have slots, and their names.
struct SlotOwner {
  const Variable& variable;
  const SlotNames& names;
};

// An optimizer's state for some variables. All references outlive it.
struct StateRequest {
  const optimizers::Optimizer& optimizer;
  const optimizers::Hyperparameters& hyperparameters;
  const OptimizerSpec& spec;
  const Creator& creator;  // of what has to be made
  std::vector<SlotOwner> owners;
};

// slots[i] belong to the i-th owner.
struct OptimizerState {
  std::vector<VariablePtr> non_slots;
  std::vector<std::vector<VariablePtr>> slots;
};

// InvalidArgument when `owner` names its slots or non-slot variables, and not as many as the
// optimizer has states.
absl::Status CheckSlotNames(const SlotNames& names, size_t states, const std::string& owner,
                            const std::string& optimizer);

// Which rows of a variable to read; absent: all.
using ReadIndices = std::optional<std::vector<int64_t>>;

struct PulledVariable {
  VariablePtr variable;
  Tensor value;  // pinned: immutable as long as it is held; or a copy of the rows at the indices
  uint64_t version;
};

// A consistent read: no update lies between any two of its values.
struct ConsistentRead {
  std::vector<PulledVariable> variables;
  // Store::changes() when it was made.
  uint64_t changes;
};

class Store {
 public:
  explicit Store(StoreLimits limits, Env& env = SystemEnv()) : limits_(limits), env_(env) {}
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  // Get-or-create. An error status means a malformed request (bad name, shape, initializer, no
  // memory); a breach of the contract is an outcome. Either leaves the store unchanged.
  absl::StatusOr<Resolution> Resolve(const Caller& caller, const ResolveRequest& request);

  // Finds the slots and non-slot variables of all requests, or creates all that are missing at
  // once. InvalidArgument as CheckSlotNames, ResourceExhausted when they do not fit; then none is
  // created. The caller has checked that the names are valid (push/resolve.h).
  absl::StatusOr<std::vector<OptimizerState>> GetOrCreateSlots(
      std::span<const StateRequest> requests);

  // NotFound names the variable and, when there is one, a close name.
  absl::StatusOr<VariablePtr> Find(const std::string& name) const;

  // FailedPrecondition for a variable whose value its creator has not sent yet. `rows`, unless
  // empty, has an entry for each variable; InvalidArgument names a row that the variable does not
  // have.
  absl::StatusOr<ConsistentRead> Pull(std::span<const std::string> names,
                                      std::span<const ReadIndices> rows = {}) const;
  absl::StatusOr<ConsistentRead> Pull(std::vector<VariablePtr> variables,
                                      std::span<const ReadIndices> rows = {}) const;

  // Counts everything that changes values. As long as it stays, each read since then is the same.
  uint64_t changes() const { return changes_.load(); }
  // Counts the rollbacks: variables that were found before the last one are not the store's now.
  uint64_t generation() const { return generation_.load(); }

  // In creation order, names that start with `prefix`.
  std::vector<VariablePtr> List(const std::string& prefix) const;
  std::vector<VariablePtr> SlotsOf(const std::string& primary) const;

  const StoreLimits& limits() const { return limits_; }
  uint64_t bytes_used() const { return bytes_used_.load(); }

  // Pushes with gradients applied so far.
  uint64_t global_step() const { return global_step_.load(); }
  // Of them, those that named this group.
  uint64_t group_step(const std::string& group) const;

  CompletionRecords& completion_records() { return completion_records_; }

  // Notified of every change from now on; must outlive the store. Call before the store is shared.
  void Observe(StoreObserver* observer) { observer_ = observer; }
  bool observed() const { return observer_ != nullptr; }
  // The observer's word, and what it records.
  absl::Status MayPush(const ValidPush& push) const {
    return observer_ != nullptr ? observer_->MayPush(push) : absl::OkStatus();
  }
  std::unique_ptr<PushEntry> PreparePush(const ValidPush& push) {
    return observer_ != nullptr ? observer_->PreparePush(push) : nullptr;
  }

  // The counter of a group's steps, for Commit; stays as long as LockChanges is held.
  uint64_t* GroupStep(const std::string& group);

  // The last act of applying a push, while the locks of all its variables are held: advances the
  // global step when `has_gradients`, and the group's unless null; completes `result`, and records
  // it in the completion records and, unless null, in `entry`. Takes no memory.
  void Commit(std::span<CompletionRecords::InFlightPush> in_flight_pushes, bool has_gradients,
              uint64_t* group_step, PushEntry* entry, PushResult& result) noexcept;

  // Held by every change from its checks to its end, so that Replace never meets half of one.
  [[nodiscard]] std::shared_lock<SharedMutex> LockChanges() const;
  // Waits for the changes that are under way, and lets none begin meanwhile.
  [[nodiscard]] std::unique_lock<SharedMutex> LockOutChanges() const {
    MutexLock gate(changes_gate_);
    return std::unique_lock(changes_mutex_);
  }

  // One consistent snapshot. No change is under way while `at_snapshot` runs; it must not call the
  // store.
  StoreState Capture(const std::function<void()>& at_snapshot) const;
  // Makes the empty store what was captured. DataLoss when the state contradicts itself.
  absl::Status Restore(StoreState state);
  // Makes the store what was captured, at once for all readers. The caller holds LockOutChanges. A
  // state that contradicts itself leaves the store half of it: restore it into another one first.
  absl::Status Replace(StoreState state);
  // Makes again what an observer was notified of, whatever the limits are now.
  absl::Status Recreate(const CreationBatch& batch);

 private:
  struct Partitioned {
    KnownPartitioned known;
    std::vector<VariablePtr> parts;
  };
  class View;

  Resolution Refuse(const Caller& caller, const ResolveRequest& request, ReuseCheck check) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::StatusOr<Resolution> ResolveShared(const Caller& caller, const ResolveRequest& request);
  absl::StatusOr<Resolution> ResolveUnique(const Caller& caller, const ResolveRequest& request);
  absl::StatusOr<Resolution> AttachShared(const Caller& caller, const ResolveRequest& request,
                                          std::vector<VariablePtr> found) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::StatusOr<Resolution> CreateShared(const Caller& caller, const ResolveRequest& request);
  // All or nothing. Releases `lock`, which is of mutex_, before the values are computed; with an
  // error perhaps not.
  absl::StatusOr<std::vector<VariablePtr>> Create(CreationBatch batch, WriterLock& lock)
      ABSL_UNLOCK_FUNCTION(mutex_);
  // The same, of a batch that was checked.
  absl::StatusOr<std::vector<VariablePtr>> Make(CreationBatch batch, WriterLock& lock)
      ABSL_UNLOCK_FUNCTION(mutex_);
  // Under its names, the variables and what they are part of, without values.
  absl::StatusOr<std::vector<VariablePtr>> Register(const CreationBatch& batch)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // `name`, or with _1, _2, ... when it exists or is in `taken`.
  std::string UniqueName(const std::string& name, const std::set<std::string>& taken = {}) const
      ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  VariablePtr FindKey(const std::string& key) const ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  absl::StatusOr<VariablePtr> FindLocked(const std::string& name) const
      ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  absl::Status RestoreLocked(StoreState state) ABSL_EXCLUSIVE_LOCKS_REQUIRED(slots_mutex_, mutex_);

  using StateMap = absl::flat_hash_map<std::string, std::vector<VariablePtr>>;
  // Under the names given; DataLoss when a variable is missing.
  absl::StatusOr<std::vector<VariablePtr>> FindAll(const std::vector<std::string>& names) const
      ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  absl::Status Register(const PartitionedNames& names) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status Register(const std::vector<StateNames>& all, StateMap& state_map) const
      ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  // Of a batch without any the caller need not hold slots_mutex_.
  absl::Status RegisterStates(const CreationBatch& batch) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // The states of all requests; nothing when one is missing.
  std::optional<std::vector<OptimizerState>> FindStates(
      std::span<const StateRequest> requests) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(slots_mutex_);
  // All that the requests need and is not there.
  CreationBatch PlanStates(std::span<const StateRequest> requests) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(slots_mutex_, mutex_);

  const StoreLimits limits_;
  Env& env_;
  std::atomic<uint64_t> bytes_used_{0};
  std::atomic<uint64_t> global_step_{0};
  std::atomic<uint64_t> changes_{0};
  std::atomic<uint64_t> generation_{0};

  mutable Mutex changes_gate_;  // else changes that overlap would never let one out
  mutable SharedMutex changes_mutex_ ABSL_ACQUIRED_AFTER(changes_gate_);  // first of all others

  // Taken before a variable's.
  mutable SharedMutex mutex_ ABSL_ACQUIRED_AFTER(changes_mutex_, slots_mutex_);
  uint64_t next_id_ ABSL_GUARDED_BY(mutex_) = 0;
  std::vector<VariablePtr> variables_ ABSL_GUARDED_BY(mutex_);  // in creation order
  absl::flat_hash_map<std::string, VariablePtr> by_name_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<std::string, VariablePtr> by_key_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<std::string, Partitioned> partitioned_ ABSL_GUARDED_BY(mutex_);

  // Of the two below, which change with mutex_ held, too.
  mutable Mutex slots_mutex_ ABSL_ACQUIRED_AFTER(changes_mutex_);
  // By variable and by group, then optimizer and names: state already made.
  StateMap slots_ ABSL_GUARDED_BY(slots_mutex_);
  StateMap non_slots_ ABSL_GUARDED_BY(slots_mutex_);

  // Makes the global step, the completion records and the observer's order agree.
  mutable Mutex commit_mutex_ ABSL_ACQUIRED_AFTER(mutex_);
  std::map<std::string, uint64_t> group_steps_ ABSL_GUARDED_BY(commit_mutex_);
  CompletionRecords completion_records_;
  StoreObserver* observer_ = nullptr;
};

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_STORE_STORE_H_
