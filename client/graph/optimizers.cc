#include <cmath>
#include <limits>
#include <variant>

#include "absl/strings/str_cat.h"
#include "client/graph/creation.h"
#include "client/graph/fits.h"
#include "client/graph/handles.h"
#include "client/graph/ops/build.h"
#include "client/graph/optimizer_slots.h"
#include "proto/optimizers/clip.h"
#include "proto/optimizers/optimizer.h"
#include "varscope/collections.h"
#include "varscope/errors.h"
#include "varscope/ops.h"
#include "varscope/train.h"

namespace varscope::train {
namespace {

using internal::GraphState;
using internal::Unwrap;
using internal::Wrap;

std::vector<Variable> Parts(const std::vector<Variable>& variables) {
  std::vector<Variable> parts;
  for (const Variable& variable : variables) {
    for (const Variable& part : variable.parts()) parts.push_back(part);
  }
  return parts;
}

Input Flag(bool value) { return Input(value ? 1.0 : 0.0); }

double Real(const Number& number) {
  return std::visit([](auto value) { return static_cast<double>(value); }, number.value());
}

// A number is what TensorFlow makes of it, a float32, whatever the variables are; one that float32
// does not have, for its size, stays. What slots begin with has the variables' dtype.
Input AsTensorFlowRounds(const std::string& name, const Input& value) {
  if (value.number() == nullptr || name == "initial_accumulator_value") return value;
  const double number = Real(*value.number());
  if (!(std::abs(number) <= std::numeric_limits<float>::max())) return value;
  const auto rounded = static_cast<double>(static_cast<float>(number));
  return rounded == 0 ? value : Input(rounded);
}

// The number that it is; nothing for what a run computes.
std::optional<double> KnownNumber(const std::string& name, const Input& value) {
  const Input rounded = AsTensorFlowRounds(name, value);
  if (rounded.number() != nullptr) return Real(*rounded.number());
  const Tensor* tensor = rounded.tensor();
  if (const Output* const output = rounded.output()) {
    const internal::Node& node = *Unwrap(*output).node;
    if (node.def->name == "Const") tensor = &node.attrs.tensor("value");
  }
  if (tensor == nullptr || tensor->num_elements() != 1) return std::nullopt;
  return internal::CastTensor(*tensor, DType::kFloat64).scalar<double>();
}

// What slots are made with. No slot depends on what a run computes: in its place is the rule's
// default, or a number that every rule takes.
std::map<std::string, double> KnownNumbers(const std::string& type,
                                           const Optimizer::Hyperparameters& given) {
  constexpr double kTakenByAll = 0.5;
  std::map<std::string, double> numbers;
  for (const auto& [name, value] : given) {
    if (const auto number = KnownNumber(name, value)) numbers.emplace(name, *number);
  }
  const optimizers::Optimizer* const rule = optimizers::FindOptimizer(type);
  if (rule == nullptr) return numbers;
  for (const optimizers::HyperparameterDef& def : rule->hyperparameters) {
    const bool has_default = !std::isnan(def.default_value);
    numbers.try_emplace(std::string(def.name), has_default ? def.default_value : kTakenByAll);
  }
  return numbers;
}

// With the defaults of what the program did not give. What has no default, the server refuses.
Optimizer::Hyperparameters WithDefaults(const std::string& type,
                                        Optimizer::Hyperparameters hyperparameters) {
  const optimizers::Optimizer* const rule = optimizers::FindOptimizer(type);
  if (rule == nullptr) return hyperparameters;
  for (const optimizers::HyperparameterDef& def : rule->hyperparameters) {
    if (!std::isnan(def.default_value)) {
      hyperparameters.try_emplace(std::string(def.name), def.default_value);
    }
  }
  return hyperparameters;
}

// With TensorFlow's text, but for the dtypes.
void CheckTrainable(const Variable& variable) {
  if (TakesGradients(variable.dtype())) return;
  throw ValueError(absl::StrCat("Invalid type tf.", Name(variable.dtype()), " for ",
                                variable.name(), ", expected: [tf.float32, tf.float64]."));
}

// A variable is read when the optimizer runs, after what control_dependencies say.
Output AsOfNow(const Output& value) {
  const internal::NodeOutput own = Unwrap(value);
  internal::VariableState* const variable = own.node->variable;
  return variable != nullptr && own == variable->read ? Wrap(variable).value() : value;
}

void AppendSlots(const internal::Slots& slots, const Variable& primary, std::vector<Slot>& all) {
  for (const internal::Slot& slot : slots) {
    all.push_back({primary, slot.variable->slot->state, Wrap(slot.variable)});
  }
}

}  // namespace

Optimizer::Optimizer(std::string type, std::string name, Hyperparameters hyperparameters)
    : type_(std::move(type)),
      name_(std::move(name)),
      hyperparameters_(WithDefaults(type_, std::move(hyperparameters))),
      identity_(std::make_shared<char>()) {
  if (name_.empty()) throw ValueError("Must specify the optimizer name");
}

Optimizer& Optimizer::with(const PushOptions& options) {
  const absl::Status clip = optimizers::CheckClip(options.clip_value, options.clip_norm);
  if (!clip.ok()) throw ValueError(absl::StrCat(name_, ": ", clip.message()));
  if (!std::isfinite(options.weight_decay)) {
    throw ValueError(absl::StrCat(name_, ": weight_decay is ", options.weight_decay,
                                  ", expected a finite number"));
  }
  options_ = options;
  return *this;
}

GradientsAndVariables Optimizer::compute_gradients(const Output& loss,
                                                   const OptionalList<Variable>& var_list) const {
  const std::vector<Variable> variables =
      Parts(var_list.given() ? *var_list : trainable_variables());
  if (variables.empty()) throw ValueError("No variables to optimize.");
  const std::vector<Gradient> grads = gradients({loss}, variables);
  GradientsAndVariables result;
  for (size_t i = 0; i < variables.size(); ++i) result.emplace_back(grads[i], variables[i]);
  return result;
}

Operation Optimizer::apply_gradients(const GradientsAndVariables& grads_and_vars,
                                     const std::optional<Variable>& global_step,
                                     const std::string& name, const SourceLocation& where) const {
  if (grads_and_vars.empty()) throw ValueError("No variables provided.");
  GraphState& graph = internal::Current();
  GradientsAndVariables updates;
  for (const auto& [gradient, variable] : grads_and_vars) {
    if (!gradient.defined()) continue;
    graph.Own(variable);
    internal::CheckWhole(variable, "trained");
    CheckTrainable(variable);
    internal::CheckFits(variable, gradient.values, gradient.indices, "apply a gradient to");
    updates.emplace_back(gradient, variable);
  }
  if (updates.empty()) {
    throw ValueError(
        "No gradients provided for any variable, check your graph for ops that do not "
        "support gradients.");
  }
  auto spec = std::make_shared<internal::ApplySpec>();
  spec->optimizer = type_;
  spec->slot_name = name_;
  spec->slots = &SlotsFor(updates, where);
  spec->clip_norm = options_.clip_norm;
  spec->clip_value = options_.clip_value;
  spec->weight_decay = options_.weight_decay;
  spec->allow_nonfinite = options_.allow_nonfinite;
  spec->creator = internal::CreatorAt(where);
  const internal::NameScopeGuard scope(graph, name.empty() ? name_ : name);
  std::vector<Output> inputs;
  for (const auto& [key, value] : hyperparameters_) {
    spec->hyperparameters.push_back(key);
    const Input rounded = AsTensorFlowRounds(key, value);
    inputs.push_back(AsOfNow(internal::ToOutput(rounded, key, DType::kFloat64)));
  }
  for (const auto& [gradient, variable] : updates) {
    const bool fed = Unwrap(gradient.values).node->def->name == "Placeholder";
    spec->updates.push_back({Unwrap(variable), gradient.is_sparse(), fed});
    inputs.push_back(gradient.values);
    if (gradient.is_sparse()) inputs.push_back(gradient.indices);
  }
  internal::Node* const node = graph.AddNode({.op = "ApplyGradients",
                                              .name = scope.name() + "update/",
                                              .inputs = std::move(inputs),
                                              .apply = spec});
  std::vector<internal::Node*> done = {node};
  if (global_step) {
    done.push_back(Unwrap(global_step->assign_add(1, scope.name() + "AssignAdd/")).node);
  }
  Operation train =
      Wrap(graph.AddNode({.op = "NoOp", .name = scope.name(), .control_inputs = std::move(done)}));
  add_to_collection(GraphKeys::TRAIN_OP, train);
  return train;
}

const internal::OptimizerSlots& Optimizer::SlotsFor(const GradientsAndVariables& updates,
                                                    const SourceLocation& where) const {
  GraphState& graph = internal::Current();
  internal::OptimizerSlots& optimizer = graph.slots_of(identity_, name_);
  const auto is_new = [&optimizer] {
    const MutexLock lock(optimizer.mutex);
    return optimizer.variables.empty();
  };
  if (is_new()) {
    optimizer.optimizer = type_;
    optimizer.hyperparameters = KnownNumbers(type_, hyperparameters_);
    optimizer.creator = internal::CreatorAt(where);
  }
  std::vector<const internal::VariableState*> variables;
  for (const auto& [gradient, variable] : updates) variables.push_back(Unwrap(variable));
  internal::AddSlots(graph, optimizer, variables);
  return optimizer;
}

std::vector<Slot> Optimizer::slots() const {
  std::vector<Slot> all;
  const internal::OptimizerSlots* const kept = internal::Current().FindSlotsOf(identity_);
  if (kept == nullptr) return all;
  const MutexLock lock(kept->mutex);
  for (internal::VariableState* variable : kept->non_slots) {
    all.push_back({Variable(), variable->slot->state, Wrap(variable)});
  }
  for (const internal::VariableState* variable : kept->variables) {
    AppendSlots(kept->by_variable.at(variable),
                Wrap(const_cast<internal::VariableState*>(variable)), all);
  }
  return all;
}

std::vector<Slot> Optimizer::slots(const Variable& primary) const {
  std::vector<Slot> all;
  const internal::VariableState* const variable = Unwrap(primary);
  const internal::OptimizerSlots* const kept = internal::Current().FindSlotsOf(identity_);
  if (kept == nullptr) return all;
  const MutexLock lock(kept->mutex);
  const auto found = kept->by_variable.find(variable);
  if (found != kept->by_variable.end()) AppendSlots(found->second, primary, all);
  return all;
}

Operation Optimizer::minimize(const Output& loss, const std::optional<Variable>& global_step,
                              const OptionalList<Variable>& var_list, const std::string& name,
                              const SourceLocation& where) const {
  return apply_gradients(compute_gradients(loss, var_list), global_step, name, where);
}

namespace {

// The hyperparameters that a program gives.
Optimizer::Hyperparameters Given(
    std::initializer_list<std::pair<const char*, Hyperparameter>> hyperparameters) {
  Optimizer::Hyperparameters given;
  for (const auto& [name, value] : hyperparameters) {
    if (value) given.emplace(name, *value);
  }
  return given;
}

Hyperparameter Number(const std::optional<double>& number) {
  return number ? Hyperparameter(*number) : std::nullopt;
}

}  // namespace

Optimizer GradientDescentOptimizer(const Input& learning_rate, const std::string& name) {
  return Optimizer("GradientDescent", name, {{"learning_rate", learning_rate}});
}
Optimizer MomentumOptimizer(const Input& learning_rate, const Input& momentum, bool use_nesterov,
                            const std::string& name) {
  return Optimizer("Momentum", name,
                   {{"learning_rate", learning_rate},
                    {"momentum", momentum},
                    {"use_nesterov", Flag(use_nesterov)}});
}
Optimizer AdagradOptimizer(const Input& learning_rate, const AdagradOptions& options) {
  return Optimizer(
      "Adagrad", options.name,
      Given({{"learning_rate", learning_rate},
             {"initial_accumulator_value", Number(options.initial_accumulator_value)}}));
}
Optimizer AdadeltaOptimizer(const Hyperparameter& learning_rate, const AdadeltaOptions& options) {
  return Optimizer(
      "Adadelta", options.name,
      Given(
          {{"learning_rate", learning_rate}, {"rho", options.rho}, {"epsilon", options.epsilon}}));
}
Optimizer AdamOptimizer(const Hyperparameter& learning_rate, const AdamOptions& options) {
  return Optimizer("Adam", options.name,
                   Given({{"learning_rate", learning_rate},
                          {"beta1", options.beta1},
                          {"beta2", options.beta2},
                          {"epsilon", options.epsilon}}));
}
Optimizer RMSPropOptimizer(const Input& learning_rate, const RMSPropOptions& options) {
  return Optimizer("RMSProp", options.name,
                   Given({{"learning_rate", learning_rate},
                          {"decay", options.decay},
                          {"momentum", options.momentum},
                          {"epsilon", options.epsilon},
                          {"centered", Flag(options.centered)}}));
}
Optimizer FtrlOptimizer(const Input& learning_rate, const FtrlOptions& options) {
  return Optimizer(
      "Ftrl", options.name,
      Given({{"learning_rate", learning_rate},
             {"learning_rate_power", options.learning_rate_power},
             {"initial_accumulator_value", Number(options.initial_accumulator_value)},
             {"l1_regularization_strength", options.l1_regularization_strength},
             {"l2_regularization_strength", options.l2_regularization_strength},
             {"l2_shrinkage_regularization_strength", options.l2_shrinkage_regularization_strength},
             {"beta", options.beta}}));
}
Optimizer AdamWOptimizer(const Input& weight_decay, const AdamWOptions& options) {
  return Optimizer("AdamW", options.name,
                   Given({{"learning_rate", options.learning_rate},
                          {"beta1", options.beta1},
                          {"beta2", options.beta2},
                          {"epsilon", options.epsilon},
                          {"weight_decay", weight_decay}}));
}
Optimizer LAMBOptimizer(const Hyperparameter& learning_rate, const LAMBOptions& options) {
  return Optimizer("LAMB", options.name,
                   Given({{"learning_rate", learning_rate},
                          {"beta1", options.beta1},
                          {"beta2", options.beta2},
                          {"epsilon", options.epsilon},
                          {"weight_decay", options.weight_decay}}));
}

Variable get_or_create_global_step(const SourceLocation& where) {
  const variable_scope root(Wrap(std::make_shared<internal::ScopeState>()));
  Variable step = get_variable("global_step",
                               {.shape = Shape{},
                                .dtype = DType::kInt64,
                                .initializer = zeros_initializer(),
                                .trainable = false,
                                .reuse = AUTO_REUSE},
                               where);
  if (get_collection(GraphKeys::GLOBAL_STEP).empty()) {
    add_to_collection(GraphKeys::GLOBAL_STEP, step);
  }
  return step;
}

}  // namespace varscope::train
