#include <limits>

#include "proto/optimizers/rules.h"

namespace varscope::optimizers {
namespace {

// var -= lr * g
struct GradientDescentRule : ElementwiseRule<GradientDescentRule> {
  enum { kLearningRate };

  static Optimizer Declare() {
    return {.name = "GradientDescent",
            .hyperparameters = {{"learning_rate", std::numeric_limits<double>::quiet_NaN(),
                                 kAnyNumber}},
            .slots = [](const Hyperparameters&) { return std::vector<StateDef>{}; }};
  }
  template <typename T>
  static void Range(const UpdateArgs<T>& args, size_t at, size_t from, size_t n) {
    const T lr = static_cast<T>(args.h[kLearningRate]);
    T* const var = args.variable.data() + at;
    const T* const g = args.gradient.data() + from;
    for (size_t i = 0; i < n; ++i) var[i] -= lr * g[i];
  }
};

}  // namespace

Optimizer GradientDescent() { return Make<GradientDescentRule>(); }

}  // namespace varscope::optimizers
