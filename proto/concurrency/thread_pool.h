// Eigen's thread pool, with as many threads as the system gives.
#ifndef VARSCOPE_PROTO_CONCURRENCY_THREAD_POOL_H_
#define VARSCOPE_PROTO_CONCURRENCY_THREAD_POOL_H_

#include <algorithm>
#include <functional>
#include <memory>
#include <system_error>
#include <utility>

// Eigen's pool, without the rest of its tensors.
#define EIGEN_USE_THREADS
#include <unsupported/Eigen/CXX11/ThreadPool>

namespace varscope {

// Eigen's own environment throws where a thread cannot be had, and its pool then waits forever for
// those that it had before.
class ScarceThreads final : public Eigen::StlThreadEnvironment {
 public:
  // Null without a thread: the others take what is queued for it.
  EnvThread* CreateThread(std::function<void()> run) {
    try {
      auto* const thread = new EnvThread(std::move(run));
      ++*count_;
      return thread;
    } catch (const std::system_error&) {
      return nullptr;
    }
  }
  int count() const { return *count_; }

 private:
  const std::shared_ptr<int> count_ = std::make_shared<int>(0);
};

// Lives as long as the process: one whose threads are fewer than asked for cannot end. Without any,
// whoever schedules does the work.
class ThreadPool final : public Eigen::ThreadPoolInterface {
 public:
  ThreadPool(int wanted, bool spins) : pool_(wanted, spins, threads_) {}

  // How many there are.
  int threads() const { return threads_.count(); }

  void Schedule(std::function<void()> work) override {
    threads() == 0 ? work() : pool_.Schedule(std::move(work));
  }
  void ScheduleWithHint(std::function<void()> work, int start, int end) override {
    threads() == 0 ? work() : pool_.ScheduleWithHint(std::move(work), start, end);
  }
  int NumThreads() const override { return std::max(1, threads()); }
  int CurrentThreadId() const override { return pool_.CurrentThreadId(); }

 private:
  const ScarceThreads threads_;
  Eigen::ThreadPoolTempl<ScarceThreads> pool_;
};

}  // namespace varscope

#endif  // VARSCOPE_PROTO_CONCURRENCY_THREAD_POOL_H_
