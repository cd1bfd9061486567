#include "proto/core/parallel.h"

#include <algorithm>
#include <thread>

#include "proto/core/thread_pool.h"

namespace varscope {
namespace {

// More do not copy faster.
constexpr int kMostThreads = 8;

// Besides the calling thread.
ThreadPool& Helpers() {
  static auto* const helpers = new ThreadPool(
      std::min(kMostThreads, static_cast<int>(std::thread::hardware_concurrency())) - 1,
      /*spins=*/false);
  return *helpers;
}

}  // namespace

void ParallelFor(size_t n, size_t grain, absl::FunctionRef<void(size_t, size_t)> fn) {
  const size_t worth = n / std::max<size_t>(grain, 1);
  const size_t parts = worth <= 1 ? 1 : std::min<size_t>(worth, Helpers().threads() + 1);
  if (parts <= 1) return fn(0, n);
  const size_t each = (n / parts + 63) / 64 * 64;
  Eigen::Barrier done(static_cast<unsigned>(parts - 1));
  for (size_t part = 1; part < parts; ++part) {
    Helpers().Schedule([&, part] {
      const size_t begin = std::min(n, part * each);
      fn(begin, part + 1 == parts ? n : std::min(n, begin + each));
      done.Notify();
    });
  }
  fn(0, std::min(n, each));
  done.Wait();
}

}  // namespace varscope
