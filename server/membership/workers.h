// Who is connected: worker ids, their incarnations and their leases.
#ifndef VARSCOPE_SERVER_MEMBERSHIP_WORKERS_H_
#define VARSCOPE_SERVER_MEMBERSHIP_WORKERS_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
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
//
// What becomes of a worker is decided, written down and told in one: all that this takes is there
// before (the record for the log, the names of whom others are told of), and then nothing can fail.
// So where a function throws std::bad_alloc, nothing has changed, but that others were forgotten.
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

  // The lease of a worker that does not know yet that it is connected: it does not run, until this
  // ends. Outlived by the Workers. Not thread-safe.
  class HeldLease {
   public:
    HeldLease() = default;  // of nobody
    ~HeldLease() { Start(); }
    HeldLease(HeldLease&& other) noexcept
        : workers_(std::exchange(other.workers_, nullptr)),
          worker_id_(std::move(other.worker_id_)),
          incarnation_(other.incarnation_) {}
    HeldLease& operator=(HeldLease&& other) noexcept {
      Start();
      workers_ = std::exchange(other.workers_, nullptr);
      worker_id_ = std::move(other.worker_id_);
      incarnation_ = other.incarnation_;
      return *this;
    }
    // It runs from now on.
    void Start() noexcept;

   private:
    friend class Workers;
    HeldLease(Workers& workers, std::string worker_id, uint64_t incarnation)
        : workers_(&workers), worker_id_(std::move(worker_id)), incarnation_(incarnation) {}

    Workers* workers_ = nullptr;
    std::string worker_id_;
    uint64_t incarnation_ = 0;
  };
  // Of nobody where the incarnation is over.
  HeldLease HoldLease(const std::string& worker_id, uint64_t incarnation);

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
  // throw: what it writes down comes after all that the observer has written before, and before
  // what it writes later. Nobody is told yet: TellLost.
  void FenceAll(absl::FunctionRef<void()> record = [] {}) noexcept;
  // Tells `lost` of those whose ends nobody was told of yet. Takes no memory.
  void TellLost() noexcept ABSL_LOCKS_EXCLUDED(mutex_);

  // NotFound for an id that never connected. An empty reason ends the quarantine.
  absl::Status Quarantine(const std::string& worker_id, const std::string& reason);

  // Host and process of a connected worker; only the id for others.
  Creator Describe(const std::string& worker_id) const;
  // "worker-3, silent 4.2 s, evicted in 0.8 s": for whoever waits for it.
  std::string DescribeWait(const std::string& worker_id) const;
  // Of at most `most` workers, in the order of their ids, from the first after `after` on.
  std::vector<WorkerStatus> StatusAfter(const std::string& after, size_t most = 256) const;
  std::chrono::milliseconds lease() const { return lease_; }

  // Asked about each change of a worker, but for FenceAll's, before it happens, with what the
  // worker will be; where that throws, the change does not happen. What it returns is called when
  // it does, in order and before anybody can learn of it, takes no memory, and does not throw.
  // Neither may call back. Set before workers come.
  using Happens = absl::AnyInvocable<void()>;
  using Observer = std::function<Happens(const WorkerRecord&)>;
  void Observe(Observer observer) { observer_ = std::move(observer); }
  // `fence` is notified of each incarnation that is over, before anybody can learn of it, and must
  // not call back, also of those that were restored so, and of 0 for each new id: so it can take
  // the memory for later, when it must not throw. `lost` after that, once, without locks, perhaps
  // on the thread that ends another worker; it gets the id and the incarnation, and must not throw.
  // Starts the leases of those that were restored alive.
  // `collect` is called, as `fence` is, with an id that is to be forgotten; false: not now. It must
  // not throw.
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
  using Lost = std::list<WorkerRecord>;                 // their ids and incarnations
  struct Worker {
    WorkerRecord record;
    Time heard;
    bool held_lease = false;        // see HoldLease
    Lost lost = {};                 // itself, as long as it is live: its place in untold_
    uint64_t end = 0;               // its place in gone_; 0: it is live
    Gone::node_type place = {};     // that place, as long as it is live
    MemoryAccount::Hold held = {};  // see OverheadOf
    IdleMemory::Hold share = {};    // the same, among the live ones of its address
    bool live() const { return record.state == WorkerState::kLive; }
  };

  // What the server keeps of a worker, here, among the completion records, and in its groups, in
  // bytes. Not less than that.
  static uint64_t OverheadOf(const std::string& worker_id);
  // One that is connected has it.
  static Lost LostOf(const WorkerRecord& record);
  // What the observer returns; not empty.
  Happens Prepare(const WorkerRecord& after) const;

  // The worker of that id, or a new one, with what its end takes beside LostOf.
  Worker& FindOrAdd(const std::string& worker_id) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Null when another one is the worker's last.
  Worker* Find(const std::string& worker_id, uint64_t incarnation)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // The worker's next incarnation; if one is live, it is over. Takes no memory.
  void Begin(Worker& worker, WorkerRecord record, Lost lost, IdleMemory::Hold share) noexcept
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Takes no memory. Whoever calls it calls TellLost without the lock.
  void End(Worker& worker, WorkerState state) noexcept ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // The same, and the observer has it. Takes memory, before anything changes.
  void EndAndRecord(Worker& worker, WorkerState state) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Keeps gone_ as the worker's state says.
  void Settle(Worker& worker) noexcept ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // False: there is none that may be.
  bool ForgetOne() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool ForgetOne(bool in_quarantine) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Those beyond kGoneShare; without memory, another time.
  void ForgetMany() noexcept ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::StatusOr<MemoryAccount::Hold> Reserve(const std::string& worker_id)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void RestoreForgotten(const WorkerRecord& record) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status Fenced(const Worker& worker, uint64_t incarnation) const;
  Time EvictSilent();
  // False: there is no memory to; then nothing has changed. Adds what is to be said of it.
  bool Evict(Worker& worker, std::list<std::string>& said) noexcept
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
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
  uint64_t gone_bytes_ ABSL_GUARDED_BY(mutex_) = 0;  // of the account
  Lost untold_ ABSL_GUARDED_BY(mutex_);              // of whose ends nobody was told; see TellLost
  Observer observer_;                                // set before workers come
  std::function<void(const WorkerRecord&)> fence_ ABSL_GUARDED_BY(mutex_);
  std::function<void(const WorkerRecord&)> lost_;  // as well
  std::function<bool(const std::string&)> collect_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<Timer> timer_;
};

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_MEMBERSHIP_WORKERS_H_
