#include <cmath>
#include <limits>

#include "proto/optimizers/rules.h"

namespace varscope::optimizers {
namespace {

// accum += g^2; var -= lr * g / sqrt(accum). Duchi, Hazan, Singer 2011.
struct AdagradRule : ElementwiseRule<AdagradRule> {
  enum { kLearningRate, kInitialAccumulator };

  static Optimizer Declare() {
    return {
        .name = "Adagrad",
        .hyperparameters = {{"learning_rate", std::numeric_limits<double>::quiet_NaN(), kAnyNumber},
                            {"initial_accumulator_value", 0.1, kPositive}},
        .slots = [](const Hyperparameters& h) {
          return std::vector<StateDef>{{"accumulator", h[kInitialAccumulator]}};
        }};
  }
  template <typename T>
  static void Range(const UpdateArgs<T>& args, size_t at, size_t from, size_t n) {
    const T lr = static_cast<T>(args.h[kLearningRate]);
    T* const var = args.variable.data() + at;
    T* const accum = args.slots[0].data() + at;
    const T* const g = args.gradient.data() + from;
    for (size_t i = 0; i < n; ++i) {
      accum[i] += g[i] * g[i];
      var[i] -= lr * g[i] / std::sqrt(accum[i]);
    }
  }
};

}  // namespace

Optimizer Adagrad() { return Make<AdagradRule>(); }

}  // namespace varscope::optimizers
