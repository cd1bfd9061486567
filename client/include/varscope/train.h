// tf.train: optimizers. The worker computes gradients and pushes them; the server, which keeps the
// slots, applies the update rule.
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

using GradientsAndVariables = std::vector<std::pair<Gradient, Variable>>;

// What one push carries beside its gradients; the server applies it before the update rule.
struct PushOptions {
  double clip_norm = 0;          // over all gradients of the push together; 0: none
  double clip_value = 0;         // each element to [-clip_value, clip_value]; 0: none
  double weight_decay = 0;       // adds weight_decay * variable to dense gradients
  bool allow_nonfinite = false;  // false: a NaN or an infinity refuses the push
};

// A handle; copies are the same optimizer, with the same slots.
class Optimizer {
 public:
  using Hyperparameters = std::map<std::string, Input>;

  // `type` is the server's name of the rule ("Adam"), `name` the end of the slots' names. Those of
  // the rule's hyperparameters that are absent have the server's default. They go with each push,
  // so they may be symbolic (a schedule, a placeholder). Throws ValueError without a name; a `type`
  // that the server does not know is refused at the push.
  Optimizer(std::string type, std::string name, Hyperparameters hyperparameters);

  // Of the graph's trainable variables unless `var_list` is given. ValueError when there is none.
  GradientsAndVariables compute_gradients(const Output& loss,
                                          const OptionalList<Variable>& var_list = {}) const;
  // ValueError when no variable has a gradient, and as get_variable's when the scope's reuse does
  // not let the optimizer make its slots.
  //
  // Slots are named here, the first time that this optimizer meets a variable in a graph, as
  // TensorFlow names them: in variable_scope("opt") those of "w" are "opt/w/Adam", "opt/w/Adam_1".
  // Its non-slot variables are named in the current name scope: "train/beta1_power".
  Operation apply_gradients(const GradientsAndVariables& grads_and_vars,
                            const std::optional<Variable>& global_step = {},
                            const std::string& name = "",
                            const SourceLocation& where = std::source_location::current()) const;
  Operation minimize(const Output& loss, const std::optional<Variable>& global_step = {},
                     const OptionalList<Variable>& var_list = {}, const std::string& name = "",
                     const SourceLocation& where = std::source_location::current()) const;

  Optimizer& with(const PushOptions& options) {
    options_ = options;
    return *this;
  }
  const std::string& name() const { return name_; }

 private:
  const internal::OptimizerSlots& NameSlots(const GradientsAndVariables& updates) const;

  std::string type_;
  std::string name_;
  Hyperparameters hyperparameters_;
  PushOptions options_;
  uint32_t instance_;
  std::shared_ptr<const void> identity_;  // that copies share
};

// Arguments and defaults are TensorFlow's (tf.compat.v1.train). A hyperparameter that is absent has
// the server's default, which is in the comment. Each may be a number or a scalar Output.
Optimizer GradientDescentOptimizer(const Input& learning_rate,
                                   const std::string& name = "GradientDescent");
Optimizer MomentumOptimizer(const Input& learning_rate, const Input& momentum,
                            bool use_nesterov = false, const std::string& name = "Momentum");

using Hyperparameter = std::optional<Input>;

struct AdagradOptions {
  std::optional<double> initial_accumulator_value = {};  // 0.1
  std::string name = "Adagrad";
};
Optimizer AdagradOptimizer(const Input& learning_rate, const AdagradOptions& options = {});

struct AdadeltaOptions {
  Hyperparameter rho = {};      // 0.95
  Hyperparameter epsilon = {};  // 1e-8
  std::string name = "Adadelta";
};
// `learning_rate` absent: 0.001.
Optimizer AdadeltaOptimizer(const Hyperparameter& learning_rate = {},
                            const AdadeltaOptions& options = {});

struct AdamOptions {
  Hyperparameter beta1 = {};    // 0.9
  Hyperparameter beta2 = {};    // 0.999
  Hyperparameter epsilon = {};  // 1e-8
  std::string name = "Adam";
};
// `learning_rate` absent: 0.001.
Optimizer AdamOptimizer(const Hyperparameter& learning_rate = {}, const AdamOptions& options = {});

struct RMSPropOptions {
  Hyperparameter decay = {};     // 0.9
  Hyperparameter momentum = {};  // 0
  Hyperparameter epsilon = {};   // 1e-10
  bool centered = false;
  std::string name = "RMSProp";
};
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
Optimizer FtrlOptimizer(const Input& learning_rate, const FtrlOptions& options = {});

struct AdamWOptions {
  Hyperparameter learning_rate = {};  // 0.001
  Hyperparameter beta1 = {};          // 0.9
  Hyperparameter beta2 = {};          // 0.999
  Hyperparameter epsilon = {};        // 1e-8
  std::string name = "AdamW";
};
// Loshchilov, Hutter 2019 (arXiv 1711.05101).
Optimizer AdamWOptimizer(const Input& weight_decay, const AdamWOptions& options = {});

struct LAMBOptions {
  Hyperparameter beta1 = {};         // 0.9
  Hyperparameter beta2 = {};         // 0.999
  Hyperparameter epsilon = {};       // 1e-6
  Hyperparameter weight_decay = {};  // 0
  std::string name = "LAMB";
};
// You et al. 2020 (arXiv 1904.00962). `learning_rate` absent: 0.001.
Optimizer LAMBOptimizer(const Hyperparameter& learning_rate = {}, const LAMBOptions& options = {});

// The int64 variable "global_step", not trainable, from zero; shared by name by all workers.
Variable get_or_create_global_step(const SourceLocation& where = std::source_location::current());

}  // namespace varscope::train

#endif  // VARSCOPE_TRAIN_H_
