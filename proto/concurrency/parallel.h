// Loops over large memory, on several cores.
#ifndef VARSCOPE_PROTO_CONCURRENCY_PARALLEL_H_
#define VARSCOPE_PROTO_CONCURRENCY_PARALLEL_H_

#include <cstddef>

#include "absl/functional/function_ref.h"

namespace varscope {

// Bytes of one pass over memory that are worth another core.
inline constexpr size_t kParallelBytes = size_t{1} << 20;

// How many threads of the process may compute at a time: VARSCOPE_THREADS of the environment, else
// one for each core; at least 1.
int ProcessThreads();

// While it lives, ParallelFor of this thread uses at most so many threads, itself among them.
// `threads`: at least 1.
class ParallelLimit {
 public:
  explicit ParallelLimit(int threads);
  ~ParallelLimit();
  ParallelLimit(const ParallelLimit&) = delete;
  ParallelLimit& operator=(const ParallelLimit&) = delete;

 private:
  const int before_;
};

// Calls fn(begin, end) on ranges that cover [0, n), each of at least `grain` items and beginning at
// a multiple of 64, perhaps at the same time on threads that the process keeps for this, no more
// than ProcessThreads(); returns when all are done. `fn` must not wait for anything. Thread-safe.
void ParallelFor(size_t n, size_t grain, absl::FunctionRef<void(size_t begin, size_t end)> fn);

}  // namespace varscope

#endif  // VARSCOPE_PROTO_CONCURRENCY_PARALLEL_H_
