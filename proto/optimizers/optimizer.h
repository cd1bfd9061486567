// What an optimizer is to the server: hyperparameters, slots, and pure update rules on spans.
//
// Each optimizer is one file with one Rule type, a line in rules.h and one in registry.cc. The
// formulas and defaults are TensorFlow 1's (tf.compat.v1.train, recorded in
// tests/conformance/data), except AdamW and LAMB, which follow their papers. All functions are pure
// and thread-safe.
#ifndef VARSCOPE_PROTO_OPTIMIZERS_OPTIMIZER_H_
#define VARSCOPE_PROTO_OPTIMIZERS_OPTIMIZER_H_

#include <algorithm>
#include <cstdint>
#include <limits>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "proto/concurrency/parallel.h"
#include "varscope/dtype.h"

namespace varscope::optimizers {

// What a hyperparameter may be. Both ends are allowed, unless it says otherwise.
struct Interval {
  double least;
  double most;
  bool without_least = false;  // `least` itself is not allowed
  bool without_most = false;
  bool whole = false;  // whole numbers only
};

// Rules multiply and divide hyperparameters by each other, so whatever the range, the magnitude of
// one is at most LargestHyperparameter, and one that must be above 0 is at least
// 1 / LargestHyperparameter, of the dtype.
inline constexpr double kNoLimit = std::numeric_limits<double>::infinity();
// 1e30 for float32, 1e300 for float64.
double LargestHyperparameter(DType dtype);

inline constexpr Interval kAnyNumber{-kNoLimit, kNoLimit};
inline constexpr Interval kNotNegative{0, kNoLimit};
inline constexpr Interval kPositive{0, kNoLimit, /*without_least=*/true};
inline constexpr Interval kZeroToOne{0, 1};
// Beyond it sums grow for ever, whatever is added.
inline constexpr Interval kMinusOneToOne{-1, 1};
// What a mean forgets by; with 1 it would never learn, and its correction would divide by 0.
inline constexpr Interval kBelowOne{0, 1, false, /*without_most=*/true};
// What is multiplied with, or divided by, another hyperparameter, which may be huge.
inline constexpr Interval kUpToAMillion{0, 1e6};
inline constexpr Interval kFlag{0, 1, false, false, /*whole=*/true};

// A hyperparameter's name, TensorFlow's default (NaN: it must be given), and what it may be:
// whatever TensorFlow's kernels and optimizers refuse is outside, and whatever makes NaN,
// infinities or zeros of ordinary weights and gradients.
struct HyperparameterDef {
  absl::string_view name;
  double default_value;
  Interval range;
};

// Every declared hyperparameter with its value, in the order of declaration.
using Hyperparameters = std::vector<double>;

// A slot, or a non-slot variable: a scalar that all variables of one optimizer share. The initial
// value is a constant,
// or the value of a hyperparameter when `from` names one.
struct StateDef {
  absl::string_view name;
  double initial_value = 0;
  absl::string_view from = {};
};

// As many slots, or non-slot variables, as rules have: updates take no memory for them.
inline constexpr size_t kFewStates = 4;

// One variable's update. Slots and non-slot variables come in the order of their declaration.
template <typename T>
struct UpdateArgs {
  std::span<T> variable;
  absl::InlinedVector<std::span<T>, kFewStates> slots;
  std::span<const T> gradient;  // dense: like variable; sparse: rows.size() rows
  const Hyperparameters& h;
  std::span<const double> non_slots;
  // Sparse only: distinct rows, each below variable.size() / row_size.
  std::span<const int64_t> rows = {};
  int64_t row_size = 0;
  // As large as the variable, where the rule needs it.
  std::span<T> scratch = {};
};

struct Optimizer {
  absl::string_view name;
  std::vector<HyperparameterDef> hyperparameters;
  std::vector<StateDef> (*slots)(const Hyperparameters&);
  std::vector<StateDef> non_slots;
  void (*dense32)(const UpdateArgs<float>&);
  void (*dense64)(const UpdateArgs<double>&);
  void (*sparse32)(const UpdateArgs<float>&);
  void (*sparse64)(const UpdateArgs<double>&);
  // After all updates of one push; advances the non-slot variables.
  void (*finish)(const Hyperparameters&, std::span<double> non_slots);
  // The dense rule uses each element for itself, so that a large variable may be updated in parts.
  bool elementwise = true;

