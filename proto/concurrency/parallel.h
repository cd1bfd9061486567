// Loops over large memory, on several cores.
#ifndef VARSCOPE_PROTO_CONCURRENCY_PARALLEL_H_
#define VARSCOPE_PROTO_CONCURRENCY_PARALLEL_H_

#include <cstddef>

#include "absl/functional/function_ref.h"

namespace varscope {

// Bytes of one pass over memory that are worth another core.
inline constexpr size_t kParallelBytes = size_t{1} << 20;

// Calls fn(begin, end) on ranges that cover [0, n), each of at least `grain` items and beginning at
// a multiple of 64, perhaps at the same time on threads that the process keeps for this; returns
// when all are done. `fn` must not wait for anything. Thread-safe.
void ParallelFor(size_t n, size_t grain, absl::FunctionRef<void(size_t begin, size_t end)> fn);

}  // namespace varscope

#endif  // VARSCOPE_PROTO_CONCURRENCY_PARALLEL_H_
