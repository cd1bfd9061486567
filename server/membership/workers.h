// Who is connected: worker ids, their incarnations and their leases.
#ifndef VARSCOPE_SERVER_MEMBERSHIP_WORKERS_H_
#define VARSCOPE_SERVER_MEMBERSHIP_WORKERS_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "proto/concurrency/mutex.h"
#include "proto/memory/idle_memory.h"
#include "proto/memory/memory_account.h"
#include "proto/naming/creator.h"
#include "server/auth/caller.h"
#include "server/env/env.h"

namespace varscope::server {

enum class WorkerState : uint8_t {
  kLive = 0,
  kEvicted = 1,  // silent for longer than its lease
  kLeft = 2,
  kRolledBack = 3,  // the state that it knew is no more
  kForgotten = 4,   // nothing of it is kept; in records alone
};

// A worker in its latest incarnation: what the log keeps of it.
struct WorkerRecord {
  std::string worker_id;
  uint64_t incarnation = 0;
  Sharing sharing = Sharing::kGlobal;
  std::string host;
  int64_t pid = 0;
  WorkerState state = WorkerState::kLive;
  uint64_t nonce = 0;           // of its Connect
  std::string quarantine = {};  // why its pushes are refused; empty: they are not
};

struct WorkerStatus {
  WorkerRecord record;
  std::chrono::milliseconds silent{0};
};

// Thread-safe. A worker whose incarnation is over (evicted, left, or followed by the next one) is
// fenced off for good: its requests are refused.
class Workers {
 public:
  // So many ids are remembered, and of those that are gone as many as take one part in kGoneShare
  // of the process's memory. Beyond, and when there is no memory for a new one, those that have
  // been gone for longest are forgotten, those in quarantine last.
  static constexpr size_t kMaxWorkers = 100000;
  static constexpr uint64_t kGoneShare = 64;

  // A worker that is silent for `lease` is evicted; zero: never. Evictions begin with Start. What
  // is silence to this process alone, because it was stopped or got no processor, evicts nobody.
  explicit Workers(std::chrono::milliseconds lease = std::chrono::milliseconds(0),
                   Env& env = SystemEnv())
      : env_(env), lease_(lease) {}
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  // A worker that connects again is the same creator with a new incarnation; a Connect that arrives
  // again (its `nonce`, not 0, is that of the worker's last) changes nothing. Returns the
  // incarnation, higher than all before it. InvalidArgument for a bad id, ResourceExhausted when
  // kMaxWorkers are live, or as MemoryAccount::Refusal without memory for what is kept of a worker.
  // `peer`, unless it is empty, is the address from which it connects (Caller::peer): the workers
  // of one address together have no more than IdleMemory leaves to one holder.
  absl::StatusOr<uint64_t> Connect(const std::string& worker_id, const std::string& host,
                                   int64_t pid, Sharing sharing, uint64_t nonce = 0,
                                   const std::string& peer = "");

  // For a new life of the server, which begins at that time (microseconds since 1970): what was
  // given in an earlier one and is not known any more (it was not on the disk, or is in a copy of
  // it) is not given again. An incarnation is the second in which its life began and, in the low 32
  // bits, a number that goes on from the last one that is known.
  void BeginLife(int64_t wall_micros);

  // The lease does not run until StartLease: the worker does not know yet that it is connected.
  // Nothing for an incarnation that is over.
  void HoldLease(const std::string& worker_id, uint64_t incarnation);
  void StartLease(const std::string& worker_id, uint64_t incarnation);

  // Renews the lease. Unauthenticated for a caller that is no worker, or whose id is not known
  // here; Aborted for a fenced incarnation, with the retry info to connect again
  // (proto/wire/retry_info.h) when nobody has taken its place.
  absl::Status Check(const Caller& caller);
  // FailedPrecondition, with the reason, for a worker in quarantine; Unauthenticated for an
  // incarnation (0: none) of one that was forgotten.
  absl::Status CheckMayPush(const std::string& worker_id, uint64_t incarnation = 0) const;
  bool IsLive(const std::string& worker_id, uint64_t incarnation) const;
  // Whether the caller's incarnation is another's, too: the server lost the state in which it was
  // given and gave it again, which is possible where two of its lives began in one second.
  bool IsOfLostState(const Caller& caller);

  // The worker goes on its own. Errors as Check's.
  absl::Status Disconnect(const Caller& caller);
  // Fences off everybody, because the store is rolled back; each may connect again. Takes no
  // memory. `record` is called once all are, before anybody can, and must neither call back nor
  // throw: what it writes down comes after all that the observer was notified of before, and before
  // what it is notified of later. Nobody is told yet: TellLost.
  void FenceAll(absl::FunctionRef<void()> record = [] {}) noexcept;
  // Tells `lost` of those whose incarnation FenceAll, or an eviction, has ended. What is not told
  // now because there is no memory is told with the next evictions.
  void TellLost();

