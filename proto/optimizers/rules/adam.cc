#include <cmath>

#include "proto/optimizers/rules.h"

namespace varscope::optimizers {
namespace {

// m += (g - m)(1 - beta1); v += (g^2 - v)(1 - beta2);
// var -= lr sqrt(1 - beta2^t) / (1 - beta1^t) * m / (sqrt(v) + eps).
// Kingma, Ba 2014, in the "epsilon hat" form that TensorFlow uses.
struct AdamRule {
  enum { kLearningRate, kBeta1, kBeta2, kEpsilon };
  enum { kBeta1Power, kBeta2Power };

  static Optimizer Declare() {
    return {.name = "Adam",
            .hyperparameters = {{"learning_rate", 0.001, kAnyNumber},
                                {"beta1", 0.9, kBelowOne},
                                {"beta2", 0.999, kBelowOne},
                                {"epsilon", 1e-8, kPositive}},
            .slots =
                [](const Hyperparameters&) {
                  return std::vector<StateDef>{{"m"}, {"v"}};
                },
            .non_slots = {{"beta1_power", 0, "beta1"}, {"beta2_power", 0, "beta2"}}};
  }

  template <typename T>
  static T StepSize(const UpdateArgs<T>& args) {
    return static_cast<T>(args.h[kLearningRate] * std::sqrt(1 - args.non_slots[kBeta2Power]) /
                          (1 - args.non_slots[kBeta1Power]));
  }

  template <typename T>
  static void Dense(const UpdateArgs<T>& args) {
    const T step = StepSize(args);
    // Rounded before the subtraction, as TensorFlow's kernels do: 1 - 0.999f is not 0.001f.
    const T c1 = 1 - static_cast<T>(args.h[kBeta1]);
    const T c2 = 1 - static_cast<T>(args.h[kBeta2]);
    const T epsilon = static_cast<T>(args.h[kEpsilon]);
    T* const var = args.variable.data();
    T* const m = args.slots[0].data();
    T* const v = args.slots[1].data();
    const T* const g = args.gradient.data();
    for (size_t i = 0; i < args.variable.size(); ++i) {
      m[i] += (g[i] - m[i]) * c1;
      v[i] += (g[i] * g[i] - v[i]) * c2;
      var[i] -= step * m[i] / (std::sqrt(v[i]) + epsilon);
    }
  }

  // TensorFlow's sparse Adam is not lazy: every row's moments decay and every row moves.
  template <typename T>
  static void Sparse(const UpdateArgs<T>& args) {
    const T step = StepSize(args);
    const T beta1 = static_cast<T>(args.h[kBeta1]);
    const T beta2 = static_cast<T>(args.h[kBeta2]);
    const T epsilon = static_cast<T>(args.h[kEpsilon]);
    T* const m = args.slots[0].data();
    T* const v = args.slots[1].data();
    for (size_t i = 0; i < args.variable.size(); ++i) {
      m[i] *= beta1;
      v[i] *= beta2;
    }
    for (size_t r = 0; r < args.rows.size(); ++r) {
      const T* const g = args.gradient.data() + r * args.row_size;
      const size_t at = args.rows[r] * args.row_size;
      for (int64_t k = 0; k < args.row_size; ++k) {
        m[at + k] += (1 - beta1) * g[k];
        v[at + k] += (1 - beta2) * g[k] * g[k];
      }
    }
    T* const var = args.variable.data();
    for (size_t i = 0; i < args.variable.size(); ++i) {
      var[i] -= step * m[i] / (std::sqrt(v[i]) + epsilon);
    }
  }

  // The powers are float32 variables, multiplied in float32.
  static void Finish(const Hyperparameters& h, std::span<double> non_slots) {
    non_slots[kBeta1Power] =
        static_cast<float>(non_slots[kBeta1Power]) * static_cast<float>(h[kBeta1]);
    non_slots[kBeta2Power] =
        static_cast<float>(non_slots[kBeta2Power]) * static_cast<float>(h[kBeta2]);
  }
};

}  // namespace

Optimizer Adam() { return Make<AdamRule>(); }

}  // namespace varscope::optimizers
