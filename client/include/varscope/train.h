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

  // `type` is the server's name of the rule ("Adam"), `name` the end of the slots' names.
  // ValueError without a name. Hyperparameters go with each push, so they may be symbolic (a
  // schedule, a placeholder).
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

// Arguments and defaults are TensorFlow's (tf.compat.v1.train).
Optimizer GradientDescentOptimizer(const Input& learning_rate,
                                   const std::string& name = "GradientDescent");
Optimizer MomentumOptimizer(const Input& learning_rate, const Input& momentum,
                            bool use_nesterov = false, const std::string& name = "Momentum");
Optimizer AdagradOptimizer(const Input& learning_rate, double initial_accumulator_value = 0.1,
                           const std::string& name = "Adagrad");
Optimizer AdadeltaOptimizer(const Input& learning_rate = 0.001, const Input& rho = 0.95,
                            const Input& epsilon = 1e-8, const std::string& name = "Adadelta");
Optimizer AdamOptimizer(const Input& learning_rate = 0.001, const Input& beta1 = 0.9,
                        const Input& beta2 = 0.999, const Input& epsilon = 1e-8,
                        const std::string& name = "Adam");
Optimizer RMSPropOptimizer(const Input& learning_rate, const Input& decay = 0.9,
                           const Input& momentum = 0.0, const Input& epsilon = 1e-10,
                           bool centered = false, const std::string& name = "RMSProp");
Optimizer FtrlOptimizer(const Input& learning_rate, const Input& learning_rate_power = -0.5,
                        double initial_accumulator_value = 0.1,
                        const Input& l1_regularization_strength = 0.0,
                        const Input& l2_regularization_strength = 0.0,
                        const std::string& name = "Ftrl",
                        const Input& l2_shrinkage_regularization_strength = 0.0,
                        const Input& beta = 0.0);
// Loshchilov, Hutter 2019 (arXiv 1711.05101).
Optimizer AdamWOptimizer(const Input& weight_decay, const Input& learning_rate = 0.001,
                         const Input& beta1 = 0.9, const Input& beta2 = 0.999,
                         const Input& epsilon = 1e-8, const std::string& name = "AdamW");
// You et al. 2020 (arXiv 1904.00962).
Optimizer LAMBOptimizer(const Input& learning_rate = 0.001, const Input& beta1 = 0.9,
                        const Input& beta2 = 0.999, const Input& epsilon = 1e-6,
                        const Input& weight_decay = 0.0, const std::string& name = "LAMB");

// The int64 variable "global_step", not trainable, from zero; shared by name by all workers.
Variable get_or_create_global_step(const SourceLocation& where = std::source_location::current());

}  // namespace varscope::train

#endif  // VARSCOPE_TRAIN_H_