  // NotFound for an id that never connected. An empty reason ends the quarantine.
  absl::Status Quarantine(const std::string& worker_id, const std::string& reason);

  // Host and process of a connected worker; only the id for others.
  Creator Describe(const std::string& worker_id) const;
  // "worker-3, silent 4.2 s, evicted in 0.8 s": for whoever waits for it.
  std::string DescribeWait(const std::string& worker_id) const;
  // Of at most `most` workers, in the order of their ids, from the first after `after` on.
  std::vector<WorkerStatus> StatusAfter(const std::string& after, size_t most = 256) const;
  std::chrono::milliseconds lease() const { return lease_; }

  // Notified of each change of a worker, but for FenceAll's, in order and before anybody can learn
  // of it; must not call back. Set before workers come.
  void Observe(std::function<void(const WorkerRecord&)> observer) {
    observer_ = std::move(observer);
  }
  // `fence` is notified of each incarnation that is over, before anybody can learn of it, and must
  // not call back, also of those that were restored so, and of 0 for each new id: so it can take
  // the memory for later, when it must not throw. `lost` after that, without locks. Starts the
  // leases of those that were restored alive.
  // `collect` is called, as `fence` is, with an id that is to be forgotten; false: not now.
  void Start(std::function<void(const WorkerRecord&)> fence,
             std::function<void(const WorkerRecord&)> lost,
             std::function<bool(const std::string& worker_id)> collect = {});
  // No eviction, and no call of `lost` from one, after this.
  void Stop() {
    if (timer_) timer_->Stop();
  }

  // Each as it is at some time while this is called: some at once, because every push asks for its
  // worker.
  std::vector<WorkerRecord> records() const;
  // For recovery: as the observer was notified of it.
  void Restore(const WorkerRecord& record);

 private:
  using Gone = std::map<uint64_t, const std::string*>;  // ids, in the order of their ends
  struct Worker {
    WorkerRecord record;
    Time heard;
    bool held_lease = false;        // see HoldLease
    uint64_t untold = 0;            // an incarnation of whose end nobody was told; see TellLost
    uint64_t end = 0;               // its place in gone_; 0: it is live
    Gone::node_type place = {};     // that place, as long as it is live
    MemoryAccount::Hold held = {};  // see OverheadOf
    IdleMemory::Hold share = {};    // the same, among the live ones of its address
    bool live() const { return record.state == WorkerState::kLive; }
  };

  // The worker of that id, or a new one, with all that its end takes.
  Worker& FindOrAdd(const std::string& worker_id) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Null when another one is the worker's last.
  Worker* Find(const std::string& worker_id, uint64_t incarnation)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Takes no memory.
  void End(Worker& worker, WorkerState state) noexcept ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Notify(const Worker& worker) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Keeps gone_ as the worker's state says.
  void Settle(Worker& worker) noexcept ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // False: there is none that may be.
  bool ForgetOne() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool ForgetOne(bool in_quarantine) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Those beyond kGoneShare.
  void ForgetMany() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::StatusOr<MemoryAccount::Hold> Reserve(const std::string& worker_id)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void RestoreForgotten(const WorkerRecord& record) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status Fenced(const Worker& worker, uint64_t incarnation) const;
  void NotifyLost(const std::vector<WorkerRecord>& lost) const ABSL_LOCKS_EXCLUDED(mutex_);
  Time EvictSilent();
  // While this process stood still it could hear nobody: that time does not count as silence.
  void ForgivePause(Time now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  Env& env_;
  const std::chrono::milliseconds lease_;
  mutable Mutex mutex_;
  uint64_t last_incarnation_ ABSL_GUARDED_BY(mutex_) = 0;
  Time next_look_ ABSL_GUARDED_BY(mutex_) = kNever;  // of the timer for evictions
  std::map<std::string, Worker> workers_ ABSL_GUARDED_BY(mutex_);
  uint64_t last_forgotten_ ABSL_GUARDED_BY(mutex_) = 0;  // the highest incarnation
  uint64_t last_end_ ABSL_GUARDED_BY(mutex_) = 0;
  Gone gone_ ABSL_GUARDED_BY(mutex_);
  uint64_t gone_bytes_ ABSL_GUARDED_BY(mutex_) = 0;    // of the account
  std::function<void(const WorkerRecord&)> observer_;  // set before workers come
  std::function<void(const WorkerRecord&)> fence_ ABSL_GUARDED_BY(mutex_);
  std::function<void(const WorkerRecord&)> lost_;  // as well
  std::function<bool(const std::string&)> collect_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<Timer> timer_;
};

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_MEMBERSHIP_WORKERS_H_
