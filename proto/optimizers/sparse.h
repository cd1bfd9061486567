// Sparse gradients as tensors, before an update rule.
#ifndef VARSCOPE_PROTO_OPTIMIZERS_SPARSE_H_
#define VARSCOPE_PROTO_OPTIMIZERS_SPARSE_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "proto/core/tensor.h"

namespace varscope::optimizers {

// InvalidArgument unless `rows` is a vector of int32 or int64.
absl::StatusOr<std::vector<int64_t>> ReadRows(const Tensor& rows);

// Elements of one row of a variable of that shape, not a scalar's; 0 when there are no rows.
int64_t RowSize(const Shape& variable);

// SumDuplicateRows (optimizer.h) for a float32 or float64 gradient of a variable of that shape: on
// success `rows` is distinct, and `gradient` a tensor of its own with as many rows.
absl::Status SumRows(const Shape& variable, std::vector<int64_t>& rows, Tensor& gradient);

}  // namespace varscope::optimizers

#endif  // VARSCOPE_PROTO_OPTIMIZERS_SPARSE_H_
