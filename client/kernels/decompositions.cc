// Eigenvalues of symmetric matrices, singular values and QR, by Eigen, as TensorFlow's.
#include <Eigen/Eigenvalues>
#include <Eigen/QR>
#include <Eigen/SVD>
#include <limits>
#include <new>
#include <vector>

#include "absl/status/status.h"
#include "client/kernels/kernels.h"
#include "client/kernels/matrices.h"

namespace varscope::internal::kernels {
namespace {

// Matrix i of output k.
template <typename T>
Eigen::Map<RowMajor<T>> OutputOf(Tensor& out, int64_t i) {
  const int64_t rows = out.shape().dim(-2);
  const int64_t columns = out.shape().dim(-1);
  return {out.mutable_data<T>() + i * rows * columns, rows, columns};
}
// Vector i of output k.
template <typename T>
Eigen::Map<Eigen::Matrix<T, Eigen::Dynamic, 1>> VectorOf(Tensor& out, int64_t i) {
  const int64_t n = out.shape().dim(-1);
  return {out.mutable_data<T>() + i * n, n};
}

// Calls each(matrix, its number, outputs) for each matrix of input 0, until it gives an error.
template <typename T, typename Fn>
absl::Status Decompose(KernelContext& ctx, Fn each) try {
  std::vector<Tensor*> outputs;
  for (int i = 0; i < ctx.num_outputs(); ++i) outputs.push_back(&ctx.Allocate(i));
  for (int64_t i = 0; i < MatricesOf(ctx.in_shape(0)); ++i) {
    if (absl::Status s = each(MatrixOf<T>(ctx, 0, i), i, outputs); !s.ok()) return s;
  }
  return absl::OkStatus();
} catch (const std::bad_alloc&) {
  return absl::ResourceExhaustedError("no memory for a decomposition");
}

template <typename T>
absl::Status Eigenvalues(KernelContext& ctx) {
  return Decompose<T>(ctx, [](const MatrixMap<T>& matrix, int64_t i, auto& outputs) {
    if (matrix.size() == 0) return absl::OkStatus();
    const bool vectors = outputs.size() > 1;
    const Eigen::SelfAdjointEigenSolver<RowMajor<T>> found(
        matrix, vectors ? Eigen::ComputeEigenvectors : Eigen::EigenvaluesOnly);
    if (found.info() != Eigen::Success) {
      return absl::InvalidArgumentError(
          "Self-adjoint eigen decomposition was not successful. The input might not be valid.");
    }
    VectorOf<T>(*outputs[0], i) = found.eigenvalues();
    if (vectors) OutputOf<T>(*outputs[1], i) = found.eigenvectors();
    return absl::OkStatus();
  });
}

template <typename T>
absl::Status SingularValues(KernelContext& ctx) {
  const bool full = ctx.attrs.flag("full_matrices");
  return Decompose<T>(ctx, [full](const MatrixMap<T>& matrix, int64_t i, auto& outputs) {
    const bool vectors = outputs.size() > 1;
    if (matrix.size() == 0) {
      for (size_t k = 1; k < outputs.size(); ++k) OutputOf<T>(*outputs[k], i).setIdentity();
      return absl::OkStatus();
    }
    if (!matrix.allFinite()) {
      VectorOf<T>(*outputs[0], i).setConstant(std::numeric_limits<T>::quiet_NaN());
      for (size_t k = 1; k < outputs.size(); ++k) {
        OutputOf<T>(*outputs[k], i).setConstant(std::numeric_limits<T>::quiet_NaN());
      }
      return absl::OkStatus();
    }
    unsigned options = 0;
    if (vectors) {
      options = full ? Eigen::ComputeFullU | Eigen::ComputeFullV
                     : Eigen::ComputeThinU | Eigen::ComputeThinV;
    }
    const Eigen::BDCSVD<RowMajor<T>> svd(matrix, options);
    VectorOf<T>(*outputs[0], i) = svd.singularValues();
    if (!vectors) return absl::OkStatus();
    OutputOf<T>(*outputs[1], i) = svd.matrixU();
    OutputOf<T>(*outputs[2], i) = svd.matrixV();
    return absl::OkStatus();
  });
}

template <typename T>
absl::Status OrthogonalTriangular(KernelContext& ctx) {
  return Decompose<T>(ctx, [](const MatrixMap<T>& matrix, int64_t i, auto& outputs) {
    auto q = OutputOf<T>(*outputs[0], i);
    auto r = OutputOf<T>(*outputs[1], i);
    q.setIdentity();
    r.setZero();
    if (matrix.size() == 0) return absl::OkStatus();
    const Eigen::HouseholderQR<RowMajor<T>> qr(matrix);
    const RowMajor<T> identity = q;
    q = qr.householderQ() * identity;
    r = qr.matrixQR().topRows(r.rows()).template triangularView<Eigen::Upper>();
    return absl::OkStatus();
  });
}

}  // namespace

absl::Status SelfAdjointEig(KernelContext& ctx) {
  return RunFloats(ctx, [&](auto tag) { return Eigenvalues<typename decltype(tag)::type>(ctx); });
}
absl::Status Svd(KernelContext& ctx) {
  return RunFloats(ctx,
                   [&](auto tag) { return SingularValues<typename decltype(tag)::type>(ctx); });
}
absl::Status Qr(KernelContext& ctx) {
  return RunFloats(
      ctx, [&](auto tag) { return OrthogonalTriangular<typename decltype(tag)::type>(ctx); });
}

}  // namespace varscope::internal::kernels
