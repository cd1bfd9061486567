#include "proto/optimizers/sparse.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "proto/optimizers/optimizer.h"

namespace varscope::optimizers {
namespace {

template <typename T>
absl::Status SumRowsOf(const Shape& variable, std::vector<int64_t>& rows, Tensor& gradient) {
  const std::span<const T> given = gradient.values<T>();
  std::vector<T> values(given.begin(), given.end());
  absl::Status status = SumDuplicateRows(variable.dim(0), RowSize(variable), rows, values);
  if (!status.ok()) return status;
  std::vector<int64_t> dims = variable.dims();
  dims[0] = static_cast<int64_t>(rows.size());
  gradient = Tensor::Of<T>(Shape(dims), values);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<int64_t>> ReadRows(const Tensor& rows) {
  std::vector<int64_t> out(rows.num_elements());
  if (rows.shape().rank() == 1 && rows.dtype() == DType::kInt32) {
    std::copy_n(rows.data<int32_t>(), out.size(), out.begin());
    return out;
  }
  if (rows.shape().rank() == 1 && rows.dtype() == DType::kInt64) {
    std::copy_n(rows.data<int64_t>(), out.size(), out.begin());
    return out;
  }
  return absl::InvalidArgumentError(absl::StrCat("row numbers are ", Name(rows.dtype()), " ",
                                                 rows.shape().ToString(),
                                                 ", not an int32 or int64 vector"));
}

int64_t RowSize(const Shape& variable) {
  const int64_t rows = variable.dim(0);
  return rows == 0 ? 0 : variable.num_elements() / rows;
}

absl::Status SumRows(const Shape& variable, std::vector<int64_t>& rows, Tensor& gradient) {
  return gradient.dtype() == DType::kFloat32 ? SumRowsOf<float>(variable, rows, gradient)
                                             : SumRowsOf<double>(variable, rows, gradient);
}

}  // namespace varscope::optimizers
