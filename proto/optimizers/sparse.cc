#include "proto/optimizers/sparse.h"

#include <algorithm>

#include "proto/core/allocate.h"
#include "proto/core/rows.h"

namespace varscope::optimizers {
namespace {

template <typename T>
void AddRows(const RowIndex& index, int64_t row_size, const T* from, T* to) {
  uint32_t filled = 0;
  for (const uint32_t at : index.of) {
    T* const sum = to + at * row_size;
    if (at == filled) {
      std::copy_n(from, row_size, sum);
      ++filled;
    } else {
      for (int64_t k = 0; k < row_size; ++k) sum[k] += from[k];
    }
    from += row_size;
  }
}

}  // namespace

absl::Status SumRows(std::vector<int64_t>& rows, Tensor& gradient) {
  RowIndex index = IndexRows(rows);
  if (index.distinct.size() == rows.size()) return absl::OkStatus();
  const absl::StatusOr<Shape> shape =
      RowsShape(gradient.shape(), static_cast<int64_t>(index.distinct.size()));
  if (!shape.ok()) return shape.status();
  absl::StatusOr<Tensor> sums = TryAllocate(gradient.dtype(), *shape);
  if (!sums.ok()) return sums.status();
  if (gradient.dtype() == DType::kFloat32) {
    AddRows(index, RowSize(gradient.shape()), gradient.data<float>(), sums->mutable_data<float>());
  } else {
    AddRows(index, RowSize(gradient.shape()), gradient.data<double>(),
            sums->mutable_data<double>());
  }
  rows = std::move(index.distinct);
  gradient = *std::move(sums);
  return absl::OkStatus();
}

}  // namespace varscope::optimizers
