// Inverses, determinants, factors and solutions of matrices, by Eigen.
#include <Eigen/Cholesky>
#include <Eigen/LU>
#include <new>

#include "absl/status/status.h"
#include "client/kernels/elementwise.h"
#include "client/kernels/kernels.h"

namespace varscope::internal::kernels {
namespace {

template <typename T>
using RowMajor = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
template <typename T>
using MatrixMap = Eigen::Map<const RowMajor<T>>;

// How many matrices a tensor has.
int64_t MatricesOf(const Shape& shape) {
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

// Calls each(i, output i), of matrices or scalars, for each matrix of input 0; it says whether
// there is a result.
template <typename T, typename Fn>
absl::Status ForMatrices(KernelContext& ctx, int64_t size, const char* otherwise, Fn each) try {
  Tensor& out = ctx.Allocate();
  T* const to = out.mutable_data<T>();
  for (int64_t i = 0; i < MatricesOf(ctx.in_shape(0)); ++i) {
    if (!each(i, to + i * size)) return absl::InvalidArgumentError(otherwise);
  }
  return absl::OkStatus();
} catch (const std::bad_alloc&) {
  return absl::ResourceExhaustedError("no memory for a copy of a matrix");
}

constexpr const char* kNotInvertible = "Input is not invertible.";

template <typename T>
bool IsInvertible(const Eigen::PartialPivLU<RowMajor<T>>& lu) {
  return (lu.matrixLU().diagonal().array().abs() > T{0}).all();
}

template <typename T>
absl::Status Inverse(KernelContext& ctx) {
  const int64_t n = ctx.shape().dim(-1);
  return ForMatrices<T>(ctx, n * n, kNotInvertible, [&](int64_t i, T* to) {
    if (n == 0) return true;
    const Eigen::PartialPivLU<RowMajor<T>> lu(MatrixOf<T>(ctx, 0, i));
    if (!IsInvertible(lu)) return false;
    Eigen::Map<RowMajor<T>>(to, n, n) = lu.inverse();
    return true;
  });
}

template <typename T>
absl::Status Determinant(KernelContext& ctx) {
  return ForMatrices<T>(ctx, 1, kNotInvertible, [&](int64_t i, T* to) {
    const MatrixMap<T> matrix = MatrixOf<T>(ctx, 0, i);
    *to = matrix.size() == 0 ? T{1} : Eigen::PartialPivLU<RowMajor<T>>(matrix).determinant();
    return true;
  });
}

template <typename T>
absl::Status Factor(KernelContext& ctx) {
  const int64_t n = ctx.shape().dim(-1);
  return ForMatrices<T>(ctx, n * n,
                        "Cholesky decomposition was not successful. The input might not be valid.",
                        [&](int64_t i, T* to) {
                          if (n == 0) return true;
                          const Eigen::LLT<RowMajor<T>> llt(MatrixOf<T>(ctx, 0, i));
                          Eigen::Map<RowMajor<T>>(to, n, n) = llt.matrixL();
                          return llt.info() == Eigen::Success;
                        });
}

template <typename T>
absl::Status Solution(KernelContext& ctx) {
  const int64_t n = ctx.shape().dim(-2);
  const int64_t columns = ctx.shape().dim(-1);
  const bool adjoint = ctx.attrs.flag("adjoint");
  return ForMatrices<T>(ctx, n * columns, kNotInvertible, [&](int64_t i, T* to) {
    if (n == 0 || columns == 0) return true;
    const MatrixMap<T> matrix = MatrixOf<T>(ctx, 0, i);
    const Eigen::PartialPivLU<RowMajor<T>> lu(adjoint ? RowMajor<T>(matrix.transpose())
                                                      : RowMajor<T>(matrix));
    if (!IsInvertible(lu)) return false;
    Eigen::Map<RowMajor<T>>(to, n, columns) = lu.solve(MatrixOf<T>(ctx, 1, i));
    return true;
  });
}

// What run(TypeTag<T>{}) gives for the dtype.
template <typename Fn>
absl::Status RunFloats(const KernelContext& ctx, Fn run) {
  absl::Status status;
  absl::Status known = VisitComputedFloats(ctx.dtype(), [&](auto tag) { status = run(tag); });
  return known.ok() ? status : known;
}

}  // namespace

absl::Status MatrixInverse(KernelContext& ctx) {
  return RunFloats(ctx, [&](auto tag) { return Inverse<typename decltype(tag)::type>(ctx); });
}
absl::Status MatrixDeterminant(KernelContext& ctx) {
  return RunFloats(ctx, [&](auto tag) { return Determinant<typename decltype(tag)::type>(ctx); });
}
absl::Status Cholesky(KernelContext& ctx) {
  return RunFloats(ctx, [&](auto tag) { return Factor<typename decltype(tag)::type>(ctx); });
}
absl::Status MatrixSolve(KernelContext& ctx) {
  return RunFloats(ctx, [&](auto tag) { return Solution<typename decltype(tag)::type>(ctx); });
}

}  // namespace varscope::internal::kernels
