#include "server/sync/timer.h"

namespace varscope::server {

Timer::Timer(Task task) : task_(std::move(task)), thread_([this] { Run(); }) {}

void Timer::Wake() {
  {
    std::lock_guard lock(mutex_);
    woken_ = true;
  }
  changed_.notify_all();
}

void Timer::Stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Timer::Run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    woken_ = false;
    lock.unlock();
    const Clock::time_point next = task_();
    lock.lock();
    const auto due = [this] { return woken_ || stopping_; };
    if (next == Clock::time_point::max()) {
      changed_.wait(lock, due);
    } else {
      changed_.wait_until(lock, next, due);
    }
  }
}

}  // namespace varscope::server
