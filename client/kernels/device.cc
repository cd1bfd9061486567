#include "client/kernels/device.h"

#include <algorithm>
#include <atomic>
#include <memory>

#include "proto/concurrency/thread_pool.h"

namespace varscope::internal {
namespace {

// Cycles of work that are worth another thread: what it takes to wake it.
constexpr double kWorthAThread = 100'000;
// Cycles of the pieces in which threads take the work, so that one that comes late does less.
constexpr double kPiece = 40'000;
constexpr int64_t kMostPiecesOfAThread = 4;

// A loop that several threads take pieces of. The last of them may come when all is done, and the
// function is no more.
class Loop {
 public:
  Loop(int64_t n, int64_t pieces, const std::function<void(int64_t, int64_t)>& fn)
      : n_(n), pieces_(pieces), fn_(fn), left_(static_cast<int>(pieces)) {}

  void Work() {
    for (int64_t i = next_++; i < pieces_; i = next_++) {
      fn_(Begin(i), Begin(i + 1));
      if (--left_ == 0) left_.notify_all();
    }
  }
  void Wait() const {
    for (int left = left_; left > 0; left = left_) left_.wait(left);
  }

 private:
  int64_t Begin(int64_t piece) const {
    return n_ / pieces_ * piece + n_ % pieces_ * piece / pieces_;
  }

  const int64_t n_;
  const int64_t pieces_;
  const std::function<void(int64_t, int64_t)>& fn_;
  std::atomic<int64_t> next_{0};
  std::atomic<int> left_;
};

}  // namespace

// Besides the threads that call.
struct Device::Helpers {
  explicit Helpers(int count) : pool(count, /*spins=*/true) {}
  ThreadPool pool;
};

Device::Device(int threads)
    : helpers_(std::make_unique<Helpers>(threads - 1)),
      threads_(1 + helpers_->pool.threads()),
      free_(threads_),
      seeds_(std::random_device{}()) {}

Device::~Device() = default;

void Device::Begin() {
  MutexLock lock(turns_mutex_);
  returned_.Wait(turns_mutex_,
                 [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(turns_mutex_) { return free_ > 0; });
  --free_;
}

int Device::Borrow(int most) {
  MutexLock lock(turns_mutex_);
  const int count = std::clamp(free_, 0, most);
  free_ -= count;
  return count;
}

void Device::Return(int count) {
  {
    MutexLock lock(turns_mutex_);
    free_ += count;
  }
  returned_.NotifyAll();
}

void Device::ParallelFor(int64_t n, double cost, const std::function<void(int64_t, int64_t)>& fn) {
  if (n <= 0) return;
  const double work = cost * static_cast<double>(n);
  const double worth =
      std::min(work / kWorthAThread, static_cast<double>(std::min<int64_t>(n, threads_)));
  const int helpers = worth < 2 ? 0 : Borrow(static_cast<int>(worth) - 1);
  if (helpers == 0) return fn(0, n);
  const int64_t most = std::min(n, (helpers + 1) * kMostPiecesOfAThread);
  const auto loop = std::make_shared<Loop>(
      n, static_cast<int64_t>(std::clamp(work / kPiece, helpers + 1.0, static_cast<double>(most))),
      fn);
  for (int i = 0; i < helpers; ++i) {
    helpers_->pool.Schedule([loop] {
      const FlushDenormals flush;
      loop->Work();
    });
  }
  loop->Work();
  loop->Wait();
  Return(helpers);
}

uint64_t Device::NextSeed() {
  MutexLock lock(seed_mutex_);
  return seeds_();
}

}  // namespace varscope::internal
