// Interprets optimizer runs: the variable, its slots and the non-slot variables after each step.
#include "tests/conformance/report.h"
#include "tests/conformance/tensors.h"
#include "tests/support/server_process.h"
#include "varscope/varscope.h"

namespace varscope::conformance {
namespace {

// "AdamOptimizer" is the server's "Adam"; every recorded argument goes with the push by its name.
train::Optimizer MakeOptimizer(const Json& recorded) {
  std::string type = recorded["optimizer"];
  type = type.substr(0, type.rfind("Optimizer"));
  train::Optimizer::Hyperparameters hyperparameters;
  for (const auto& [name, value] : recorded["hyperparameters"].items()) {
    const double number =
        value.is_boolean() ? (value.get<bool>() ? 1.0 : 0.0) : value.get<double>();
    hyperparameters.emplace(name, number);
  }
  return train::Optimizer(type, type, hyperparameters);
}

Tensor Values(const Json& data, const Shape& shape) {
  return Tensor::Of<float>(shape, data.get<std::vector<float>>());
}

std::vector<std::string> RunCase(const Json& recorded) {
  const Shape shape(recorded["shape"].get<std::vector<int64_t>>());
  const Variable w =
      get_variable("model/w", {.initializer = Initializer(Values(recorded["start"], shape))});
  std::vector<int64_t> rows_shape = shape.dims();
  rows_shape[0] = -1;
  Gradient gradient{placeholder(float32, Shape(rows_shape), "gradient"), {}};
  if (recorded["sparse"].get<bool>()) gradient.indices = placeholder(int64, Shape{-1}, "rows");
  const Operation train = MakeOptimizer(recorded).apply_gradients({{gradient, w}});

  std::vector<std::string> differences;
  Session session;
  int number = 0;
  for (const Json& step : recorded["steps"]) {
    ++number;
    std::vector<int64_t> dims = shape.dims();
    std::vector<Feed> feeds;
    if (gradient.is_sparse()) {
      const auto rows = step["rows"].get<std::vector<int64_t>>();
      dims[0] = static_cast<int64_t>(rows.size());
      feeds.emplace_back(gradient.indices, Tensor::Of<int64_t>(Shape{dims[0]}, rows));
    }
    feeds.emplace_back(gradient.values, Values(step["gradient"], Shape(dims)));
    session.run(train, feeds);
    for (const auto& [name, expected] : step["after"].items()) {
      // A slot is a variable like any other: another graph reads it by its name.
      const std::string difference = Difference(expected, session.read(name));
      if (!difference.empty()) {
        differences.push_back("step " + std::to_string(number) + ", " + name + ": " + difference);
      }
    }
  }
  return differences;
}

}  // namespace

Report RunOptimizers(const Json& recording) {
  Report report;
  for (const Json& recorded : recording["cases"]) {
    const testing::ServerProcess server;
    Graph graph(server.target());
    const auto use = graph.as_default();
    std::vector<std::string> differences;
    try {
      differences = RunCase(recorded);
    } catch (const std::exception& error) {
      differences = {std::string("stopped: ") + error.what()};
    }
    report.Count(recorded["optimizer"].get<std::string>() + (recorded["sparse"] ? " sparse" : ""),
                 differences);
  }
  return report;
}

}  // namespace varscope::conformance
