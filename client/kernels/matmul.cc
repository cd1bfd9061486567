#define EIGEN_USE_THREADS
#include "client/kernels/matmul.h"

#include <algorithm>
#include <unsupported/Eigen/CXX11/Tensor>

#include "absl/status/status.h"
#include "client/kernels/elementwise.h"
#include "client/kernels/kernels.h"

namespace varscope::internal {
namespace {

template <typename T>
void Contract(Device& device, const MatMulArgs<T>& x) {
  if (x.m == 0 || x.n == 0) return;
  if (x.k == 0) {
    std::fill(x.c, x.c + x.m * x.n, T{0});
    return;
  }
  using Matrix = Eigen::Tensor<T, 2, Eigen::RowMajor>;
  const auto dims = [](bool transposed, int64_t rows, int64_t columns) {
    return transposed ? Eigen::array<Eigen::Index, 2>{columns, rows}
                      : Eigen::array<Eigen::Index, 2>{rows, columns};
  };
  const Eigen::TensorMap<const Matrix> a(x.a, dims(x.transpose_a, x.m, x.k));
  const Eigen::TensorMap<const Matrix> b(x.b, dims(x.transpose_b, x.k, x.n));
  Eigen::TensorMap<Matrix> c(x.c, x.m, x.n);
  const Eigen::array<Eigen::IndexPair<Eigen::Index>, 1> over = {
      Eigen::IndexPair<Eigen::Index>(x.transpose_a ? 0 : 1, x.transpose_b ? 1 : 0)};
  c.device(device.eigen()) = a.contract(b, over);
}

template <typename T>
void Batched(KernelContext& ctx, const MatMulArgs<T>& one, int64_t batch, Tensor& out) {
  for (int64_t i = 0; i < batch; ++i) {
    MatMulArgs<T> args = one;
    args.a = ctx.in(0).data<T>() + i * one.m * one.k;
    args.b = ctx.in(1).data<T>() + i * one.k * one.n;
    args.c = out.mutable_data<T>() + i * one.m * one.n;
    MatMulInto(ctx.device, args);
  }
}

}  // namespace

void MatMulInto(Device& device, const MatMulArgs<float>& args) { Contract(device, args); }
void MatMulInto(Device& device, const MatMulArgs<double>& args) { Contract(device, args); }

namespace kernels {

absl::Status MatMul(KernelContext& ctx) {
  const Shape& a = ctx.in(0).shape();
  const Shape& b = ctx.in(1).shape();
  const bool ta = ctx.attrs.flag("transpose_a");
  const bool tb = ctx.attrs.flag("transpose_b");
  const int64_t m = a.dim(ta ? -1 : -2);
  const int64_t k = a.dim(ta ? -2 : -1);
  const int64_t n = b.dim(tb ? -2 : -1);
  Tensor& out = ctx.Allocate();
  int64_t batch = 1;
  for (int i = 0; i < a.rank() - 2; ++i) batch *= a.dim(i);
  if (ctx.in(0).dtype() == DType::kFloat32) {
    Batched<float>(ctx, {nullptr, nullptr, nullptr, m, n, k, ta, tb}, batch, out);
  } else if (ctx.in(0).dtype() == DType::kFloat64) {
    Batched<double>(ctx, {nullptr, nullptr, nullptr, m, n, k, ta, tb}, batch, out);
  } else {
    return UnsupportedDType(ctx.in(0).dtype());
  }
  return absl::OkStatus();
}

}  // namespace kernels
}  // namespace varscope::internal
