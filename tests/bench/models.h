// Models as programs have them: a perceptron, a convolutional and a recurrent network, an
// embedding.
#ifndef VARSCOPE_TESTS_BENCH_MODELS_H_
#define VARSCOPE_TESTS_BENCH_MODELS_H_

#include <vector>

#include "tests/bench/measure.h"

namespace varscope::bench {

// "MLP" (784-512-512-10), "CNN" (5x5x32, 5x5x64, 1024, 10) and "LSTM" (a cell of 128 units over the
// 28 rows) on 64 images of 28 x 28: the forward pass, and a step of Adam; "embedding" (64 texts of
// 20 words, a table of 50,000 rows of 64): the same with Adagrad, whose gradients are rows. The
// variables are on a server.
std::vector<Result> MeasureModels(const Effort& effort, const Filter& filter);

}  // namespace varscope::bench

#endif  // VARSCOPE_TESTS_BENCH_MODELS_H_
