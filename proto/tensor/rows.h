// Rows of a tensor by number: slices along its first dimension.
#ifndef VARSCOPE_PROTO_TENSOR_ROWS_H_
#define VARSCOPE_PROTO_TENSOR_ROWS_H_

#include <cstdint>
#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "varscope/tensor.h"

namespace varscope {

// The indices in an int32 or int64 tensor of any shape; InvalidArgument for another dtype.
absl::StatusOr<std::vector<int64_t>> ToIndices(const Tensor& rows);

// Elements of one row of a tensor of that shape, not a scalar's; 0 when there are no rows.
int64_t RowSize(const Shape& tensor);

// InvalidArgument names a row that a tensor of that shape does not have.
absl::Status CheckRows(const Shape& tensor, std::span<const int64_t> rows);

// The shape of `count` rows of a tensor of that shape. InvalidArgument for a scalar's.
absl::StatusOr<Shape> RowsShape(const Shape& tensor, int64_t count);

// Distinct numbers in the order of their first appearance, and which of them each given one is.
struct RowIndex {
  std::vector<int64_t> distinct;
  std::vector<uint32_t> of;
};
RowIndex IndexRows(std::span<const int64_t> rows);

// Copies rows of `from` to `to`, one after the other, in the order of `rows`, which must be within
// [0, from.shape().dim(0)); `to` has room for them.
void CopyRows(const Tensor& from, std::span<const int64_t> rows, Tensor& to);

}  // namespace varscope

#endif  // VARSCOPE_PROTO_TENSOR_ROWS_H_
