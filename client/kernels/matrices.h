// Matrices in the last two dimensions of tensors, as Eigen sees them.
#ifndef VARSCOPE_CLIENT_KERNELS_MATRICES_H_
#define VARSCOPE_CLIENT_KERNELS_MATRICES_H_

#include <Eigen/Core>
#include <cstdint>

#include "client/kernels/context.h"
#include "client/kernels/elementwise.h"

namespace varscope::internal::kernels {

template <typename T>
using RowMajor = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
template <typename T>
using MatrixMap = Eigen::Map<const RowMajor<T>>;

// How many matrices a tensor has.
inline int64_t MatricesOf(const Shape& shape) {
  int64_t count = 1;
  for (int i = 0; i < shape.rank() - 2; ++i) count *= shape.dim(i);
  return count;
}

// Matrix i of input k.
template <typename T>
MatrixMap<T> MatrixOf(KernelContext& ctx, int k, int64_t i) {
  const Shape& shape = ctx.in_shape(k);
  const int64_t rows = shape.dim(-2);
  const int64_t columns = shape.dim(-1);
  return MatrixMap<T>(ctx.in(k).data<T>() + i * rows * columns, rows, columns);
}

// What run(TypeTag<T>{}) gives for the dtype of output 0, a float.
template <typename Fn>
absl::Status RunFloats(const KernelContext& ctx, Fn run) {
  absl::Status status;
  absl::Status known = VisitComputedFloats(ctx.dtype(), [&](auto tag) { status = run(tag); });
  return known.ok() ? status : known;
}

}  // namespace varscope::internal::kernels

#endif  // VARSCOPE_CLIENT_KERNELS_MATRICES_H_
