// Named barriers: workers wait for each other, never without a deadline, never for the dead.
#ifndef VARSCOPE_SERVER_MEMBERSHIP_BARRIER_H_
#define VARSCOPE_SERVER_MEMBERSHIP_BARRIER_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "proto/concurrency/done_once.h"
#include "proto/concurrency/mutex.h"
#include "proto/memory/idle_memory.h"
#include "server/env/env.h"
#include "server/membership/barrier_answers.h"

namespace varscope::server {

// Thread-safe. Callbacks run without the lock, on the thread of the last arrival or on the timer's.
//
// An arrival counts once, however often it is sent: it has a place in one round, and its answer is
// kept. What a restart of the server forgets, the arrivals tell it: rounds that a worker has passed
// are complete, so one that was sent again and waits for such a round has missed its answer.
class Barriers {
 public:
  // The number of the round that was completed, from 1, or why it was not: DeadlineExceeded says
  // who had arrived, who is missing and how long the caller waited; Aborted when the worker
  // arrived again elsewhere, its incarnation is over, or nobody knows what became of its round;
  // Unavailable when the server stops.
  using Done = DoneOnce<absl::StatusOr<uint64_t>>;
  // A worker and what is known of it, for whoever waits for it.
  using Describe = std::function<std::string(const std::string& worker_id)>;
  // Once it is not, WorkerLost will be called.
  using IsLive = BarrierAnswers::IsLive;

  // So many barriers are known. Whoever comes to one first has made it. A worker makes no more than
  // it leaves to others beside kKeptNames, which are for those that have made none; beyond, another
  // is forgotten for it: of the idle ones that it has made itself, or a worker that has made more,
  // that which was idle for longest.
  static constexpr size_t kMostNames = 4096;
  static constexpr size_t kKeptNames = 512;
  static constexpr long kMostOfWorker = 256;

  explicit Barriers(
      Describe describe = [](const std::string& id) { return id; },
      IsLive is_live = [](const std::string&, uint64_t) { return true; }, Env& env = SystemEnv());
  ~Barriers() { Stop(); }
  Barriers(const Barriers&) = delete;
  Barriers& operator=(const Barriers&) = delete;

  // Releases everybody with Unavailable, now and from now on.
  void Stop();

  // `done` is called exactly once, perhaps before Arrive returns. To `done`: InvalidArgument when
  // `parties` is 0 or differs from what those who wait said, or the arrival makes no sense;
  // ResourceExhausted when there is no room for another name, when the worker waits at
  // kMostOfWorker barriers, or as IdleMemory::Reserve without memory for the arrival; Unavailable
  // without memory to go on, also where std::bad_alloc is thrown. Whoever arrives later, is lost,
  // or leaves, needs none for its answer.
  void Arrive(const std::string& name, const Arrival& arrival, Done done);

  // That call's caller no longer waits: unless the arrival was sent again in another call, it does
  // not count any more. Its `done` gets Cancelled.
  void Leave(const std::string& name, const std::string& worker_id, const void* call);

  // That incarnation of the worker, and those before it, are over. Where it took part in the last
  // round, and the open one is for as many parties, the others no longer wait for it, until it, or
  // a worker in its place, arrives: each that was not in the last round takes the place of one that
  // is lost. In a first round, or one for another number of parties, nobody has a place yet: the
  // others wait until as many have come.
  void WorkerLost(const std::string& worker_id, uint64_t incarnation) noexcept;

  // What each waiting worker waits for, by worker, of those whose ids are from `first` to `last`;
  // of many barriers some.
  std::multimap<std::string, std::string> waits(const std::string& first,
                                                const std::string& last) const;
  // How many barriers are known.
  size_t names() const;

