#include "tests/conformance/interpreter.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <optional>
#include <stdexcept>

#include "client/graph/handles.h"
#include "client/graph/node.h"
#include "client/graph/optimizer_state.h"
#include "varscope/varscope.h"

namespace varscope::conformance {
namespace {

// A step refers to something that an earlier, failed step did not make.
struct Missing : std::runtime_error {
  using std::runtime_error::runtime_error;
};

Json ShapeJson(const Shape& shape) { return Json(shape.dims()); }

std::optional<Reuse> ReadReuse(const Json& reuse) {
  if (reuse.is_null()) return std::nullopt;
  if (reuse.is_string()) return AUTO_REUSE;
  return reuse.get<bool>() ? Reuse::kTrue : Reuse::kFalse;
}

Json ReuseJson(Reuse reuse) {
  if (reuse == AUTO_REUSE) return "auto";
  return reuse == Reuse::kTrue;
}

Initializer ReadInitializer(const Json& initializer) {
  if (initializer.is_string()) {
    return initializer == "zeros" ? zeros_initializer() : ones_initializer();
  }
  if (initializer.is_number()) return Initializer(initializer.get<double>());
  const auto values = initializer.get<std::vector<float>>();
  return Initializer(Tensor::Of<float>(Shape{static_cast<int64_t>(values.size())}, values));
}

Json ScopeJson(const VariableScope& scope) {
  return {{"name", scope.name()},
          {"reuse", ReuseJson(scope.reuse())},
          {"original_name_scope", scope.original_name_scope()},
          {"name_scope", Graph::get_default().get_name_scope()},
          {"dtype", std::string(Name(scope.dtype()))}};
}

class Interpreter {
 public:
  void RunBody(const Json& body) {
    for (const Json& step : body) {
      try {
        RunStep(step);
      } catch (const ValueError& error) {
        Note(step, {{"error", "ValueError"}, {"message", error.message()}}, error.detail());
      } catch (const TypeError& error) {
        Note(step, {{"error", "TypeError"}, {"message", error.message()}}, error.detail());
      } catch (const Missing&) {
        Note(step, {{"skipped", true}});
      }
    }
  }

  void NoteCollections(const Json& program) {
    // The recorded lists are without slots, which each op has of its own.
    std::vector<Variable> variables = global_variables();
    std::erase_if(variables,
                  [](const Variable& variable) { return internal::Unwrap(variable)->slot; });
    Note(program, {{"global_variables", Names(variables)},
                   {"trainable_variables", Names(trainable_variables())}});
  }

  std::vector<StepResult> results;

 private:
  static Json Names(const std::vector<Variable>& variables) {
    Json names = Json::array();
    for (const Variable& variable : variables) names.push_back(variable.name());
    return names;
  }

  void Note(const Json& step, Json actual, std::string detail = "") {
    Json shown = step;
    shown.erase("body");
    results.push_back({std::move(shown), std::move(actual), std::move(detail)});
  }

  void RunStep(const Json& step) {
    const std::string op = step["op"];
    if (op == "variable_scope") return RunVariableScope(step);
    if (op == "name_scope") return RunNameScope(step);
    Json actual;
    if (op == "get_variable") actual = RunGetVariable(step);
    if (op == "Variable") actual = RunVariable(step);
    if (op == "add") actual = RunAdd(step);
    if (op == "apply_gradients") actual = RunApplyGradients(step);
    if (op == "constant")
      actual =
          Remember(step, constant(step["value"].get<double>(), float32, step.value("name", "")));
    if (op == "reuse_variables") get_variable_scope().reuse_variables();
    if (op == "reuse_variables" || op == "scope_state") actual = ScopeJson(get_variable_scope());
    Note(step, actual);
  }

  void RunVariableScope(const Json& step) {
    ScopeOptions options;
    options.reuse = ReadReuse(step["reuse"]);
    if (step.contains("dtype")) options.dtype = ParseDType(step["dtype"].get<std::string>());
    if (step.contains("initializer")) options.initializer = ReadInitializer(step["initializer"]);
    options.auxiliary_name_scope = step.value("auxiliary_name_scope", true);
    if (step.contains("scope")) {
      const auto found = scopes_.find(step["scope"]);
      if (found == scopes_.end()) throw Missing(step["scope"]);
      const VariableScope captured = found->second;
      return Inside(step, variable_scope(captured, options));
    }
    if (step["name"].is_null()) {
      return Inside(step, variable_scope::with_default_name(step["default_name"], options));
    }
    Inside(step, variable_scope(step["name"].get<std::string>(), options));
  }

  void Inside(const Json& step, const variable_scope& scope) {
    scopes_.insert_or_assign(step["as"].get<std::string>(), scope.scope());
    Note(step, ScopeJson(scope));
    RunBody(step["body"]);
  }

  void RunNameScope(const Json& step) {
    std::string name = step.contains("name") && step["name"].is_string() ? step["name"] : "";
    if (step.contains("of")) {
      const auto found = name_scopes_.find(step["of"]);
      if (found == name_scopes_.end()) throw Missing(step["of"]);
      name = found->second;
    }
    const name_scope scope(name);
    name_scopes_[step["as"]] = scope.name();
    Note(step, {{"scope", scope.name()}});
    RunBody(step["body"]);
  }

