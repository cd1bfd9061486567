// Scope programs: every name, error type and message, against a fresh server for each program.
#include "tests/conformance/interpreter.h"
#include "tests/conformance/report.h"
#include "tests/support/server_process.h"
#include "varscope/varscope.h"

namespace varscope::conformance {
namespace {

// Key order says nothing; a recording without a message asks only for the error's type.
bool Agrees(const Json& expected, const Json& actual) {
  nlohmann::json want(expected);
  nlohmann::json got(actual);
  if (want.contains("error") && !want.contains("message")) got.erase("message");
  return want == got;
}

std::vector<std::string> RunProgram(const Json& program) {
  const testing::ServerProcess server;
  Graph graph(server.target());
  const auto use = graph.as_default();
  std::vector<std::string> differences;
  for (const StepResult& result : Interpret(program)) {
    const Json& expected = result.step["expect"];
    if (Agrees(expected, result.actual)) continue;
    differences.push_back(result.step.dump() + "\n    expected " + expected.dump() +
                          "\n    got      " + result.actual.dump());
  }
  return differences;
}

}  // namespace

Report RunScopes(const Json& recording) {
  Report report;
  for (const Json& program : recording["programs"]) {
    std::vector<std::string> differences;
    try {
      differences = RunProgram(program);
    } catch (const std::exception& error) {
      differences = {std::string("stopped: ") + error.what()};
    }
    report.Count("program " + program["id"].dump(), differences);
  }
  return report;
}

}  // namespace varscope::conformance
