#include <cstring>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "client/kernels/elementwise.h"
#include "client/kernels/kernels.h"
#include "proto/tensor/elements.h"
#include "proto/tensor/rows.h"

namespace varscope::internal::kernels {

absl::StatusOr<std::vector<int64_t>> RowsBelow(const Tensor& indices, int64_t count) {
  absl::StatusOr<std::vector<int64_t>> rows = ToIndices(indices);
  if (!rows.ok()) return rows;
  for (size_t i = 0; i < rows->size(); ++i) {
    const int64_t row = (*rows)[i];
    if (row >= 0 && row < count) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("indices[", i, "] = ", row, " is not in [0, ", count, ")"));
  }
  return rows;
}

absl::Status Gather(KernelContext& ctx) {
  const Tensor& params = ctx.in(0);
  const Tensor& indices = ctx.in(1);
  const int64_t count = params.shape().dim(0);
  const absl::StatusOr<std::vector<int64_t>> rows = RowsBelow(indices, count);
  if (!rows.ok()) return rows.status();
  Tensor& out = ctx.Allocate();
  CopyRows(params, *rows, out);
  return absl::OkStatus();
}

// (values, indices, x): zeros like x with the rows added in.
absl::Status SumRowsLike(KernelContext& ctx) {
  const Tensor& values = ctx.in(0);
  const Shape& shape = ctx.shape();
  const absl::StatusOr<std::vector<int64_t>> rows = RowsBelow(ctx.in(1), shape.dim(0));
  if (!rows.ok()) return rows.status();
  Tensor& out = ctx.Allocate();
  std::memset(out.mutable_raw(), 0, out.byte_size());
  const int64_t width = RowSize(shape);
  return VisitComputedFloats(values.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (size_t i = 0; i < rows->size(); ++i) {
      T* const to = out.mutable_data<T>() + (*rows)[i] * width;
      const T* const from = values.data<T>() + i * width;
      for (int64_t k = 0; k < width; ++k) to[k] += from[k];
    }
  });
}

// A number outside [0, depth) gives a row of zeros.
absl::Status OneHot(KernelContext& ctx) {
  const absl::StatusOr<std::vector<int64_t>> rows = ToIndices(ctx.in(0));
  if (!rows.ok()) return rows.status();
  const int64_t depth = ctx.attrs.integer("depth");
  Tensor& out = ctx.Allocate();
  std::memset(out.mutable_raw(), 0, out.byte_size());
  Tensor one(out.dtype(), Shape{});
  Fill(one, 1);
  VisitSize(out.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (size_t i = 0; i < rows->size(); ++i) {
      const int64_t row = (*rows)[i];
      if (row >= 0 && row < depth) out.mutable_data<T>()[i * depth + row] = one.scalar<T>();
    }
  });
  return absl::OkStatus();
}

}  // namespace varscope::internal::kernels
