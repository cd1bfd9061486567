// From a recorded op's name, inputs and attributes to a call of the client library.
#ifndef VARSCOPE_TESTS_CONFORMANCE_OP_CALLS_H_
#define VARSCOPE_TESTS_CONFORMANCE_OP_CALLS_H_

#include <string>
#include <vector>

#include "tests/conformance/report.h"
#include "varscope/varscope.h"

namespace varscope::conformance {

// Throws std::out_of_range for an op that the library does not have.
Output CallOp(const std::string& op, const std::vector<Output>& inputs, const Json& attrs);

}  // namespace varscope::conformance

#endif  // VARSCOPE_TESTS_CONFORMANCE_OP_CALLS_H_
