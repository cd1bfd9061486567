// Models that take longer to compute than to move: a perceptron and a convolutional network.
#ifndef VARSCOPE_TESTS_BENCH_MODELS_H_
#define VARSCOPE_TESTS_BENCH_MODELS_H_

#include <vector>

#include "tests/bench/measure.h"

namespace varscope::bench {

// "MLP" (784-512-512-10) and "CNN" (5x5x32, 5x5x64, 1024, 10) on 64 images of 28 x 28: the forward
// pass, and a step of Adam, with the variables on a server.
std::vector<Result> MeasureModels(const Effort& effort, const Filter& filter);

}  // namespace varscope::bench

#endif  // VARSCOPE_TESTS_BENCH_MODELS_H_
