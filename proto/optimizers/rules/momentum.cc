#include <limits>

#include "proto/optimizers/rules.h"

namespace varscope::optimizers {
namespace {

// accum = momentum * accum + g; var -= lr * accum, or with Nesterov: lr * (g + momentum * accum).
// Sutskever et al. 2013.
struct MomentumRule : ElementwiseRule<MomentumRule> {
  enum { kLearningRate, kMomentum, kUseNesterov };

  static Optimizer Declare() {
    constexpr double kRequired = std::numeric_limits<double>::quiet_NaN();
    return {.name = "Momentum",
            .hyperparameters = {{"learning_rate", kRequired, kAnyNumber},
                                {"momentum", kRequired, kMinusOneToOne},
                                {"use_nesterov", 0, kFlag}},
            .slots = [](const Hyperparameters&) { return std::vector<StateDef>{{"momentum"}}; }};
  }
  template <typename T>
  static void Range(const UpdateArgs<T>& args, size_t at, size_t from, size_t n) {
    const T lr = static_cast<T>(args.h[kLearningRate]);
    const T momentum = static_cast<T>(args.h[kMomentum]);
    const bool nesterov = args.h[kUseNesterov] != 0;
    T* const var = args.variable.data() + at;
    T* const accum = args.slots[0].data() + at;
    const T* const g = args.gradient.data() + from;
    for (size_t i = 0; i < n; ++i) {
      accum[i] = momentum * accum[i] + g[i];
      var[i] -= nesterov ? lr * g[i] + lr * momentum * accum[i] : lr * accum[i];
    }
  }
};

}  // namespace

Optimizer Momentum() { return Make<MomentumRule>(); }

}  // namespace varscope::optimizers
