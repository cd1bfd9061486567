#include "tests/conformance/graph_program.h"

#include <array>
#include <atomic>
#include <cstring>
#include <map>
#include <new>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

#include "tests/conformance/op_calls.h"
#include "tests/conformance/tensors.h"
#include "varscope/varscope.h"

namespace varscope::conformance {
namespace {

std::string ClassOf(ErrorCode code) {
  static constexpr std::array<const char*, 16> kNames = {
      "CancelledError",        "UnknownError",           "InvalidArgumentError",
      "DeadlineExceededError", "NotFoundError",          "AlreadyExistsError",
      "PermissionDeniedError", "ResourceExhaustedError", "FailedPreconditionError",
      "AbortedError",          "OutOfRangeError",        "UnimplementedError",
      "InternalError",         "UnavailableError",       "DataLossError",
      "UnauthenticatedError"};
  return kNames.at(static_cast<size_t>(code) - 1);
}

std::string ClassOf(const std::exception& error) {
  if (const auto* const of_run = dynamic_cast<const OpError*>(&error)) {
    return ClassOf(of_run->code());
  }
  if (dynamic_cast<const ValueError*>(&error) != nullptr) return "ValueError";
  if (dynamic_cast<const TypeError*>(&error) != nullptr) return "TypeError";
  if (dynamic_cast<const LookupError*>(&error) != nullptr) return "LookupError";
  if (dynamic_cast<const RuntimeError*>(&error) != nullptr) return "RuntimeError";
  if (dynamic_cast<const std::bad_alloc*>(&error) != nullptr) return "std::bad_alloc";
  return "std::exception";
}

Json ShapeJson(const Shape& shape) {
  return shape.known_rank() ? Json(shape.dims()) : Json(nullptr);
}

Shape StaticShape(const Json& input) {
  if (!input.contains("static")) return Shape(input["shape"].get<std::vector<int64_t>>());
  if (input["static"].is_null()) return Shape::Unknown();
  return Shape(input["static"].get<std::vector<int64_t>>());
}

// The rows added up.
Tensor DenseOf(const Tensor& values, const Tensor& indices, const Shape& shape) {
  Tensor dense(values.dtype(), shape);
  std::memset(dense.mutable_raw(), 0, dense.byte_size());
  if (indices.num_elements() == 0) return dense;
  const int64_t width = values.num_elements() / indices.num_elements();
  VisitGradient(values.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (int64_t i = 0; i < values.num_elements(); ++i) {
      const int64_t n = i / width;
      const int64_t row = indices.dtype() == DType::kInt32 ? indices.data<int32_t>()[n]
                                                           : indices.data<int64_t>()[n];
      dense.mutable_data<T>()[row * width + i % width] += values.data<T>()[i];
    }
  });
  return dense;
}

class Evaluation {
 public:
  explicit Evaluation(const Json& program) : program_(program) {}

  // A section's error ends the program.
  void Run() {
    try {
      Build();
      Section("fetch", "values", [this] { return Values(); });
      Section("gradients", "gradients", [this] { return FirstGradients(); });
      Section("second", "second", [this] { return SecondGradients(); });
      Section("train", "trained", [this] { return Trained(); });
    } catch (const std::exception& error) {
      answer_[section_] = {{"error", ClassOf(error)}, {"message", error.what()}};
    }
  }
  Json answer_ = Json::object();

 private:
  template <typename Fn>
  void Section(const char* asked, const char* section, Fn fn) {
    if (!program_.contains(asked)) return;
    section_ = section;
    answer_[section_] = fn();
  }

  void Build() {
    for (const auto& [name, input] : program_["inputs"].items()) {
      outputs_[name] = MakeInput(name, input);
    }
    for (const Json& op : program_["ops"]) {
      std::vector<Output> inputs;
      for (const Json& name : op["of"]) inputs.push_back(outputs_.at(name));
      outputs_[op["as"]] = CallOp(op["op"], inputs, op["attrs"]);
    }
  }

  Output MakeInput(const std::string& name, const Json& input) {
    const Tensor value = ReadTensor(input);
    const std::string kind = input.value("kind", "placeholder");
    if (kind == "constant") return constant(value, name);
    if (kind == "variable") {
      variables_.emplace_back(name, get_variable(name, {.initializer = Initializer(value)}));
      return variables_.back().second.value();
    }
    const Output output = placeholder(value.dtype(), StaticShape(input), name);
    feeds_.emplace_back(output, value);
    return output;
  }

