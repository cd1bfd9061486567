// Inverses, determinants, factors and solutions of matrices, by Eigen.
#include <Eigen/Cholesky>
#include <Eigen/LU>
#include <algorithm>
#include <new>

#include "absl/status/status.h"
#include "client/kernels/kernels.h"
#include "client/kernels/matrices.h"

namespace varscope::internal::kernels {
namespace {

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
  const bool adjoint = ctx.attrs.flag("adjoint");
  return ForMatrices<T>(ctx, n * n, kNotInvertible, [&](int64_t i, T* to) {
    if (n == 0) return true;
    const MatrixMap<T> matrix = MatrixOf<T>(ctx, 0, i);
    const Eigen::PartialPivLU<RowMajor<T>> lu(adjoint ? RowMajor<T>(matrix.transpose())
                                                      : RowMajor<T>(matrix));
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

// Moves the band alone: elements of any dtype.
template <typename T>
void CopyBand(KernelContext& ctx, Tensor& out) {
  const int64_t rows = ctx.shape().dim(-2);
  const int64_t columns = ctx.shape().dim(-1);
  const int64_t lower = ctx.attrs.integer("lower");
  const int64_t upper = ctx.attrs.integer("upper");
  const T* const from = ctx.in(0).data<T>();
  T* const to = out.mutable_data<T>();
  for (int64_t row = 0; row < MatricesOf(ctx.shape()) * rows; ++row) {
    const int64_t at = row % rows;
    const int64_t first = lower < 0 ? 0 : std::clamp<int64_t>(at - std::min(lower, at), 0, columns);
    const int64_t end =
        upper < 0 || at >= columns ? columns : at + 1 + std::min(upper, columns - at - 1);
    T* const line = to + row * columns;
    std::fill(line, line + columns, T{0});
    if (first < end)
      std::copy(from + row * columns + first, from + row * columns + end, line + first);
  }
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

absl::Status MatrixBandPart(KernelContext& ctx) {
  const std::pair<const char*, int64_t> sides[] = {{"lower", ctx.shape().dim(-2)},
                                                   {"upper", ctx.shape().dim(-1)}};
  for (const auto& [side, size] : sides) {
    if (ctx.attrs.integer(side) <= size) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("num_", side, " must be negative or at most the size of the matrices, ", size,
                     ", got ", ctx.attrs.integer(side)));
  }
  Tensor& out = ctx.Allocate();
  VisitSize(out.dtype(), [&](auto tag) { CopyBand<typename decltype(tag)::type>(ctx, out); });
  return absl::OkStatus();
}

}  // namespace varscope::internal::kernels
