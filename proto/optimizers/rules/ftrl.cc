#include <cmath>
#include <limits>

#include "proto/optimizers/rules.h"
#include "proto/tensor/portable_math.h"

namespace varscope::optimizers {
namespace {

// FTRL-Proximal, McMahan et al. 2013, Algorithm 1, with the general learning-rate power, shrinkage
// and beta as TensorFlow has them.
struct FtrlRule : ElementwiseRule<FtrlRule> {
  enum {
    kLearningRate,
    kLearningRatePower,
    kInitialAccumulator,
    kL1,
    kL2,
    kL2Shrinkage,
    kBeta,
  };

  // Below -1 the power of a small sum is 0, and of a large one infinite.
  static constexpr Interval kPower{-1, 0};

  static Optimizer Declare() {
    return {
        .name = "Ftrl",
        .hyperparameters = {{"learning_rate", std::numeric_limits<double>::quiet_NaN(), kPositive},
                            {"learning_rate_power", -0.5, kPower},
                            {"initial_accumulator_value", 0.1, kNotNegative},
                            {"l1_regularization_strength", 0.0, kNotNegative},
                            {"l2_regularization_strength", 0.0, kNotNegative},
                            {"l2_shrinkage_regularization_strength", 0.0, kUpToAMillion},
                            {"beta", 0.0, kUpToAMillion}},
        .slots = [](const Hyperparameters& h) {
          return std::vector<StateDef>{{"accum", h[kInitialAccumulator]}, {"linear"}};
        }};
  }
  template <typename T>
  static void Range(const UpdateArgs<T>& args, size_t at, size_t from, size_t n) {
    const T lr = static_cast<T>(args.h[kLearningRate]);
    const T power = static_cast<T>(-args.h[kLearningRatePower]);
    const T l1 = static_cast<T>(args.h[kL1]);
    const T l2 = static_cast<T>(args.h[kL2] + args.h[kBeta] / (2 * args.h[kLearningRate]));
    const T shrinkage = static_cast<T>(args.h[kL2Shrinkage]);
    T* const var = args.variable.data() + at;
    T* const accum = args.slots[0].data() + at;
    T* const linear = args.slots[1].data() + at;
    const T* const g = args.gradient.data() + from;
    for (size_t i = 0; i < n; ++i) {
      const T grad = g[i] + 2 * shrinkage * var[i];
      const T new_accum = accum[i] + g[i] * g[i];
      const T new_root = static_cast<T>(PortablePow(new_accum, power));
      const T root = static_cast<T>(PortablePow(accum[i], power));
      linear[i] += grad - (new_root - root) / lr * var[i];
      const T quadratic = new_root / lr + 2 * l2;
      const T excess = std::copysign(l1, linear[i]) - linear[i];
      if (!(std::abs(linear[i]) > l1)) {
        var[i] = 0;
      } else if (quadratic != 0) {  // it is 0 where the squares so far are too small for numbers
        var[i] = excess / quadratic;
      }
      accum[i] = new_accum;
    }
  }
};

}  // namespace

Optimizer Ftrl() { return Make<FtrlRule>(); }

}  // namespace varscope::optimizers
