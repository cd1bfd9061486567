// From names to variables: get-or-create.
#ifndef VARSCOPE_SERVER_CATALOG_CATALOG_H_
#define VARSCOPE_SERVER_CATALOG_CATALOG_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "proto/concurrency/fair_mutex.h"
#include "proto/concurrency/mutex.h"
#include "server/auth/caller.h"
#include "server/catalog/creation.h"
#include "server/catalog/first_value_queue.h"
#include "server/catalog/name_table.h"
#include "server/catalog/resolve.h"
#include "server/catalog/room.h"
#include "server/env/env.h"
#include "server/store/variable.h"

namespace varscope::server {

// Thread-safe. Whoever creates holds the store's ChangesLock (store/changes.h), so that a rollback
// never meets half of it.
class Catalog {
 public:
  explicit Catalog(StoreLimits limits, Env& env = SystemEnv()) : limits_(limits), env_(env) {}
  // Ends the first value that is being computed.
  ~Catalog();
  Catalog(const Catalog&) = delete;
  Catalog& operator=(const Catalog&) = delete;

  // Get-or-create. An error status means a malformed request (bad name, shape, initializer), or
  // that there is no memory; a breach of the contract is an outcome. Either leaves the catalog
  // unchanged.
  absl::StatusOr<Resolution> Resolve(const Caller& caller, const ResolveRequest& request);

  // Creates at once, or not at all, what `plan` says; nobody else creates meanwhile, in the order
  // in which they came, and others read. Returns the batch's variables in its order, with their
  // first values. The values of large variables are computed without any lock, on the caller's
  // thread or on one of the catalog's own, which yields to others: until then Variable::first_value
  // is set. ResourceExhausted without memory: nothing is created then, or all, and what has no
  // value yet gets one on the catalog's thread.
  using Plan = absl::FunctionRef<absl::StatusOr<CreationBatch>(const NameTable&)>;
  absl::StatusOr<std::vector<VariablePtr>> Create(Plan plan);
  // The same, but returns while values of large variables are still being computed.
  absl::StatusOr<std::vector<VariablePtr>> CreateWithoutWaiting(Plan plan);
  // Makes again what an observer was notified of, whatever the limits are now. Values of large
  // variables are not computed: FinishFirstValue and ComputeFirstValues do.
  absl::Status Recreate(const CreationBatch& batch);

  // Of variables that came by Replace without a value: begins to compute those of all, on the
  // catalog's own thread.
  void ComputeFirstValues();
  // The same on the caller's thread, to the end. ResourceExhausted without memory.
  absl::Status FinishFirstValues();
  // Of one variable, if it has none yet.
  absl::Status FinishFirstValue(Variable& variable);

  // A variable of more elements is large.
  static constexpr int64_t kLarge = int64_t{1} << 18;
  // Call before the catalog is shared.
  void SetLarge(int64_t elements) { large_ = elements; }
  // The same; see Decide (catalog/resolve.h). Without it all variables are in one.
  void SetGroups(GroupPrefixes groups) { groups_ = std::move(groups); }

  // As NameTable::Find.
  absl::StatusOr<VariablePtr> Find(const std::string& name) const;
  size_t size() const;
  // Calls `read` with all names; nobody creates meanwhile, so it looks at a part of them
  // (VariablePages lists all).
  void Read(absl::FunctionRef<void(const NameTable&)> read) const;

  // Makes the catalog what `names` has, at once for all readers: other variables than before, which
  // are discarded, whoever still knows them. The caller holds Changes::LockOut, or has the store
  // alone.
  // Takes no memory.
  void Replace(NameTable names) noexcept;
  // Counts the calls of Replace: variables that were found before the last one are not the store's
  // now.
  uint64_t generation() const { return generation_.load(); }

  const StoreLimits& limits() const { return limits_; }

  // Asked about every creation from now on, before it happens, and others read the catalog
  // meanwhile. What cannot be kept does not happen: nothing is created with an error. What it
  // returns is called when the creation happens and nothing else can fail any more, or never; the
  // catalog is locked then: it must not call it, nor wait, nor throw. Call before the catalog is
  // shared.
  using Happens = std::function<void()>;
  using Observer = std::function<absl::StatusOr<Happens>(const CreationBatch&)>;
  void Observe(Observer observer) { observer_ = std::move(observer); }

 private:
  using Jobs = FirstValueQueue::Jobs;
  // Variables without their values.
  struct Unfilled {
    CreationBatch batch;
    std::vector<VariablePtr> variables;
    std::vector<Tensor> values;        // undefined: it is among the jobs
    std::vector<VariablePtr> at_once;  // those that are not
    Jobs small;                        // that take memory to compute
    Jobs large;
    NameTable added;         // until they are registered
    Happens happens;         // then
    LockedVariables locked;  // at_once, from then on
  };
  absl::StatusOr<Unfilled> RegisterPlanned(Plan plan);
  // All that takes time or may fail, but for a little memory.
  absl::StatusOr<Unfilled> Prepare(CreationBatch batch) const ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  // Everybody finds them from now on.
  void Register(Unfilled& unfilled) ABSL_EXCLUSIVE_LOCKS_REQUIRED(creating_);
  static void FillAtOnce(Unfilled& unfilled) noexcept;
  absl::Status Compute(Variable& variable, Tensor& value);
  // Leaves those that could not be computed.
  absl::Status ComputeAll(Jobs& jobs);
  // False: there is no thread.
  bool StartThread();
  void Enqueue(Jobs& jobs);
  Time ComputeNext();
  Jobs WithoutValues() const;

  const StoreLimits limits_;
  Env& env_;
  Observer observer_;
  std::atomic<uint64_t> generation_{0};

  // Held from the look at the names that there are to the creation of others, so that readers need
  // not be kept out that long.
  FairMutex creating_;
  mutable SharedMutex mutex_ ABSL_ACQUIRED_AFTER(creating_);  // taken before a variable's
  NameTable names_ ABSL_GUARDED_BY(mutex_);

  int64_t large_ = kLarge;
  GroupPrefixes groups_;
  std::atomic<bool> closing_{false};
  Mutex jobs_mutex_;  // taken after all others
  FirstValueQueue jobs_ ABSL_GUARDED_BY(jobs_mutex_);
  std::unique_ptr<Timer> timer_ ABSL_GUARDED_BY(jobs_mutex_);  // null: nothing has been large
};

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_CATALOG_CATALOG_H_
