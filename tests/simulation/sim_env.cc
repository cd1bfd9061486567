#include "tests/simulation/sim_env.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace varscope::simulation {

class SimEnv::SimTimer final : public server::Timer {
 public:
  SimTimer(SimEnv& env, std::string name, Task task)
      : env_(env), name_(std::move(name)), task_(std::move(task)) {
    env_.timers_.push_back(this);
  }
  ~SimTimer() override { SimTimer::Stop(); }

  void Wake() noexcept override { due_ = server::Time::min(); }
  void Stop() override { std::erase(env_.timers_, this); }

  server::Time due() const { return due_; }
  const std::string& name() const { return name_; }
  void Run() {
    due_ = server::kNever;
    const server::Time next = task_();
    due_ = std::min(due_, next);  // it may have been woken meanwhile
  }

 private:
  SimEnv& env_;
  const std::string name_;
  const Task task_;
  server::Time due_ = server::Time::min();
};

int64_t SimEnv::WallMicros() {
  return 1'700'000'000'000'000 +
         std::chrono::duration_cast<std::chrono::microseconds>(now_.time_since_epoch()).count();
}

uint64_t SimEnv::Random64() {
  const uint64_t random = trace_.Random64();
  trace_.Note(absl::StrCat("random ", random));
  return random;
}

std::unique_ptr<server::Timer> SimEnv::StartTimer(std::string name, server::Timer::Task task) {
  return std::make_unique<SimTimer>(*this, std::move(name), std::move(task));
}

bool SimEnv::RunOne() {
  std::vector<SimTimer*> due;
  std::copy_if(timers_.begin(), timers_.end(), std::back_inserter(due),
               [this](const SimTimer* timer) { return timer->due() <= now_; });
  if (due.empty()) return false;
  SimTimer* const next = due.size() == 1 ? due[0] : due[trace_.Draw("next task", due.size())];
  trace_.Note(absl::StrCat("runs ", next->name()));
  next->Run();
  if (observer_) observer_();
  return true;
}

void SimEnv::RunDue() {
  while (RunOne()) {
  }
}

void SimEnv::Advance(std::chrono::milliseconds by) {
  const server::Time end = now_ + by;
  while (true) {
    RunDue();
    server::Time next = end;
    for (const SimTimer* timer : timers_) next = std::min(next, timer->due());
    now_ = std::max(now_, next);
    if (now_ >= end) break;
  }
  trace_.Note(absl::StrCat("time goes on by ", by.count(), " ms"));
  RunDue();
}

}  // namespace varscope::simulation
