#define EIGEN_USE_THREADS
#include "client/kernels/device.h"

#include <unsupported/Eigen/CXX11/Tensor>

#include "proto/concurrency/thread_pool.h"

namespace varscope::internal {

struct Device::Threads {
  explicit Threads(int n) : pool(n, /*spins=*/true), eigen(&pool, pool.NumThreads()) {}
  ThreadPool pool;
  Eigen::ThreadPoolDevice eigen;
};

Device::Device(int threads)
    : threads_(std::make_unique<Threads>(threads)), seeds_(std::random_device{}()) {}

Device::~Device() = default;

void Device::ParallelFor(int64_t n, double cost, const std::function<void(int64_t, int64_t)>& fn) {
  threads_->eigen.parallelFor(n, Eigen::TensorOpCost(0, 0, cost),
                              [&](Eigen::Index begin, Eigen::Index end) { fn(begin, end); });
}

int Device::threads() const { return threads_->eigen.numThreads(); }

uint64_t Device::NextSeed() {
  MutexLock lock(seed_mutex_);
  return seeds_();
}

}  // namespace varscope::internal