  // Whether an update takes UpdateArgs::scratch.
  bool NeedsScratch(bool sparse) const { return sparse && !elementwise; }

  // Large dense updates run on several cores.
  void Apply(const UpdateArgs<float>& args, bool sparse) const;
  void Apply(const UpdateArgs<double>& args, bool sparse) const;
};

// A Rule has: static Optimizer Declare() that fills name, hyperparameters, slots, non-slot
// variables; static template Dense<T>, Sparse<T>; static Finish.
template <typename Rule>
Optimizer Make() {
  Optimizer o = Rule::Declare();
  o.dense32 = &Rule::template Dense<float>;
  o.dense64 = &Rule::template Dense<double>;
  o.sparse32 = &Rule::template Sparse<float>;
  o.sparse64 = &Rule::template Sparse<double>;
  o.finish = &Rule::Finish;
  return o;
}

// Rows of a large table are rarely in the caches: they are asked for some rows ahead, and the waits
// that are left are shared by the cores. Measured with tests/bench, rows of 64 of a million.
inline constexpr size_t kRowsAhead = 8;
inline constexpr size_t kParallelRowElements = size_t{16} << 10;

template <typename T>
void PrefetchRow(const UpdateArgs<T>& args, int64_t row) {
  constexpr int64_t kLine = 64 / sizeof(T);
  const int64_t begin = row * args.row_size;
  for (int64_t k = begin; k < begin + args.row_size; k += kLine) {
    __builtin_prefetch(args.variable.data() + k, /*rw=*/1);
    for (const std::span<T>& slot : args.slots) __builtin_prefetch(slot.data() + k, /*rw=*/1);
  }
}

// For element-wise rules, whose sparse form is the dense one row by row: a Rule derived from this
// gives `template <T> static void Range(const UpdateArgs<T>&, size_t var_begin, size_t grad_begin,
// size_t count)`.
template <typename Rule>
struct ElementwiseRule {
  template <typename T>
  static void Dense(const UpdateArgs<T>& args) {
    Rule::template Range<T>(args, 0, 0, args.variable.size());
  }
  template <typename T>
  static void Sparse(const UpdateArgs<T>& args) {
    const size_t grain = kParallelRowElements / std::max<size_t>(args.row_size, 1);
    ParallelFor(args.rows.size(), grain, [&](size_t begin, size_t end) {
      for (size_t i = begin; i < end; ++i) {
        if (i + kRowsAhead < end) PrefetchRow(args, args.rows[i + kRowsAhead]);
        Rule::template Range<T>(args, args.rows[i] * args.row_size, i * args.row_size,
                                args.row_size);
      }
    });
  }
  static void Finish(const Hyperparameters&, std::span<double>) {}
};

// Null when no optimizer has that name.
const Optimizer* FindOptimizer(absl::string_view name);
std::vector<absl::string_view> OptimizerNames();

// Those given and the defaults of the others, whatever they are: for a push that was checked
// before.
Hyperparameters FillHyperparameters(const Optimizer& optimizer,
                                    const std::map<std::string, double>& given);
// The same, for variables of that dtype. InvalidArgument for an unknown name, and for a value that
// is missing, or outside its range as it is or once it is cast to the dtype (and to float32, when a
// non-slot variable begins with it): the message names the optimizer, the hyperparameter, the value
// and the range.
absl::StatusOr<Hyperparameters> ReadHyperparameters(const Optimizer& optimizer,
                                                    const std::map<std::string, double>& given,
                                                    DType dtype);

// The L2 weight decay of a push, which is none of an optimizer's own (weight_decay.h).
// InvalidArgument as above.
absl::Status CheckWeightDecay(double weight_decay, DType dtype);

// What a slot or scalar of `optimizer` begins with.
double InitialValue(const Optimizer& optimizer, const Hyperparameters& hyperparameters,
                    const StateDef& state);

}  // namespace varscope::optimizers

#endif  // VARSCOPE_PROTO_OPTIMIZERS_OPTIMIZER_H_
