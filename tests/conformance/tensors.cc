#include "tests/conformance/tensors.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"

namespace varscope::conformance {
namespace {

constexpr double kRelative = 1e-5;
// float32 rounding leaves about 1e-7 of each summand, whatever cancels afterwards; the tensor's
// largest element (1 when all are smaller) stands for the summands.
constexpr double kOfTheLargest = 1e-6;

double Number(const Json& value) {
  if (value.is_boolean()) return value.get<bool>() ? 1 : 0;
  return value.get<double>();
}

bool Near(double expected, double actual, double largest) {
  if (std::isnan(expected) || std::isinf(expected)) {
    return std::isnan(expected) ? std::isnan(actual) : expected == actual;
  }
  return std::abs(expected - actual) <= kOfTheLargest * largest + kRelative * std::abs(expected);
}

double Largest(const Json& data) {
  double largest = 1;
  for (const Json& value : data) {
    if (std::isfinite(Number(value))) largest = std::max(largest, std::abs(Number(value)));
  }
  return largest;
}

Shape ReadShape(const Json& shape) { return Shape(shape.get<std::vector<int64_t>>()); }

}  // namespace

Tensor ReadTensor(const Json& recorded) {
  const DType dtype = ParseDType(recorded["dtype"].get<std::string>()).value();
  Tensor tensor(dtype, ReadShape(recorded["shape"]));
  VisitDType(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (int64_t i = 0; i < tensor.num_elements(); ++i) {
      tensor.mutable_data<T>()[i] = static_cast<T>(Number(recorded["data"][i]));
    }
  });
  return tensor;
}

std::string Difference(const Json& recorded, const Tensor& actual) {
  const std::string dtype = recorded.value("dtype", "float32");
  if (dtype != Name(actual.dtype())) {
    return absl::StrCat("expected ", dtype, ", got ", Name(actual.dtype()));
  }
  const Shape shape = ReadShape(recorded["shape"]);
  if (!(shape == actual.shape())) {
    return absl::StrCat("expected shape ", shape.ToString(), ", got ", actual.shape().ToString());
  }
  std::string difference;
  const double largest = Largest(recorded["data"]);
  VisitDType(actual.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (int64_t i = 0; i < actual.num_elements() && difference.empty(); ++i) {
      const double expected = Number(recorded["data"][i]);
      const auto got = static_cast<double>(actual.data<T>()[i]);
      if (!Near(expected, got, largest)) {
        difference = absl::StrCat("element ", i, ": expected ", expected, ", got ", got);
      }
    }
  });
  return difference;
}

}  // namespace varscope::conformance
