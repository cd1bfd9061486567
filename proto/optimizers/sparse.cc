#include "proto/optimizers/sparse.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "proto/memory/memory_account.h"
#include "proto/tensor/allocate.h"
#include "proto/tensor/rows.h"

namespace varscope::optimizers {
namespace {

// What IndexRows can count.
constexpr size_t kMostRows = UINT32_MAX;

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
  if (!TakesGradients(gradient.dtype())) {
    return absl::InvalidArgumentError(
        absl::StrCat("a sparse gradient is float32 or float64, not ", Name(gradient.dtype())));
  }
  const bool one_for_each =
      gradient.shape().rank() > 0 && gradient.shape().dim(0) == static_cast<int64_t>(rows.size());
  if (!one_for_each) {
    return absl::InvalidArgumentError(absl::StrCat("a sparse gradient of shape ",
                                                   gradient.shape().ToString(), " comes with ",
                                                   rows.size(), " indices, expected one a row"));
  }
  if (rows.size() > kMostRows) {
    return absl::InvalidArgumentError(
        absl::StrCat(rows.size(), " rows in one gradient, at most ", kMostRows));
  }
  // Its two lists and its table, which is half empty: more than a row of few elements.
  constexpr uint64_t kIndexBytes = 64;
  const absl::StatusOr<MemoryAccount::Hold> held =
      MemoryAccount::Process().Reserve(kIndexBytes * rows.size());
  if (!held.ok()) return held.status();
  RowIndex index = IndexRows(rows);
  if (index.distinct.size() == rows.size()) return absl::OkStatus();
  const absl::StatusOr<Shape> shape =
      RowsShape(gradient.shape(), static_cast<int64_t>(index.distinct.size()));
  if (!shape.ok()) return shape.status();
  absl::StatusOr<Tensor> sums = TryAllocate(gradient.dtype(), *shape);
  if (!sums.ok()) return sums.status();
  VisitGradient(gradient.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    AddRows(index, RowSize(gradient.shape()), gradient.data<T>(), sums->mutable_data<T>());
  });
  rows = std::move(index.distinct);
  gradient = *std::move(sums);
  return absl::OkStatus();
}

}  // namespace varscope::optimizers
