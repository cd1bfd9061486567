// Interprets op cases: name, output and gradients of one op on recorded inputs.
#include "tests/conformance/op_calls.h"
#include "tests/conformance/report.h"
#include "tests/conformance/tensors.h"
#include "tests/support/server_process.h"
#include "varscope/varscope.h"

namespace varscope::conformance {
namespace {

// Floating inputs are variables, so that their values travel over the server as a worker's do; the
// others are placeholders.
std::vector<Output> MakeInputs(const Json& recorded, std::vector<Feed>& feeds) {
  std::vector<Output> inputs;
  for (const Json& input : recorded) {
    const Tensor value = ReadTensor(input);
    const std::string name = "input_" + std::to_string(inputs.size());
    if (IsFloating(value.dtype())) {
      inputs.push_back(get_variable(name, {.initializer = Initializer(value)}).value());
    } else {
      inputs.push_back(placeholder(value.dtype(), value.shape(), name));
      feeds.emplace_back(inputs.back(), value);
    }
  }
  return inputs;
}

Output DenseGradient(const Gradient& gradient, const Output& input) {
  if (!gradient.is_sparse()) return gradient.values;
  const int64_t rows = input.shape().dim(0);
  std::vector<int64_t> dims = input.shape().dims();
  dims[0] = -1;
  const Output one_hots = one_hot(gradient.indices, rows);
  const Output values = reshape(gradient.values, {-1, input.shape().num_elements() / rows});
  return reshape(matmul(one_hots, values, true), dims);
}

std::vector<std::string> RunCase(const Json& recorded) {
  std::vector<std::string> differences;
  const auto differ = [&](const std::string& what, const std::string& text) {
    if (!text.empty()) differences.push_back(what + ": " + text);
  };
  std::vector<Feed> feeds;
  const std::vector<Output> inputs = MakeInputs(recorded["inputs"], feeds);
  const Output output = CallOp(recorded["op"], inputs, recorded["attrs"]);
  const std::string expected_name = recorded["name"];
  if (output.op().name() != expected_name) {
    differ("name", "expected " + expected_name + ", got " + output.op().name());
  }
  Session session;
  differ("output", Difference(recorded["output"], session.run(output, feeds)));
  if (!recorded.contains("gradients")) return differences;

  const Output weights = cast(constant(ReadTensor(recorded["weights"])), output.dtype());
  for (const auto& [name, expected] : recorded["gradients"].items()) {
    const Output input = inputs.at(std::stoul(name.substr(name.rfind('_') + 1)));
    const Gradient gradient = gradients({reduce_sum(output * weights)}, {input}).front();
    if (expected.is_null() || !gradient.defined()) {
      if (expected.is_null() != !gradient.defined()) differ(name, "only one side has a gradient");
      continue;
    }
    differ(name, Difference(expected, session.run(DenseGradient(gradient, input), feeds)));
  }
  return differences;
}

}  // namespace

Report RunOps(const Json& recording) {
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
    report.Count(recorded["op"].get<std::string>() + " " + recorded["attrs"].dump(), differences);
  }
  return report;
}

}  // namespace varscope::conformance
