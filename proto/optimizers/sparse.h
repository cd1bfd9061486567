// Sparse gradients as tensors, before an update rule.
#ifndef VARSCOPE_PROTO_OPTIMIZERS_SPARSE_H_
#define VARSCOPE_PROTO_OPTIMIZERS_SPARSE_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "varscope/tensor.h"

namespace varscope::optimizers {

// Sums the rows of a float32 or float64 gradient, one for each of `rows`, that name the same row,
// in the order of their first appearance, as TensorFlow does. On success `rows` is distinct and
// `gradient` has as many rows; what was distinct stays. InvalidArgument for another dtype, or when
// the gradient's rows are not as many as `rows`; ResourceExhausted without memory.
absl::Status SumRows(std::vector<int64_t>& rows, Tensor& gradient);

}  // namespace varscope::optimizers

#endif  // VARSCOPE_PROTO_OPTIMIZERS_SPARSE_H_