  Json RunGetVariable(const Json& step) {
    GetVariableArgs args;
    if (!step["shape"].is_null()) args.shape = Shape(step["shape"].get<std::vector<int64_t>>());
    if (step.contains("dtype")) args.dtype = ParseDType(step["dtype"].get<std::string>());
    if (step.contains("initializer")) args.initializer = ReadInitializer(step["initializer"]);
    if (step.contains("trainable")) args.trainable = step["trainable"].get<bool>();
    if (step.contains("partitions")) args.partitioner = fixed_size_partitioner(step["partitions"]);
    return Describe(step, get_variable(step["name"].get<std::string>(), args));
  }

  Json RunVariable(const Json& step) {
    const auto value = step["value"].get<std::vector<float>>();
    const Tensor tensor = Tensor::Of<float>(Shape{static_cast<int64_t>(value.size())}, value);
    return Describe(step, Variable(tensor, {.name = step.value("name", "")}));
  }

  Json Describe(const Json& step, const Variable& variable) {
    Json actual = {{"name", variable.name()}};
    if (variable.is_partitioned()) {
      actual["parts"] = Json::array();
      actual["part_shapes"] = Json::array();
      for (const Variable& part : variable.parts()) {
        actual["parts"].push_back(part.name());
        actual["part_shapes"].push_back(ShapeJson(part.shape()));
      }
    } else {
      actual["shape"] = ShapeJson(variable.shape());
      actual["dtype"] = std::string(Name(variable.dtype()));
    }
    // The first of the handles that are the same object.
    for (const auto& [name, earlier] : variables_) {
      if (earlier != variable) continue;
      actual["same_as"] = name;
      break;
    }
    variables_.emplace_back(step["as"], variable);
    return actual;
  }

  Output Operand(const Json& x) const {
    if (x.is_number()) return convert_to_tensor(x.get<float>());
    if (const auto it = outputs_.find(x); it != outputs_.end()) return it->second;
    for (auto it = variables_.rbegin(); it != variables_.rend(); ++it) {
      if (it->first == x) return it->second.value();
    }
    throw Missing(x);
  }

  Json RunAdd(const Json& step) {
    const Output x = Operand(step["x"]);
    if (!step.contains("name")) return Remember(step, x + 1);
    return Remember(step, add(x, constant(1, x.dtype()), step["name"].get<std::string>()));
  }

  train::Optimizer OptimizerOf(const Json& step) {
    if (step.contains("of")) return optimizers_.at(step["of"]);
    const std::string kind = step["optimizer"];
    std::map<std::string, Input> hyperparameters = {{"learning_rate", 0.1}};
    if (kind == "Momentum") hyperparameters.emplace("momentum", 0.9);
    const train::Optimizer optimizer(kind, step.value("name", kind), hyperparameters);
    optimizers_.emplace(step["as"], optimizer);
    return optimizer;
  }

  Json RunApplyGradients(const Json& step) {
    const train::Optimizer optimizer = OptimizerOf(step);
    train::GradientsAndVariables pairs;
    for (const Json& name : step["variables"]) {
      const auto found = std::find_if(variables_.begin(), variables_.end(),
                                      [&](const auto& known) { return known.first == name; });
      if (found == variables_.end()) throw Missing(name);
      for (const Variable& part : found->second.parts()) {
        const auto same = [&](const auto& pair) { return pair.second == part; };
        if (std::any_of(pairs.begin(), pairs.end(), same)) continue;
        const name_scope scope("gradient");
        pairs.emplace_back(Gradient{constant(Zeros(part)), {}}, part);
      }
    }
    const Operation done = optimizer.apply_gradients(pairs);
    const internal::ApplySpec& spec = *internal::Unwrap(done)->control_inputs.front()->apply;
    Json slots = Json::array();
    for (const auto& update : spec.updates) {
      std::vector<std::string> names = internal::SlotNamesOf(*spec.slots, update.variable);
      std::sort(names.begin(), names.end());
      slots.push_back(names);
    }
    return {{"op", done.name()},
            {"slots", slots},
            {"scalars", internal::StateOf(*spec.slots).non_slots}};
  }

  static Tensor Zeros(const Variable& variable) {
    Tensor zeros(variable.dtype(), variable.shape());
    std::memset(zeros.mutable_raw(), 0, zeros.byte_size());
    return zeros;
  }

  Json Remember(const Json& step, const Output& output) {
    outputs_.insert_or_assign(step["as"].get<std::string>(), output);
    return {{"name", output.name()}, {"op", output.op().name()}};
  }

  std::map<std::string, VariableScope> scopes_;
  std::map<std::string, std::string> name_scopes_;
  std::vector<std::pair<std::string, Variable>> variables_;
  std::map<std::string, Output> outputs_;
  std::map<std::string, train::Optimizer> optimizers_;
};

}  // namespace

std::vector<StepResult> Interpret(const Json& program) {
  Interpreter interpreter;
  interpreter.RunBody(program["body"]);
  interpreter.NoteCollections(program);
  return std::move(interpreter.results);
}

}  // namespace varscope::conformance
