// Named barriers: workers wait for each other, never without a deadline.
#ifndef VARSCOPE_SERVER_SYNC_BARRIER_H_
#define VARSCOPE_SERVER_SYNC_BARRIER_H_

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>

#include "absl/status/statusor.h"

namespace varscope::server {

// Thread-safe. Callbacks run without the lock, on the thread of the last arrival or on the timer's.
class Barriers {
 public:
  using Clock = std::chrono::steady_clock;
  // The number of the round that was completed, from 1, or why it was not: DeadlineExceeded says
  // who had arrived, how many were missing and how long the caller waited; Aborted when the worker
  // arrived again elsewhere; Unavailable when the server stops.
  using Done = std::function<void(absl::StatusOr<uint64_t>)>;

  Barriers();
  ~Barriers() { Stop(); }
  Barriers(const Barriers&) = delete;
  Barriers& operator=(const Barriers&) = delete;

  // Releases everybody with Unavailable, now and from now on.
  void Stop();

  // `done` is called exactly once, perhaps before Arrive returns. InvalidArgument (to `done`) when
  // `parties` is 0 or differs from what the round's first arrival said.
  void Arrive(const std::string& name, const std::string& worker_id, uint32_t parties,
              std::chrono::milliseconds timeout, Done done);

  // The worker is gone: it no longer counts as arrived. Its `done` gets Cancelled.
  void Leave(const std::string& name, const std::string& worker_id);

 private:
  struct Waiter {
    Clock::time_point since;
    Clock::time_point deadline;
    Done done;
  };
  struct Round {
    uint64_t number = 1;
    uint32_t parties = 0;
    std::map<std::string, Waiter> waiting;  // by worker
  };

  void RunTimer();
  void ReleaseExpired(std::unique_lock<std::mutex>& lock);

  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, Round> rounds_;
  bool stopping_ = false;
  std::thread timer_;
};

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_SYNC_BARRIER_H_
