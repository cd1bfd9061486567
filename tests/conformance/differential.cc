// Graph programs that tests/differential drew, and TensorFlow's answers to them.
#include <set>

#include "tests/conformance/graph_program.h"
#include "tests/conformance/report.h"
#include "tests/conformance/tensors.h"
#include "tests/support/server_process.h"

namespace varscope::conformance {
namespace {

// What is wrong is a ValueError where the graph is built, an InvalidArgumentError in a run.
bool SameError(const Json& expected, const Json& actual) {
  const std::set<std::string> wrong = {"ValueError", "InvalidArgumentError"};
  if (!actual.contains("error")) return false;
  return expected["error"] == actual["error"] ||
         (wrong.contains(expected["error"]) && wrong.contains(actual["error"]));
}

std::string SectionDifference(const Json& expected, const Json& actual) {
  if (expected.contains("error")) {
    return SameError(expected, actual) ? "" : "expected " + expected["error"].dump();
  }
  if (actual.contains("error")) return "refused: " + actual.dump();
  for (const auto& [name, tensor] : expected.items()) {
    if (tensor.is_null() != actual[name].is_null()) return name + ": only one side has a gradient";
    if (tensor.is_null()) continue;
    if (tensor.value("sparse", false) != actual[name].value("sparse", false)) {
      return name + ": only one side is sparse";
    }
    const std::string difference = Difference(tensor, ReadTensor(actual[name]));
    if (!difference.empty()) return name + ": " + difference;
  }
  return "";
}

std::vector<std::string> Differences(const Json& expected, const Json& actual) {
  for (const auto& [section, answer] : expected.items()) {
    const std::string text = actual.contains(section) ? SectionDifference(answer, actual[section])
                                                      : "missing in " + actual.dump();
    if (!text.empty()) return {section + ": " + text};
  }
  return {};
}

}  // namespace

Report RunDifferential(const Json& recording) {
  Report report;
  const testing::ServerProcess server;
  for (const Json& recorded : recording["cases"]) {
    const Json& program = recorded["program"];
    const Json actual = Evaluate(program, server.target());
    report.Count(program.dump(), Differences(recorded["answer"], actual));
  }
  return report;
}

}  // namespace varscope::conformance
