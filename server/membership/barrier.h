// Named barriers: workers wait for each other, never without a deadline, never for the dead.
#ifndef VARSCOPE_SERVER_MEMBERSHIP_BARRIER_H_
#define VARSCOPE_SERVER_MEMBERSHIP_BARRIER_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "proto/concurrency/mutex.h"
#include "server/env/env.h"

namespace varscope::server {

// Thread-safe. Callbacks run without the lock, on the thread of the last arrival or on the timer's.
class Barriers {
 public:
  // The number of the round that was completed, from 1, or why it was not: DeadlineExceeded says
  // who had arrived, who is missing and how long the caller waited; Aborted when the worker
  // arrived again elsewhere or was evicted; Unavailable when the server stops.
  using Done = std::function<void(absl::StatusOr<uint64_t>)>;
  // A worker and what is known of it, for whoever waits for it.
  using Describe = std::function<std::string(const std::string& worker_id)>;

  explicit Barriers(
      Describe describe = [](const std::string& id) { return id; }, Env& env = SystemEnv());
  ~Barriers() { Stop(); }
  Barriers(const Barriers&) = delete;
  Barriers& operator=(const Barriers&) = delete;

  // Releases everybody with Unavailable, now and from now on.
  void Stop();

  // `done` is called exactly once, perhaps before Arrive returns. InvalidArgument (to `done`) when
  // `parties` is 0 or differs from what the round's first arrival said.
  void Arrive(const std::string& name, const std::string& worker_id, uint32_t parties,
              std::chrono::milliseconds timeout, Done done);

  // The worker left: it no longer counts as arrived. Its `done` gets Cancelled.
  void Leave(const std::string& name, const std::string& worker_id);

  // The worker's incarnation is over. Where it took part in the last round the others no longer
  // wait for it, until it, or a worker in its place, arrives again.
  void WorkerLost(const std::string& worker_id);

  // What each waiting worker waits for, by worker.
  std::multimap<std::string, std::string> waits() const;

 private:
  struct Waiter {
    Time since;
    Time deadline;
    Done done;
  };
  struct Round {
    uint64_t number = 1;
    uint32_t parties = 0;
    std::map<std::string, Waiter> waiting;  // by worker
    std::set<std::string> members;          // who took part in the last round
    std::set<std::string> lost;             // of the members
  };
  using Released = std::vector<std::pair<Done, absl::StatusOr<uint64_t>>>;

  void CompleteIfAllHere(Round& round, Released& released) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  std::string Missing(const Round& round) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Time ReleaseExpired();

  Env& env_;
  const Describe describe_;
  mutable Mutex mutex_;
  std::map<std::string, Round> rounds_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::unique_ptr<Timer> timer_;
};

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_MEMBERSHIP_BARRIER_H_
