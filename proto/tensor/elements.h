// Elements of any dtype: converted, filled in, checked.
#ifndef VARSCOPE_PROTO_TENSOR_ELEMENTS_H_
#define VARSCOPE_PROTO_TENSOR_ELEMENTS_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "varscope/tensor.h"

namespace varscope {

// Converts `count` elements. A fraction is cut off towards zero for an integer, and what is beyond
// the integer becomes its end, NaN 0; an integer beyond another keeps its lower bits; to a floating
// dtype each is rounded to nearest even, beyond the largest to infinity; true is what is not 0.
void ConvertElements(DType from, const std::byte* elements, DType to, std::byte* converted,
                     int64_t count);

// All elements become `value`, converted as above.
void Fill(Tensor& tensor, double value);

// Elements that other programs made may be anything but this: a bool that is neither 0 nor 1, for
// which C++ has no meaning. True for every other dtype.
bool AreValid(DType dtype, std::span<const std::byte> elements);

}  // namespace varscope

#endif  // VARSCOPE_PROTO_TENSOR_ELEMENTS_H_
