// tf.train: optimizers. The worker computes gradients and pushes them; the server, which keeps the
// slots, applies the update rule. Variables of a `local` group (--sync) are updated on the worker's
// copies between two synchronizations, by the same rules. Thread-compatible, as the graph.
#ifndef VARSCOPE_TRAIN_H_
#define VARSCOPE_TRAIN_H_

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "varscope/gradients.h"
#include "varscope/source_location.h"

namespace varscope::internal {
struct OptimizerSlots;
}  // namespace varscope::internal

namespace varscope::train {

// A gradient for each variable; undefined where the loss does not depend on it.
using GradientsAndVariables = std::vector<std::pair<Gradient, Variable>>;

// What an optimizer's push carries beside its gradients. The server applies it before the update
// rule: first clip_value, then clip_norm, then weight_decay. The numbers must be finite.
struct PushOptions {
  // Not below 0. Scales the gradients to this common L2 norm when theirs is larger; 0: none. They
  // are those of
  // this optimizer in one push, so that each of the server's groups (--sync) is clipped on its own.
  double clip_norm = 0;
  double clip_value = 0;    // not below 0: limits each element to its negative and it; 0: none
  double weight_decay = 0;  // adds weight_decay * variable to dense gradients
  // False: a NaN or an infinity refuses the push with InvalidArgumentError. When several optimizers
  // are in one push, all must allow them. The server's --sync may refuse or skip them all the same.
  bool allow_nonfinite = false;
};

// A variable that an optimizer keeps: of `primary` its slot `state`, such as Adam's "m"; where
// `primary` is undefined, a non-slot variable, such as "beta1_power".
struct Slot {
  Variable primary;
  std::string state;
  Variable variable;
};

// A handle; copies are the same optimizer, with the same slots. It may train several graphs, with
// slots of its own in each. As tf.compat.v1.train.Optimizer.
class Optimizer {
 public:
  // By the rule's name for each: a number, or an Output with one element, of any dtype. A number is
  // what TensorFlow makes of it, the nearest float32, for float64 variables, too; but for
  // initial_accumulator_value, and numbers whose size float32 does not have.
  using Hyperparameters = std::map<std::string, Input>;

  // `type` is the server's name of the rule ("Adam"), `name` the end of the slots' names. Those of
  // the rule's hyperparameters that are absent have the rule's default. They go with each push, so
  // they may be symbolic (a schedule, a placeholder). Throws ValueError without a name. A run is
  // refused with InvalidArgumentError for a `type` or a hyperparameter that the server does not
  // know, and for one that is missing, not finite, or not one number.
  Optimizer(std::string type, std::string name, Hyperparameters hyperparameters);

  // Returns the gradients of `loss`, float32 or float64, with respect to the variables of
  // `var_list`, or of the default graph's trainable ones when it is left out; of a partitioned one,
  // part by part. Throws ValueError when there is no variable, and what gradients() throws.
  GradientsAndVariables compute_gradients(const Output& loss,
                                          const OptionalList<Variable>& var_list = {}) const;
  // Returns an op of the default graph that pushes the gradients and then has no value. Gradients
  // that are undefined are left out. `global_step`, if given, rises by 1 in the same run. `name`:
  // empty is the optimizer's. The op is added to GraphKeys::TRAIN_OP.
  //
  // Throws ValueError when no variable has a gradient, for a gradient of another dtype or shape
  // than its variable's, or a sparse one that has not a row for each index; for a variable that is
  // not float32 or float64, of another graph, or partitioned (give its parts), and as get_variable
  // does when the scope's reuse does not let the optimizer make its slots. A run is refused with
  // InvalidArgumentError for a variable that is there twice.
  //
  // Slots are made here, the first time that this optimizer meets a variable in a graph, as
  // variables of the graph that are not trained. They have TensorFlow's names: in
  // variable_scope("opt") those of "w" are "opt/w/Adam", "opt/w/Adam_1"; non-slot variables are
  // named in the current name scope: "train/beta1_power". The server has them after
  // global_variables_initializer(), or after the first push that needs them: until then a run that
  // reads one ends with FailedPreconditionError.
  Operation apply_gradients(const GradientsAndVariables& grads_and_vars,
                            const std::optional<Variable>& global_step = {},
                            const std::string& name = "",
                            const SourceLocation& where = std::source_location::current()) const;
  // apply_gradients(compute_gradients(loss, var_list), ...); throws what they throw.
  Operation minimize(const Output& loss, const std::optional<Variable>& global_step = {},
                     const OptionalList<Variable>& var_list = {}, const std::string& name = "",
                     const SourceLocation& where = std::source_location::current()) const;

  // Returns what it keeps in the default graph: first its non-slot variables, then each variable's
  // slots.
  std::vector<Slot> slots() const;
  // Of these the slots of one variable. ValueError when it is undefined.
  std::vector<Slot> slots(const Variable& primary) const;

  // Sets the options of the pushes of apply_gradients calls that follow, and returns *this. Throws
  // ValueError for a number that PushOptions does not allow.
  Optimizer& with(const PushOptions& options);
  const std::string& name() const { return name_; }

 private:
  const internal::OptimizerSlots& SlotsFor(const GradientsAndVariables& updates,
                                           const SourceLocation& where) const;

