// Surroundings in which everything happens on the thread of a test, when it says so.
#ifndef VARSCOPE_TESTS_SUPPORT_MANUAL_ENV_H_
#define VARSCOPE_TESTS_SUPPORT_MANUAL_ENV_H_

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "server/env/env.h"

namespace varscope::testing {

// Time goes on with Pass alone, tasks run in RunDue alone. Files are the system's. Outlives the
// timers. Not thread-safe.
class ManualEnv final : public server::Env {
 public:
  server::Time Now() override { return now_; }
  int64_t WallMicros() override { return server::SystemEnv().WallMicros(); }
  uint64_t Random64() override { return server::SystemEnv().Random64(); }
  absl::StatusOr<std::unique_ptr<server::Directory>> OpenDirectory(
      const std::filesystem::path& path, server::IfMissing missing) override {
    return server::SystemEnv().OpenDirectory(path, missing);
  }
  std::unique_ptr<server::Timer> StartTimer(std::string /*name*/,
                                            server::Timer::Task task) override {
    return std::make_unique<ManualTimer>(*this, std::move(task));
  }

  void Pass(server::Time::duration time) { now_ += time; }
  // All tasks that are due, and those that these make due. One that meets no memory is due again
  // after kWithoutMemory, as the system's are. Takes no memory itself.
  static constexpr std::chrono::milliseconds kWithoutMemory{100};
  void RunDue() {
    for (bool one_was_due = true; one_was_due;) {
      one_was_due = false;
      for (size_t i = 0; i < timers_.size(); ++i) one_was_due |= timers_[i]->RunIfDue();
    }
  }

 private:
  class ManualTimer final : public server::Timer {
   public:
    ManualTimer(ManualEnv& env, Task task) : env_(env), task_(std::move(task)) {
      env_.timers_.push_back(this);
    }
    ~ManualTimer() override { ManualTimer::Stop(); }

    void Wake() noexcept override { due_ = server::Time::min(); }
    void Stop() override { std::erase(env_.timers_, this); }

    bool RunIfDue() {
      if (due_ > env_.now_) return false;
      due_ = server::kNever;
      server::Time next = env_.now_ + kWithoutMemory;
      try {
        next = task_();
      } catch (const std::bad_alloc&) {
      }
      due_ = std::min(due_, next);  // it may have been woken meanwhile
      return true;
    }

   private:
    ManualEnv& env_;
    const Task task_;
    server::Time due_ = server::Time::min();
  };

  server::Time now_{std::chrono::hours(1)};
  std::vector<ManualTimer*> timers_;
};

}  // namespace varscope::testing

#endif  // VARSCOPE_TESTS_SUPPORT_MANUAL_ENV_H_
