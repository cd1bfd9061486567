// Tensors of every dtype.
#ifndef VARSCOPE_TESTS_SUPPORT_TENSORS_H_
#define VARSCOPE_TESTS_SUPPORT_TENSORS_H_

#include <cstring>
#include <random>
#include <utility>
#include <vector>

#include "varscope/tensor.h"

namespace varscope::testing {

inline std::vector<DType> AllDTypes() {
  std::vector<DType> all;
  for (const DTypeInfo& info : kDTypes) all.push_back(info.dtype);
  return all;
}

inline Tensor Zeros(DType dtype, Shape shape) {
  Tensor tensor(dtype, std::move(shape));
  std::memset(tensor.mutable_raw(), 0, tensor.byte_size());
  return tensor;
}

// Of any bits that the dtype has, without NaN and infinity unless `nonfinite`.
inline Tensor RandomBits(DType dtype, Shape shape, std::mt19937& random, bool nonfinite = false) {
  Tensor tensor(dtype, std::move(shape));
  const size_t size = SizeOf(dtype);
  for (size_t at = 0; at < tensor.byte_size(); at += size) {
    std::byte* const element = tensor.mutable_raw() + at;
    do {
      for (size_t i = 0; i < size; ++i) element[i] = static_cast<std::byte>(random());
      if (dtype == DType::kBool) *element &= std::byte{1};
    } while (!nonfinite && !AllFinite(dtype, {element, size}));
  }
  return tensor;
}

}  // namespace varscope::testing

#endif  // VARSCOPE_TESTS_SUPPORT_TENSORS_H_
