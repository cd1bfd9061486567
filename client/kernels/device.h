// Threads that kernels share.
#ifndef VARSCOPE_CLIENT_KERNELS_DEVICE_H_
#define VARSCOPE_CLIENT_KERNELS_DEVICE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <random>

#include "proto/concurrency/mutex.h"

namespace varscope::internal {

// Thread-safe.
class Device {
 public:
  explicit Device(int threads);
  ~Device();
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

  // Calls fn(begin, end) on ranges that cover [0, n), perhaps in parallel, and returns when all are
  // done. `cost` is the rough number of cycles of one item.
  void ParallelFor(int64_t n, double cost, const std::function<void(int64_t, int64_t)>& fn);

  // How many compute at a time, at least 1.
  int threads() const;
  // A seed for one kernel's random numbers.
  uint64_t NextSeed();

 private:
  struct Threads;
  std::unique_ptr<Threads> threads_;
  Mutex seed_mutex_;
  std::mt19937_64 seeds_ ABSL_GUARDED_BY(seed_mutex_);
};

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_KERNELS_DEVICE_H_
