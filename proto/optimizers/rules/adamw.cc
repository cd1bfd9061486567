#include <cmath>

#include "proto/optimizers/rules.h"

namespace varscope::optimizers {
namespace {

// Loshchilov, Hutter 2019 (arXiv 1711.05101), Algorithm 2 with the schedule folded into the
// learning rate: var -= lr (m^ / (sqrt(v^) + eps) + weight_decay var), with m^ = m / (1 - beta1^t)
// and v^ = v / (1 - beta2^t). The sparse form is lazy: only the rows named move and decay.
struct AdamWRule : ElementwiseRule<AdamWRule> {
  enum { kLearningRate, kBeta1, kBeta2, kEpsilon, kWeightDecay };
  enum { kBeta1Power, kBeta2Power };

  static Optimizer Declare() {
    return {.name = "AdamW",
            .hyperparameters = {{"learning_rate", 0.001, kAnyNumber},
                                {"beta1", 0.9, kBelowOne},
                                {"beta2", 0.999, kBelowOne},
                                {"epsilon", 1e-8, kPositive},
                                {"weight_decay", 0.01, kUpToAMillion}},
            .slots =
                [](const Hyperparameters&) {
                  return std::vector<StateDef>{{"m"}, {"v"}};
                },
            .non_slots = {{"beta1_power", 0, "beta1"}, {"beta2_power", 0, "beta2"}}};
  }
  template <typename T>
  static void Range(const UpdateArgs<T>& args, size_t at, size_t from, size_t n) {
    const T lr = static_cast<T>(args.h[kLearningRate]);
    const T decay = static_cast<T>(args.h[kWeightDecay]);
    const T c1 = static_cast<T>(1 - args.h[kBeta1]);
    const T c2 = static_cast<T>(1 - args.h[kBeta2]);
    const T unbias1 = static_cast<T>(1 / (1 - args.non_slots[kBeta1Power]));
    const T unbias2 = static_cast<T>(1 / (1 - args.non_slots[kBeta2Power]));
    const T epsilon = static_cast<T>(args.h[kEpsilon]);
    T* const var = args.variable.data() + at;
    T* const m = args.slots[0].data() + at;
    T* const v = args.slots[1].data() + at;
    const T* const g = args.gradient.data() + from;
    for (size_t i = 0; i < n; ++i) {
      m[i] += (g[i] - m[i]) * c1;
      v[i] += (g[i] * g[i] - v[i]) * c2;
      const T step = m[i] * unbias1 / (std::sqrt(v[i] * unbias2) + epsilon);
      var[i] -= lr * (step + decay * var[i]);
    }
  }
  static void Finish(const Hyperparameters& h, std::span<double> non_slots) {
    non_slots[kBeta1Power] *= h[kBeta1];
    non_slots[kBeta2Power] *= h[kBeta2];
  }
};

}  // namespace

Optimizer AdamW() { return Make<AdamWRule>(); }

}  // namespace varscope::optimizers