  Session& session() {
    if (!session_.has_value()) session_.emplace();
    return *session_;
  }

  Json Values() {
    std::vector<Fetch> fetches;
    for (const Json& name : program_["fetch"]) fetches.emplace_back(outputs_.at(name));
    const std::vector<Tensor> values = session().run(fetches, feeds_);
    Json section = Json::object();
    for (size_t i = 0; i < values.size(); ++i) {
      const std::string name = program_["fetch"][i];
      section[name] = TensorJson(values[i]);
      section[name]["static"] = ShapeJson(outputs_.at(name).shape());
    }
    return section;
  }

  // The fetched floats, and what they are weighted with.
  std::vector<Output> Losses() const {
    std::vector<Output> losses;
    for (const Json& name : program_["fetch"]) {
      const Output& output = outputs_.at(name);
      if (IsFloating(output.dtype())) losses.push_back(output);
    }
    return losses;
  }
  std::vector<Output> Weights() const {
    std::vector<Output> weights;
    for (const Json& name : program_["fetch"]) {
      if (!IsFloating(outputs_.at(name).dtype())) continue;
      const bool given = program_.contains("weights") && program_["weights"].contains(name);
      weights.push_back(given ? constant(ReadTensor(program_["weights"][std::string(name)]))
                              : Output());
    }
    return weights;
  }
  std::vector<Output> Targets() const {
    std::vector<Output> targets;
    for (const Json& name : program_["gradients"]) targets.push_back(outputs_.at(name));
    return targets;
  }

  Json FirstGradients() {
    gradients_ = gradients(Losses(), Targets(), Weights());
    return GradientsJson(gradients_);
  }
  Json SecondGradients() {
    std::vector<Output> squares;
    for (const Gradient& gradient : gradients_) {
      if (gradient.defined()) squares.push_back(square(gradient.values));
    }
    return GradientsJson(gradients(squares, Targets()));
  }

  Json GradientsJson(const std::vector<Gradient>& of) {
    std::vector<Fetch> fetches;
    for (const Gradient& gradient : of) {
      if (gradient.defined()) fetches.emplace_back(gradient.values);
      if (gradient.is_sparse()) fetches.emplace_back(gradient.indices);
    }
    const std::vector<Tensor> values = session().run(fetches, feeds_);
    auto next = values.begin();
    Json section = Json::object();
    for (size_t i = 0; i < of.size(); ++i) {
      const std::string name = program_["gradients"][i];
      section[name] = nullptr;
      if (!of[i].defined()) continue;
      Tensor value = *next++;
      if (of[i].is_sparse()) {
        const Json& shape = program_["inputs"][name]["shape"];
        value = DenseOf(value, *next++, Shape(shape.get<std::vector<int64_t>>()));
      }
      section[name] = TensorJson(value);
      section[name]["sparse"] = of[i].is_sparse();
    }
    return section;
  }

  Json Trained() {
    const Json& train = program_["train"];
    train::Optimizer::Hyperparameters hyperparameters;
    for (const auto& [name, value] : train["hyperparameters"].items()) {
      hyperparameters.emplace(name, value.get<double>());
    }
    const std::string type = train["optimizer"];
    const train::Optimizer optimizer(type, type, hyperparameters);
    std::vector<Variable> variables;
    for (const auto& [name, variable] : variables_) variables.push_back(variable);
    const Operation step = optimizer.minimize(reduce_sum(Losses().at(0)), {}, variables);
    for (int i = 0; i < train["steps"].get<int>(); ++i) session().run(step, feeds_);
    Json section = Json::object();
    for (const auto& [name, variable] : variables_) {
      section[name] = TensorJson(session().read(variable.name()));
    }
    return section;
  }

  const Json& program_;
  std::string section_ = "values";
  std::map<std::string, Output> outputs_;
  std::vector<std::pair<std::string, Variable>> variables_;
  std::vector<Feed> feeds_;
  std::vector<Gradient> gradients_;
  std::optional<Session> session_;
};

}  // namespace

Json Evaluate(const Json& program, const std::string& target) {
  // Programs share the server's store.
  static std::atomic<int> programs = 0;
  Graph graph(target);
  const auto use = graph.as_default();
  const variable_scope scope("program" + std::to_string(++programs));
  Evaluation evaluation(program);
  evaluation.Run();
  return std::move(evaluation.answer_);
}

}  // namespace varscope::conformance
