#include <cmath>
#include <limits>

#include "proto/optimizers/rules.h"

namespace varscope::optimizers {
namespace {

// rms += (g^2 - rms)(1 - decay); mom = momentum mom + lr g / sqrt(rms + eps); var -= mom.
// Centered: the root is of rms - mg^2 + eps, with mg the running mean of g. Tieleman, Hinton 2012;
// Graves 2013.
struct RMSPropRule : ElementwiseRule<RMSPropRule> {
  enum { kLearningRate, kDecay, kMomentum, kEpsilon, kCentered };

  static Optimizer Declare() {
    return {
        .name = "RMSProp",
        .hyperparameters = {{"learning_rate", std::numeric_limits<double>::quiet_NaN(), kAnyNumber},
                            {"decay", 0.9, kZeroToOne},
                            {"momentum", 0.0, kMinusOneToOne},
                            {"epsilon", 1e-10, kPositive},
                            {"centered", 0, kFlag}},
        .slots = [](const Hyperparameters& h) {
          if (h[kCentered] == 0) return std::vector<StateDef>{{"rms", 1.0}, {"momentum"}};
          return std::vector<StateDef>{{"rms", 1.0}, {"mg"}, {"momentum"}};
        }};
  }
  template <typename T>
  static void Range(const UpdateArgs<T>& args, size_t at, size_t from, size_t n) {
    const T lr = static_cast<T>(args.h[kLearningRate]);
    const T keep = 1 - static_cast<T>(args.h[kDecay]);
    const T momentum = static_cast<T>(args.h[kMomentum]);
    const T epsilon = static_cast<T>(args.h[kEpsilon]);
    const bool centered = args.h[kCentered] != 0;
    T* const var = args.variable.data() + at;
    T* const rms = args.slots[0].data() + at;
    T* const mg = centered ? args.slots[1].data() + at : nullptr;
    T* const mom = args.slots[centered ? 2 : 1].data() + at;
    const T* const g = args.gradient.data() + from;
    for (size_t i = 0; i < n; ++i) {
      rms[i] += (g[i] * g[i] - rms[i]) * keep;
      T variance = rms[i] + epsilon;
      if (centered) {
        mg[i] += (g[i] - mg[i]) * keep;
        variance -= mg[i] * mg[i];
        // Equal gradients have none, and rounding may take more away than there is.
        if (variance <= 0) variance = epsilon;
      }
      mom[i] = mom[i] * momentum + lr * g[i] / std::sqrt(variance);
      var[i] -= mom[i];
    }
  }
};

}  // namespace

Optimizer RMSProp() { return Make<RMSPropRule>(); }

}  // namespace varscope::optimizers
