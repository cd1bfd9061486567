// What a program sees: Session::run of training steps.
#ifndef VARSCOPE_TESTS_BENCH_TRAINING_H_
#define VARSCOPE_TESTS_BENCH_TRAINING_H_

#include <cstdint>
#include <vector>

#include "tests/bench/measure.h"

namespace varscope::bench {

// A step of SGD on one variable, whose gradient is twice its value: a pull, two kernels, a push.
std::vector<Result> MeasureTraining(const std::vector<uint64_t>& sizes, const Effort& effort,
                                    const Filter& filter);

// The example's digit classifier, each worker a process: the steps of all together for `seconds`,
// once all of them train.
std::vector<Result> MeasureClassifier(const std::vector<int>& workers, double seconds,
                                      const Filter& filter);

}  // namespace varscope::bench

#endif  // VARSCOPE_TESTS_BENCH_TRAINING_H_
