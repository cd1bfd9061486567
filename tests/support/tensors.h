// Tensors of every dtype.
#ifndef VARSCOPE_TESTS_SUPPORT_TENSORS_H_
#define VARSCOPE_TESTS_SUPPORT_TENSORS_H_

#include <cstring>
#include <utility>

#include "varscope/tensor.h"

namespace varscope::testing {

inline constexpr DType kDTypes[] = {DType::kFloat32, DType::kFloat64, DType::kInt32,
                                    DType::kInt64,   DType::kBool,    DType::kUint8};

inline Tensor Zeros(DType dtype, Shape shape) {
  Tensor tensor(dtype, std::move(shape));
  std::memset(tensor.mutable_raw(), 0, tensor.byte_size());
  return tensor;
}

}  // namespace varscope::testing

#endif  // VARSCOPE_TESTS_SUPPORT_TENSORS_H_
