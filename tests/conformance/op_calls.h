// From a recorded op's name, inputs and attributes to a call of the client library.
#ifndef VARSCOPE_TESTS_CONFORMANCE_OP_CALLS_H_
#define VARSCOPE_TESTS_CONFORMANCE_OP_CALLS_H_

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "tests/conformance/report.h"
#include "varscope/varscope.h"

namespace varscope::conformance {

// By the name of the op; each is given its inputs and attributes.
using Calls = std::map<std::string, std::function<Output(const std::vector<Output>&, const Json&)>>;

// Of matrix_calls.cc, order_calls.cc and window_calls.cc: parts of what CallOp() knows.
Calls MatrixCalls();
Calls OrderCalls();
Calls WindowCalls();

// Throws std::out_of_range for an op that the library does not have.
Output CallOp(const std::string& op, const std::vector<Output>& inputs, const Json& attrs);

}  // namespace varscope::conformance

#endif  // VARSCOPE_TESTS_CONFORMANCE_OP_CALLS_H_
