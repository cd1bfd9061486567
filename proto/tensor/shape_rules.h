// What is computed from shapes that came from outside, with errors.
#ifndef VARSCOPE_PROTO_TENSOR_SHAPE_RULES_H_
#define VARSCOPE_PROTO_TENSOR_SHAPE_RULES_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "varscope/dtype.h"
#include "varscope/shape.h"

namespace varscope {

// The bytes that a tensor of this dtype and shape takes. InvalidArgument when the shape is not
// fully defined, has a negative dimension, more than kMaxRank of them, or a product that does not
// fit in 63 bits. Never allocates.
absl::StatusOr<uint64_t> ByteSize(DType dtype, const Shape& shape);

// NumPy broadcasting, unknown dimensions included; nothing when the shapes do not fit.
absl::StatusOr<Shape> Broadcast(const Shape& a, const Shape& b);

}  // namespace varscope

#endif  // VARSCOPE_PROTO_TENSOR_SHAPE_RULES_H_
