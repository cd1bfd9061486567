#include "tests/conformance/tensors.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>

#include "absl/strings/str_cat.h"

namespace varscope::conformance {
namespace {

constexpr double kRelative = 1e-5;
// float32 rounding leaves about 1e-7 of each summand, whatever cancels afterwards; the tensor's
// largest element (1 when all are smaller) stands for the summands.
constexpr double kOfTheLargest = 1e-6;

double Number(const Json& value) {
  if (value.is_boolean()) return value.get<bool>() ? 1 : 0;
  if (value == "nan") return std::numeric_limits<double>::quiet_NaN();
  if (value == "inf") return std::numeric_limits<double>::infinity();
  if (value == "-inf") return -std::numeric_limits<double>::infinity();
  return value.get<double>();
}

// Integers of 64 bits do not fit into a double.
template <typename T>
T Element(const Json& value) {
  if constexpr (std::is_same_v<T, int64_t>) {
    if (value.is_number()) return value.get<int64_t>();
  }
  return static_cast<T>(Number(value));
}

template <typename T>
Json ElementJson(T element) {
  if constexpr (IsFloating(kDTypeOf<T>)) {
    const auto number = static_cast<double>(element);
    if (std::isnan(number)) return "nan";
    if (std::isinf(number)) return number > 0 ? "inf" : "-inf";
    return number;
  } else {
    return element;
  }
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
      tensor.mutable_data<T>()[i] = Element<T>(recorded["data"][i]);
    }
  });
  return tensor;
}

Json TensorJson(const Tensor& tensor) {
  Json data = Json::array();
  VisitDType(tensor.dtype(), [&](auto tag) {
    for (const auto element : tensor.values<typename decltype(tag)::type>()) {
      data.push_back(ElementJson(element));
    }
  });
  return {{"dtype", Name(tensor.dtype())}, {"shape", tensor.shape().dims()}, {"data", data}};
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
      const Json& expected = recorded["data"][i];
      const T got = actual.data<T>()[i];
      const bool same = IsFloating(actual.dtype())
                            ? Near(Number(expected), static_cast<double>(got), largest)
                            : Element<T>(expected) == got;
      if (!same) {
        difference = absl::StrCat("element ", i, ": expected ", expected.dump(), ", got ",
                                  ElementJson(got).dump());
      }
    }
  });
  return difference;
}

}  // namespace varscope::conformance
