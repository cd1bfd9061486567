// varscope itself, with a server in a process of its own.
#ifndef VARSCOPE_TESTS_BENCH_VARSCOPE_BENCH_H_
#define VARSCOPE_TESTS_BENCH_VARSCOPE_BENCH_H_

#include <cstdint>
#include <string>
#include <vector>

#include "tests/bench/measure.h"

namespace varscope::bench {

// Pull, push with SGD and with Adam, and both as one training step does them, of one variable of
// each size, over TCP, a Unix socket and shared memory.
std::vector<Result> MeasureTransfers(const std::vector<uint64_t>& sizes, const Effort& effort,
                                     const Filter& filter);

// The same step of several workers, each in a thread with a connection of its own.
std::vector<Result> MeasureWorkers(const std::vector<int>& workers, uint64_t size,
                                   const Effort& effort);

// One step over many variables; and a pull of many that have not changed.
std::vector<Result> MeasureManyVariables(const std::vector<int>& counts, const Effort& effort);

// A step of a model of 200 variables as such models have them: mostly small vectors, a few
// matrices.
std::vector<Result> MeasureModel(const Effort& effort);

// A step of 16 MiB with each encoding on its way. Over loopback bytes cost little: what is seen is
// the cost of encoding.
std::vector<Result> MeasureCompression(const Effort& effort);

// A step of 16 MiB of a program that works on one core, or waits, for 5 ms between its push and its
// next pull, with and without prefetching.
std::vector<Result> MeasureOverlap(const Effort& effort);

// Sparse Adagrad on a table of a million rows of 64: Zipf-distributed rows, 4096 a push.
std::vector<Result> MeasureSparse(const Effort& effort);

// A push of 64 KiB at each durability level, and while a snapshot of `store_bytes` is written all
// the time.
std::vector<Result> MeasureDurability(uint64_t store_bytes, const Effort& effort);

}  // namespace varscope::bench

#endif  // VARSCOPE_TESTS_BENCH_VARSCOPE_BENCH_H_
