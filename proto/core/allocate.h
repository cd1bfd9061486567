// Memory for tensors whose sizes came from outside.
#ifndef VARSCOPE_PROTO_CORE_ALLOCATE_H_
#define VARSCOPE_PROTO_CORE_ALLOCATE_H_

#include "absl/status/statusor.h"
#include "varscope/tensor.h"

namespace varscope {

// A tensor of uninitialized bytes. InvalidArgument for a shape that has no size, ResourceExhausted
// without memory.
absl::StatusOr<Tensor> TryAllocate(DType dtype, const Shape& shape);

}  // namespace varscope

#endif  // VARSCOPE_PROTO_CORE_ALLOCATE_H_
