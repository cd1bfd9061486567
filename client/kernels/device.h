// Threads that kernels share.
#ifndef VARSCOPE_CLIENT_KERNELS_DEVICE_H_
#define VARSCOPE_CLIENT_KERNELS_DEVICE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <random>

#include "client/kernels/flush_denormals.h"
#include "proto/concurrency/mutex.h"

namespace varscope::internal {

// Thread-safe. However many threads call kernels, no more than threads() of them and of the
// device's own compute at a time.
class Device {
 public:
  // `threads`: at least 1. With fewer than that many where the system has no more.
  explicit Device(int threads);
  ~Device();
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

  // While it lives, its thread is one of those that compute, which take denormals for 0. Waits
  // until it may be. One for each thread at a time.
  class Turn {
   public:
    explicit Turn(Device& device) : device_(device) { device_.Begin(); }
    ~Turn() { device_.Return(1); }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

   private:
    Device& device_;
    const FlushDenormals flush_;
  };

  // Calls fn(begin, end) on ranges that cover [0, n), on the calling thread, whose turn it is, and
  // perhaps on others that have nothing to do; returns when all are done. `cost` is the rough
  // number of cycles of one item: what is small is done by the calling thread alone. `fn` must not
  // throw, nor wait for anything.
  void ParallelFor(int64_t n, double cost, const std::function<void(int64_t, int64_t)>& fn);

  // How many compute at a time, at least 1.
  int threads() const { return threads_; }
  // A seed for one kernel's random numbers.
  uint64_t NextSeed();

 private:
  struct Helpers;

  void Begin();
  // How many more may compute, up to `most`; they do until they are returned.
  int Borrow(int most);
  void Return(int count);

  const std::unique_ptr<Helpers> helpers_;
  const int threads_;
  Mutex turns_mutex_;
  CondVar returned_;
  int free_ ABSL_GUARDED_BY(turns_mutex_);  // of threads_, those that do not compute
  Mutex seed_mutex_;
  std::mt19937_64 seeds_ ABSL_GUARDED_BY(seed_mutex_);
};

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_KERNELS_DEVICE_H_