 private:
  // Who took part in the last round.
  struct Member {
    uint64_t incarnation = 0;
    bool lost = false;
    IdleMemory::Hold held = {};
  };
  using Members = std::map<std::string, Member>;  // by worker
  struct Waiter {
    Arrival arrival;
    Time since;
    Time deadline;
    Done done;
    IdleMemory::Hold held = {};
    BarrierAnswers::Place place = {};  // among those where the worker waits
    // Of the round's new_ones, when the worker was not in the last one.
    std::shared_ptr<const void> counted_as_new = {};
    Members::node_type as_member = {};                             // then
    absl::StatusOr<uint64_t> answer = absl::StatusOr<uint64_t>();  // once it is known
  };
  // By worker. One goes from here to there as it is, which takes no memory: so none is lost.
  using Waiters = std::multimap<std::string, Waiter>;
  struct Round {
    uint64_t number = 1;  // of the one that is open
    uint64_t unseen = 0;  // rounds up to this one are complete, and nothing is known of them
    uint32_t parties = 0;
    std::string first;  // who said so
    Waiters waiting;    // of each worker one
    Members members;
    size_t lost = 0;                  // of the members
    uint32_t parties_of_members = 0;  // of the round in which they took part; 0: of none
    // Each that waits and is no member has a copy, so that these are counted.
    std::shared_ptr<const void> new_ones = std::make_shared<char>();
    Time used;
    std::string maker;           // who was the first to come
    IdleMemory::Hold held = {};  // for its name
    bool idle() const { return waiting.empty(); }
  };
  using Rounds = std::map<std::string, Round>;
  // Who waits no longer: the end of this, without the lock, tells them.
  class Released {
   public:
    Released() = default;
    ~Released() {
      for (auto& [worker, waiter] : all_) waiter.done.Tell(std::move(waiter.answer));
    }
    Released(const Released&) = delete;
    Released& operator=(const Released&) = delete;

    void Add(Waiters& from, Waiters::iterator which, absl::StatusOr<uint64_t> answer) noexcept {
      Waiter& waiter = which->second;
      waiter.answer = std::move(answer);
      // It is counted no more.
      waiter.held = {};
      waiter.place.reset();
      waiter.counted_as_new.reset();
      all_.insert(from.extract(which));
    }

   private:
    Waiters all_;
  };

  // `own`, which is one, waits at the barrier or is answered. What throws leaves it where it is.
  void Take(const std::string& name, Waiters& own, Released& released)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Whether the worker was in the last round; then this one awaits it no longer, nor is it lost.
  static bool IsMember(Round& round, const Arrival& arrival);
  // Whether another call has brought the arrival already, or a later one: then it is answered.
  bool WaitsAlready(Round& round, Waiters& own, Released& released)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Rounds up to the one that a worker has passed are complete.
  void LearnOf(uint64_t passed, const std::string& name, Round& round, Released& released)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // ResourceExhausted when there are too many, or no memory for one more.
  absl::StatusOr<Round*> FindOrMake(const std::string& name, const std::string& worker_id)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Whether the worker may make another barrier, once one that may be forgotten is, if need be.
  bool MakeRoom(const std::string& worker_id) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // How many barriers that are known it has made.
  size_t MadeBy(const std::string& worker_id) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Rounds::iterator Forget(Rounds::iterator round) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // How many of the members are not waited for.
  static size_t Excused(const Round& round);
  static size_t StillToCome(const Round& round);
  void CompleteIfAllHere(Round& round, Released& released) noexcept
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Unless somebody waits there, or will be waited for.
  Rounds::iterator ForgetIfUnused(Rounds::iterator round) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  std::string Missing(const Round& round) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status Late(const std::string& name, const Round& round, const Waiter& waiter,
                    Time now) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Time ReleaseExpired();

  Env& env_;
  const Describe describe_;
  const IsLive is_live_;
  mutable Mutex mutex_;
  Rounds rounds_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, size_t> made_ ABSL_GUARDED_BY(mutex_);  // of them, by each worker
  BarrierAnswers answers_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::unique_ptr<Timer> timer_;
};

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_MEMBERSHIP_BARRIER_H_
