#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include <new>
#include <thread>
#include <utility>

#include "proto/concurrency/mutex.h"
#include "proto/wire/random.h"
#include "server/env/env.h"
#include "server/env/posix_files.h"

namespace varscope::server {
namespace {

class ThreadTimer final : public Timer {
 public:
  ThreadTimer(const std::string& name, Task task)
      : task_(std::move(task)), thread_([this] { Run(); }) {
    // The system keeps 15 characters.
    pthread_setname_np(thread_.native_handle(), name.substr(0, 15).c_str());
  }
  ~ThreadTimer() override { ThreadTimer::Stop(); }

  void Wake() noexcept override {
    {
      MutexLock lock(mutex_);
      woken_ = true;
    }
    changed_.NotifyOne();
  }

  void Stop() override {
    {
      MutexLock lock(mutex_);
      stopping_ = true;
    }
    changed_.NotifyOne();
    if (thread_.joinable()) thread_.join();
  }

 private:
  // Without memory it is tried again.
  Time RunTask() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    constexpr std::chrono::milliseconds kLater{100};
    MutexUnlock running(mutex_);
    try {
      return task_();
    } catch (const std::bad_alloc&) {
      return std::chrono::steady_clock::now() + kLater;
    }
  }

  void Run() {
    MutexLock lock(mutex_);
    while (!stopping_) {
      woken_ = false;
      const Time next = RunTask();
      const auto due = [this]()
                           ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return woken_ || stopping_; };
      if (next == kNever) {
        changed_.Wait(mutex_, due);
      } else {
        changed_.WaitUntil(mutex_, next, due);
      }
    }
  }

  const Task task_;
  Mutex mutex_;
  CondVar changed_;
  bool woken_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

class System final : public Env {
 public:
  Time Now() override { return std::chrono::steady_clock::now(); }
  int64_t WallMicros() override {
    return std::chrono::duration_cast<std::chrono::microseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
  }
  uint64_t Random64() override { return varscope::Random64(); }
  std::unique_ptr<Timer> StartTimer(std::string name, Timer::Task task) override {
    return std::make_unique<ThreadTimer>(name, std::move(task));
  }
  absl::StatusOr<std::unique_ptr<Directory>> OpenDirectory(const std::filesystem::path& path,
                                                           IfMissing missing) override {
    return OpenPosixDirectory(path, missing);
  }
  void YieldToOthers() override {
    constexpr int kNiceness = 10;
    // Of the thread alone, on Linux. Without it the work is done all the same.
    (void)setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), kNiceness);
  }
};

}  // namespace

Env& SystemEnv() {
  static auto* const env = new System;
  return *env;
}

}  // namespace varscope::server
