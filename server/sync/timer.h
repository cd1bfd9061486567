// One task that runs whenever it is due, on a thread of its own.
#ifndef VARSCOPE_SERVER_SYNC_TIMER_H_
#define VARSCOPE_SERVER_SYNC_TIMER_H_

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

namespace varscope::server {

// Thread-safe.
class Timer {
 public:
  using Clock = std::chrono::steady_clock;
  // Does what is due and returns when it is due next; Clock::time_point::max(): when woken.
  using Task = std::function<Clock::time_point()>;

  explicit Timer(Task task);
  ~Timer() { Stop(); }
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  // Runs the task soon, because something is due earlier than it said.
  void Wake();
  // The task does not run any more when this returns. Not from the task.
  void Stop();

 private:
  void Run();

  const Task task_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool woken_ = false;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_SYNC_TIMER_H_
