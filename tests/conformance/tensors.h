// Recorded tensors, and how near two must be.
#ifndef VARSCOPE_TESTS_CONFORMANCE_TENSORS_H_
#define VARSCOPE_TESTS_CONFORMANCE_TENSORS_H_

#include <optional>
#include <string>

#include "tests/conformance/report.h"
#include "varscope/tensor.h"

namespace varscope::conformance {

// {dtype, shape, data}; data is flat. What JSON has no number for is "nan", "inf" or "-inf".
Tensor ReadTensor(const Json& recorded);
Json TensorJson(const Tensor& tensor);

// Empty when dtype and shape are equal and each element is, of integers and bools, the recorded
// one, of floats within 1e-5 of itself plus 1e-6 of the tensor's largest of it; else what differs
// first.
std::string Difference(const Json& recorded, const Tensor& actual);

}  // namespace varscope::conformance

#endif  // VARSCOPE_TESTS_CONFORMANCE_TENSORS_H_
