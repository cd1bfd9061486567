#include <cmath>

#include "proto/optimizers/rules.h"

namespace varscope::optimizers {
namespace {

// accum = rho accum + (1-rho) g^2; u = g sqrt(accum_update + eps) / sqrt(accum + eps);
// accum_update = rho accum_update + (1-rho) u^2; var -= lr * u. Zeiler 2012.
struct AdadeltaRule : ElementwiseRule<AdadeltaRule> {
  enum { kLearningRate, kRho, kEpsilon };

  static Optimizer Declare() {
    return {.name = "Adadelta",
            .hyperparameters = {{"learning_rate", 0.001, kAnyNumber},
                                {"rho", 0.95, kZeroToOne},
                                {"epsilon", 1e-8, kPositive}},
            .slots = [](const Hyperparameters&) {
              return std::vector<StateDef>{{"accum"}, {"accum_update"}};
            }};
  }
  template <typename T>
  static void Range(const UpdateArgs<T>& args, size_t at, size_t from, size_t n) {
    const T lr = static_cast<T>(args.h[kLearningRate]);
    const T rho = static_cast<T>(args.h[kRho]);
    const T epsilon = static_cast<T>(args.h[kEpsilon]);
    T* const var = args.variable.data() + at;
    T* const accum = args.slots[0].data() + at;
    T* const accum_update = args.slots[1].data() + at;
    const T* const g = args.gradient.data() + from;
    for (size_t i = 0; i < n; ++i) {
      accum[i] = accum[i] * rho + g[i] * g[i] * (1 - rho);
      const T update = std::sqrt(accum_update[i] + epsilon) / std::sqrt(accum[i] + epsilon) * g[i];
      accum_update[i] = accum_update[i] * rho + update * update * (1 - rho);
      var[i] -= update * lr;
    }
  }
};

}  // namespace

Optimizer Adadelta() { return Make<AdadeltaRule>(); }

}  // namespace varscope::optimizers
