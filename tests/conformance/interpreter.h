// Interprets scope programs (the format of scopes.json) with the client library.
#ifndef VARSCOPE_TESTS_CONFORMANCE_INTERPRETER_H_
#define VARSCOPE_TESTS_CONFORMANCE_INTERPRETER_H_

#include <string>
#include <vector>

#include "tests/conformance/report.h"

namespace varscope::conformance {

struct StepResult {
  Json step;           // without its body
  Json actual;         // what a recording would have under "expect"
  std::string detail;  // of an error: who created what
};

// Runs a program's body in the default graph, step by step; errors are results too. The last result
// is the program's own: its collections.
std::vector<StepResult> Interpret(const Json& program);

}  // namespace varscope::conformance

#endif  // VARSCOPE_TESTS_CONFORMANCE_INTERPRETER_H_
