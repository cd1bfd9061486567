#include "proto/core/parallel.h"

#include <algorithm>
#include <thread>

// Eigen's thread pool, without the rest of its tensors.
#define EIGEN_USE_THREADS
#include <unsupported/Eigen/CXX11/ThreadPool>

namespace varscope {
namespace {

// More do not copy faster.
constexpr int kMostThreads = 8;

// Besides the calling thread. The system reads files to count its cores: once is enough.
int HelperCount() {
  static const int count =
      std::min(kMostThreads, static_cast<int>(std::thread::hardware_concurrency())) - 1;
  return count;
}

Eigen::ThreadPool& Helpers() {
  static auto* const helpers = new Eigen::ThreadPool(HelperCount(), /*allow_spinning=*/false);
  return *helpers;
}

}  // namespace

void ParallelFor(size_t n, size_t grain, absl::FunctionRef<void(size_t, size_t)> fn) {
  const size_t parts = std::min<size_t>(n / std::max<size_t>(grain, 1), HelperCount() + 1);
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
