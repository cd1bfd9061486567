#include "proto/optimizers/sparse.h"

#include <algorithm>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"

namespace varscope::optimizers {
namespace {

// Distinct rows in the order of their first appearance, and which of them each given row is.
struct RowIndex {
  std::vector<int64_t> distinct;
  std::vector<uint32_t> of;
};

absl::StatusOr<RowIndex> IndexRows(int64_t row_count, const std::vector<int64_t>& rows) {
  RowIndex index;
  index.of.reserve(rows.size());
  absl::flat_hash_map<int64_t, uint32_t> position;
  position.reserve(rows.size());
  for (const int64_t row : rows) {
    if (row < 0 || row >= row_count) {
      return absl::OutOfRangeError(absl::StrCat("row ", row, " is not in [0, ", row_count, ")"));
    }
    const auto next = static_cast<uint32_t>(index.distinct.size());
    const auto [it, fresh] = position.try_emplace(row, next);
    if (fresh) index.distinct.push_back(row);
    index.of.push_back(it->second);
  }
  return index;
}

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
  absl::StatusOr<RowIndex> index = IndexRows(variable.dim(0), rows);
  if (!index.ok()) return index.status();
  if (index->distinct.size() == rows.size()) return absl::OkStatus();
  std::vector<int64_t> dims = variable.dims();
  dims[0] = static_cast<int64_t>(index->distinct.size());
  absl::StatusOr<Tensor> sums = Tensor::TryAllocate(gradient.dtype(), Shape(dims));
  if (!sums.ok()) return sums.status();
  if (gradient.dtype() == DType::kFloat32) {
    AddRows(*index, RowSize(variable), gradient.data<float>(), sums->mutable_data<float>());
  } else {
    AddRows(*index, RowSize(variable), gradient.data<double>(), sums->mutable_data<double>());
  }
  rows = std::move(index->distinct);
  gradient = *std::move(sums);
  return absl::OkStatus();
}

}  // namespace varscope::optimizers
