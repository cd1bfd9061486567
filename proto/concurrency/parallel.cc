#include "proto/concurrency/parallel.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <limits>
#include <thread>
#include <utility>

#include "absl/strings/numbers.h"
#include "proto/concurrency/thread_pool.h"

namespace varscope {
namespace {

// More do not copy faster.
constexpr int kMostThreads = 8;

// Besides the calling thread.
ThreadPool& Helpers() {
  static auto* const helpers =
      new ThreadPool(std::min(kMostThreads, ProcessThreads()) - 1, /*spins=*/false);
  return *helpers;
}

// Of this thread's loops.
thread_local int most_threads = std::numeric_limits<int>::max();

// One loop. Helpers are given a pointer to it, which fits into a std::function: nothing is
// allocated, so that a loop cannot fail.
struct Loop {
  absl::FunctionRef<void(size_t, size_t)> fn;
  const size_t n;
  const size_t parts;
  const size_t each;
  Eigen::Barrier done;
  std::atomic<size_t> next{1};

  void Part(size_t part) const {
    const size_t begin = std::min(n, part * each);
    fn(begin, part + 1 == parts ? n : std::min(n, begin + each));
  }
  void Help() {
    Part(next.fetch_add(1));
    done.Notify();
  }
};

}  // namespace

int ProcessThreads() {
  const char* const asked = std::getenv("VARSCOPE_THREADS");
  int threads = 0;
  if (asked != nullptr && absl::SimpleAtoi(asked, &threads) && threads > 0) return threads;
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

ParallelLimit::ParallelLimit(int threads) : before_(std::exchange(most_threads, threads)) {}
ParallelLimit::~ParallelLimit() { most_threads = before_; }

void ParallelFor(size_t n, size_t grain, absl::FunctionRef<void(size_t, size_t)> fn) {
  const size_t worth = std::min<size_t>(n / std::max<size_t>(grain, 1), most_threads);
  const size_t parts = worth <= 1 ? 1 : std::min<size_t>(worth, Helpers().threads() + 1);
  if (parts <= 1) return fn(0, n);
  const size_t each = (n / parts + 63) / 64 * 64;
  Loop loop{fn, n, parts, each, Eigen::Barrier(static_cast<unsigned>(parts - 1))};
  for (size_t part = 1; part < parts; ++part) {
    Helpers().Schedule([&loop] { loop.Help(); });
  }
  loop.Part(0);
  loop.done.Wait();
}

}  // namespace varscope