  std::string type_;
  std::string name_;
  Hyperparameters hyperparameters_;
  PushOptions options_;
  std::shared_ptr<const void> identity_;  // that copies share
};

// These return an optimizer, and throw as its constructor. Arguments, formulas and defaults are
// TensorFlow's (tf.compat.v1.train), but for AdamW and LAMB, which follow their papers. A
// hyperparameter that is absent has the rule's default, which is in the comment. Each may be a
// number or a scalar Output. g is the gradient. A sparse gradient changes the rows that it names
// alone, unless a comment says otherwise.

// variable -= learning_rate * g.
Optimizer GradientDescentOptimizer(const Input& learning_rate,
                                   const std::string& name = "GradientDescent");
// accumulation = momentum * accumulation + g; variable -= learning_rate * accumulation, or with
// Nesterov learning_rate * (g + momentum * accumulation). Sutskever et al. 2013.
Optimizer MomentumOptimizer(const Input& learning_rate, const Input& momentum,
                            bool use_nesterov = false, const std::string& name = "Momentum");

// One that may be left out.
using Hyperparameter = std::optional<Input>;

struct AdagradOptions {
  std::optional<double> initial_accumulator_value = {};  // 0.1
  std::string name = "Adagrad";
};
// Duchi, Hazan, Singer 2011.
Optimizer AdagradOptimizer(const Input& learning_rate, const AdagradOptions& options = {});

struct AdadeltaOptions {
  Hyperparameter rho = {};      // 0.95
  Hyperparameter epsilon = {};  // 1e-8
  std::string name = "Adadelta";
};
// Zeiler 2012 (arXiv 1212.5701). `learning_rate` absent: 0.001.
Optimizer AdadeltaOptimizer(const Hyperparameter& learning_rate = {},
                            const AdadeltaOptions& options = {});

struct AdamOptions {
  Hyperparameter beta1 = {};    // 0.9
  Hyperparameter beta2 = {};    // 0.999
  Hyperparameter epsilon = {};  // 1e-8
  std::string name = "Adam";
};
// Kingma, Ba 2014 (arXiv 1412.6980), in the form before its section 2.1, with "epsilon hat". With a
// sparse gradient all rows move, because their moments decay. `learning_rate` absent: 0.001.
Optimizer AdamOptimizer(const Hyperparameter& learning_rate = {}, const AdamOptions& options = {});

struct RMSPropOptions {
  Hyperparameter decay = {};     // 0.9
  Hyperparameter momentum = {};  // 0
  Hyperparameter epsilon = {};   // 1e-10
  bool centered = false;
  std::string name = "RMSProp";
};
// Tieleman, Hinton 2012; `centered`, which also takes the mean gradient off: Graves 2013 (arXiv
// 1308.0850).
Optimizer RMSPropOptimizer(const Input& learning_rate, const RMSPropOptions& options = {});

struct FtrlOptions {
  Hyperparameter learning_rate_power = {};                   // -0.5
  std::optional<double> initial_accumulator_value = {};      // 0.1
  Hyperparameter l1_regularization_strength = {};            // 0
  Hyperparameter l2_regularization_strength = {};            // 0
  Hyperparameter l2_shrinkage_regularization_strength = {};  // 0
  Hyperparameter beta = {};                                  // 0
  std::string name = "Ftrl";
};
// FTRL-Proximal. McMahan et al. 2013, "Ad Click Prediction: a View from the Trenches", Algorithm 1.
Optimizer FtrlOptimizer(const Input& learning_rate, const FtrlOptions& options = {});

struct AdamWOptions {
  Hyperparameter learning_rate = {};  // 0.001
  Hyperparameter beta1 = {};          // 0.9
  Hyperparameter beta2 = {};          // 0.999
  Hyperparameter epsilon = {};        // 1e-8
  std::string name = "AdamW";
};
// Loshchilov, Hutter 2019 (arXiv 1711.05101), Algorithm 2 with the schedule in the learning rate.
// Rows that a sparse gradient does not name do not decay.
Optimizer AdamWOptimizer(const Input& weight_decay, const AdamWOptions& options = {});

struct LAMBOptions {
  Hyperparameter beta1 = {};         // 0.9
  Hyperparameter beta2 = {};         // 0.999
  Hyperparameter epsilon = {};       // 1e-6
  Hyperparameter weight_decay = {};  // 0
  std::string name = "LAMB";
};
// You et al. 2020 (arXiv 1904.00962), Algorithm 2; a layer is one variable. With a sparse gradient
// all rows move: the others have gradient zero. `learning_rate` absent: 0.001.
Optimizer LAMBOptimizer(const Hyperparameter& learning_rate = {}, const LAMBOptions& options = {});

// Returns the int64 scalar variable "global_step" of the default graph, not trainable, from zero;
// shared by name by all workers, whatever variable scope is open. Adds it to
// GraphKeys::GLOBAL_STEP. Throws what get_variable throws, when it is there as something else too.
// As TensorFlow's.
Variable get_or_create_global_step(const SourceLocation& where = std::source_location::current());

}  // namespace varscope::train

#endif  // VARSCOPE_TRAIN_H_
