#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "proto/optimizers/rules.h"

namespace varscope::optimizers {
namespace {

// You et al. 2020 (arXiv 1904.00962), Algorithm 2 with phi the identity: the layer is one variable,
// r = m^ / (sqrt(v^) + eps) + weight_decay var, var -= lr |var| / |r| * r; the ratio is 1 when
// either norm is 0. A sparse gradient is the dense one with zeros elsewhere, because the norms are
// over the whole variable.
struct LambRule {
  enum { kLearningRate, kBeta1, kBeta2, kEpsilon, kWeightDecay };
  enum { kBeta1Power, kBeta2Power };

  static Optimizer Declare() {
    return {.name = "LAMB",
            .hyperparameters = {{"learning_rate", 0.001, kAnyNumber},
                                {"beta1", 0.9, kBelowOne},
                                {"beta2", 0.999, kBelowOne},
                                {"epsilon", 1e-6, kPositive},
                                {"weight_decay", 0.0, kUpToAMillion}},
            .slots =
                [](const Hyperparameters&) {
                  return std::vector<StateDef>{{"m"}, {"v"}};
                },
            .non_slots = {{"beta1_power", 0, "beta1"}, {"beta2_power", 0, "beta2"}},
            .elementwise = false};
  }

  template <typename T>
  static void Dense(const UpdateArgs<T>& args) {
    const T decay = static_cast<T>(args.h[kWeightDecay]);
    const T c1 = static_cast<T>(1 - args.h[kBeta1]);
    const T c2 = static_cast<T>(1 - args.h[kBeta2]);
    const T unbias1 = static_cast<T>(1 / (1 - args.non_slots[kBeta1Power]));
    const T unbias2 = static_cast<T>(1 / (1 - args.non_slots[kBeta2Power]));
    const T epsilon = static_cast<T>(args.h[kEpsilon]);
    T* const var = args.variable.data();
    T* const m = args.slots[0].data();
    T* const v = args.slots[1].data();
    const T* const g = args.gradient.data();
    const auto direction = [&](size_t i) {
      return m[i] * unbias1 / (std::sqrt(v[i] * unbias2) + epsilon) + decay * var[i];
    };
    double var_norm = 0;
    double step_norm = 0;
    for (size_t i = 0; i < args.variable.size(); ++i) {
      m[i] += (g[i] - m[i]) * c1;
      v[i] += (g[i] * g[i] - v[i]) * c2;
      const double r = direction(i);
      var_norm += static_cast<double>(var[i]) * var[i];
      step_norm += r * r;
    }
    const double ratio = var_norm > 0 && step_norm > 0 ? std::sqrt(var_norm / step_norm) : 1;
    const double lr = args.h[kLearningRate] * ratio;
    if (std::abs(lr) <= static_cast<double>(std::numeric_limits<T>::max())) {
      const T rate = static_cast<T>(lr);
      for (size_t i = 0; i < args.variable.size(); ++i) var[i] -= rate * direction(i);
      return;
    }
    // The steps are so small that the rate alone is no number.
    const double rate = args.h[kLearningRate] * std::sqrt(var_norm);
    for (size_t i = 0; i < args.variable.size(); ++i) {
      var[i] -= static_cast<T>(rate * (direction(i) / std::sqrt(step_norm)));
    }
  }

  template <typename T>
  static void Sparse(const UpdateArgs<T>& args) {
    const std::span<T> dense = args.scratch;
    std::fill(dense.begin(), dense.end(), T{0});
    for (size_t r = 0; r < args.rows.size(); ++r) {
      std::copy_n(args.gradient.data() + r * args.row_size, args.row_size,
                  dense.data() + args.rows[r] * args.row_size);
    }
    UpdateArgs<T> full = args;
    full.gradient = dense;
    Dense(full);
  }

  static void Finish(const Hyperparameters& h, std::span<double> non_slots) {
    non_slots[kBeta1Power] *= h[kBeta1];
    non_slots[kBeta2Power] *= h[kBeta2];
  }
};

}  // namespace

Optimizer Lamb() { return Make<LambRule>(); }

}  // namespace varscope::optimizers
