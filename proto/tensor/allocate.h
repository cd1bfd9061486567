// Memory for tensors whose sizes came from outside.
#ifndef VARSCOPE_PROTO_TENSOR_ALLOCATE_H_
#define VARSCOPE_PROTO_TENSOR_ALLOCATE_H_

#include "absl/status/statusor.h"
#include "varscope/tensor.h"

namespace varscope {

// A tensor of uninitialized bytes. InvalidArgument for a shape that has no size, ResourceExhausted
// without memory.
absl::StatusOr<Tensor> TryAllocate(DType dtype, const Shape& shape);

// The same whatever --memory-limit is: for the values of a state that was, which no limit of now
// refuses.
absl::StatusOr<Tensor> AllocateAnyway(DType dtype, const Shape& shape);

// Gives `tensor` bytes of its own: a copy when others share them. ResourceExhausted, with `tensor`
// as it was, without memory.
absl::Status TryMakeUnique(Tensor& tensor);

}  // namespace varscope

#endif  // VARSCOPE_PROTO_TENSOR_ALLOCATE_H_
