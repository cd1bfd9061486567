// Recorded tensors, and how near two must be.
#ifndef VARSCOPE_TESTS_CONFORMANCE_TENSORS_H_
#define VARSCOPE_TESTS_CONFORMANCE_TENSORS_H_

#include <optional>
#include <string>

#include "tests/conformance/report.h"
#include "varscope/tensor.h"

namespace varscope::conformance {

// {dtype, shape, data}; data is flat.
Tensor ReadTensor(const Json& recorded);

// Empty when dtype and shape are equal and each element is within 1e-5 of itself plus 1e-6 of the
// tensor's largest of the recorded one; else what differs first.
std::string Difference(const Json& recorded, const Tensor& actual);

}  // namespace varscope::conformance

#endif  // VARSCOPE_TESTS_CONFORMANCE_TENSORS_H_
