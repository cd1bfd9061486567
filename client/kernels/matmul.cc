#include "client/kernels/matmul.h"

#include <dnnl.h>

#include <Eigen/Core>
#include <algorithm>
#include <atomic>
#include <new>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "client/kernels/elementwise.h"
#include "client/kernels/kernels.h"
#include "client/kernels/one_thread.h"

namespace varscope::internal {
namespace {

// False: no memory.
bool Multiply(const MatMulArgs<float>& x, int64_t ld_a, int64_t ld_b, int64_t ld_c) {
  const OneThread one;
  return dnnl_sgemm(x.transpose_a ? 'T' : 'N', x.transpose_b ? 'T' : 'N', x.m, x.n, x.k, 1, x.a,
                    ld_a, x.b, ld_b, 0, x.c, ld_c) == dnnl_success;
}

using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Stride = Eigen::OuterStride<>;
using ConstMap = Eigen::Map<const Matrix, Eigen::Unaligned, Stride>;

// oneDNN has no product of doubles. Neither is transposed.
bool Multiply(const MatMulArgs<double>& x, int64_t ld_a, int64_t ld_b, int64_t ld_c) try {
  Eigen::Map<Matrix, Eigen::Unaligned, Stride>(x.c, x.m, x.n, Stride(ld_c)).noalias() =
      ConstMap(x.a, x.m, x.k, Stride(ld_a)) * ConstMap(x.b, x.k, x.n, Stride(ld_b));
  return true;
} catch (const std::bad_alloc&) {
  return false;
}

// Below this many multiplications another thread is not awake in time.
constexpr int64_t kParallel = int64_t{1} << 17;
// Rows or columns that a thread takes at least: what a kernel computes at once.
constexpr int64_t kLeast = 16;

template <typename T>
absl::Status NoMemory(const MatMulArgs<T>& x) {
  return absl::ResourceExhaustedError(absl::StrCat("no memory for a product of ", x.m, " x ", x.k,
                                                   " and ", x.k, " x ", x.n, " elements"));
}

template <typename T>
absl::Status Product(Device& device, const MatMulArgs<T>& x) {
  if (x.m == 0 || x.n == 0) return absl::OkStatus();
  if (x.k == 0) {
    std::fill(x.c, x.c + x.m * x.n, T{0});
    return absl::OkStatus();
  }
  const int64_t ld_a = x.transpose_a ? x.m : x.k;
  const int64_t ld_b = x.transpose_b ? x.k : x.n;
  // The longer side of c is divided.
  const bool by_rows = x.m >= x.n;
  const int64_t side = by_rows ? x.m : x.n;
  const bool small = x.m * x.n < kParallel / x.k;
  const int64_t parts =
      small ? 1 : std::clamp<int64_t>(device.threads(), 1, (side + kLeast - 1) / kLeast);
  const int64_t step = ((side + parts - 1) / parts + kLeast - 1) / kLeast * kLeast;
  std::atomic<bool> done = true;
  const auto part = [&](int64_t first) {
    MatMulArgs<T> own = x;
    const int64_t count = std::min(step, side - first);
    if (by_rows) {
      own.a += x.transpose_a ? first : first * ld_a;
      own.c += first * x.n;
      own.m = count;
    } else {
      own.b += x.transpose_b ? first * ld_b : first;
      own.c += first;
      own.n = count;
    }
    if (!Multiply(own, ld_a, ld_b, x.n)) done = false;
  };
  if (parts == 1) {
    part(0);
  } else {
    const double cost = static_cast<double>(x.m) * x.n * x.k / parts;
    device.ParallelFor((side + step - 1) / step, cost, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) part(i * step);
    });
  }
  return done ? absl::OkStatus() : NoMemory(x);
}

// Of integers, which wrap.
template <typename T>
absl::Status MatMulInto(Device& device, const MatMulArgs<T>& x) requires std::is_integral_v<T> {
  using U = std::make_unsigned_t<T>;
  const double cost = static_cast<double>(x.n) * x.k;
  device.ParallelFor(x.m, cost, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      for (int64_t j = 0; j < x.n; ++j) {
        U sum = 0;
        for (int64_t l = 0; l < x.k; ++l) {
          const T a = x.a[x.transpose_a ? l * x.m + i : i * x.k + l];
          const T b = x.b[x.transpose_b ? j * x.k + l : l * x.n + j];
          sum += static_cast<U>(a) * static_cast<U>(b);
        }
        x.c[i * x.n + j] = static_cast<T>(sum);
      }
    }
  });
  return absl::OkStatus();
}

template <typename T>
absl::Status Batched(KernelContext& ctx, const MatMulArgs<T>& one, int64_t batch, Tensor& out) {
  for (int64_t i = 0; i < batch; ++i) {
    MatMulArgs<T> args = one;
    args.a = ctx.in(0).data<T>() + i * one.m * one.k;
    args.b = ctx.in(1).data<T>() + i * one.k * one.n;
    args.c = out.mutable_data<T>() + i * one.m * one.n;
    if (absl::Status status = MatMulInto(ctx.device, args); !status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status MatMulInto(Device& device, const MatMulArgs<float>& args) {
  return Product(device, args);
}
absl::Status MatMulInto(Device& device, const MatMulArgs<double>& args) try {
  // A copy of what is transposed, so that there is one product for the compiler.
  MatMulArgs<double> x = args;
  Matrix a;
  Matrix b;
  if (std::exchange(x.transpose_a, false)) {
    a = ConstMap(args.a, args.k, args.m, Stride(args.m)).transpose();
    x.a = a.data();
  }
  if (std::exchange(x.transpose_b, false)) {
    b = ConstMap(args.b, args.n, args.k, Stride(args.k)).transpose();
    x.b = b.data();
  }
  return Product(device, x);
} catch (const std::bad_alloc&) {
  return NoMemory(args);
}

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
    return Batched<float>(ctx, {nullptr, nullptr, nullptr, m, n, k, ta, tb}, batch, out);
  }
  if (ctx.in(0).dtype() == DType::kFloat64) {
    return Batched<double>(ctx, {nullptr, nullptr, nullptr, m, n, k, ta, tb}, batch, out);
  }
  if (ctx.in(0).dtype() == DType::kInt32) {
    return Batched<int32_t>(ctx, {nullptr, nullptr, nullptr, m, n, k, ta, tb}, batch, out);
  }
  if (ctx.in(0).dtype() == DType::kInt64) {
    return Batched<int64_t>(ctx, {nullptr, nullptr, nullptr, m, n, k, ta, tb}, batch, out);
  }
  return UnsupportedDType(ctx.in(0).dtype());
}

}  // namespace kernels
}  // namespace varscope::internal
