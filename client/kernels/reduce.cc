#include <Eigen/Core>
#include <algorithm>
#include <limits>
#include <numeric>
#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "client/kernels/elementwise.h"
#include "client/kernels/kernels.h"
#include "client/kernels/reduction.h"

namespace varscope::internal::kernels {
namespace {

// R is the result's type, T the elements'.
template <typename Op, typename R, typename T>
R JoinAll(const T* x, int64_t n) {
  const auto join = [](R all, T one) { return Op::Join(all, static_cast<R>(one)); };
  return std::accumulate(x, x + n, Op::template Start<R>(), join);
}

struct SumOp {
  template <typename R>
  static R Start() {
    return 0;
  }
  template <typename R>
  static R Join(R a, R b) {
    return Wrapping(a, b, [](auto x, auto y) { return x + y; });
  }
  template <typename R, typename T>
  static R Run(const T* x, int64_t n) {
    if constexpr (std::is_integral_v<T>) {
      return JoinAll<SumOp, R>(x, n);
    } else {
      // From 0 on: the sum of nothing but -0 is 0.
      return R{0} + Eigen::Map<const Eigen::Array<T, Eigen::Dynamic, 1>>(x, n).sum();
    }
  }
};
struct ProdOp {
  template <typename R>
  static R Start() {
    return 1;
  }
  template <typename R>
  static R Join(R a, R b) {
    return Wrapping(a, b, [](auto x, auto y) { return x * y; });
  }
  template <typename R, typename T>
  static R Run(const T* x, int64_t n) {
    return JoinAll<ProdOp, R>(x, n);
  }
};
// NaN wins.
struct MaxOp {
  template <typename R>
  static R Start() {
    if constexpr (std::is_floating_point_v<R>) return -std::numeric_limits<R>::infinity();
    return std::numeric_limits<R>::lowest();
  }
  template <typename R>
  static R Join(R a, R b) {
    return a > b || IsNan(a) ? a : b;
  }
  template <typename R, typename T>
  static R Run(const T* x, int64_t n) {
    return JoinAll<MaxOp, R>(x, n);
  }
};
struct MinOp {
  template <typename R>
  static R Start() {
    if constexpr (std::is_floating_point_v<R>) return std::numeric_limits<R>::infinity();
    return std::numeric_limits<R>::max();
  }
  template <typename R>
  static R Join(R a, R b) {
    return a < b || IsNan(a) ? a : b;
  }
  template <typename R, typename T>
  static R Run(const T* x, int64_t n) {
    return JoinAll<MinOp, R>(x, n);
  }
};

template <typename Op, typename T, typename R>
void ReduceRange(const Reduction& r, const T* x, R* out, int64_t begin, int64_t end) {
  const bool contiguous =
      r.reduced_dims.empty() || (r.reduced_dims.size() == 1 && r.reduced_strides[0] == 1);
  for (int64_t i = begin; i < end; ++i) {
    const T* const from = x + OffsetOf(i, r.kept_dims, r.kept_strides);
    if (contiguous) {
      out[i] = Op::template Run<R>(from, r.count);
      continue;
    }
    R value = Op::template Start<R>();
    for (int64_t k = 0; k < r.count; ++k) {
      const T one = from[OffsetOf(k, r.reduced_dims, r.reduced_strides)];
      value = Op::Join(value, static_cast<R>(one));
    }
    out[i] = value;
  }
}

// Columns of a matrix: row by row, so that memory is read in order.
template <typename Op, typename T, typename R>
void ReduceRows(int64_t rows, int64_t columns, const T* x, R* out) {
  std::fill(out, out + columns, Op::template Start<R>());
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t c = 0; c < columns; ++c) {
      out[c] = Op::Join(out[c], static_cast<R>(x[row * columns + c]));
    }
  }
}

// The rows in blocks, whose results are joined in their order: the same for any number of threads,
// and the sum of many rows is the more exact.
template <typename Op, typename T, typename R>
void ReduceColumns(Device& device, int64_t rows, int64_t columns, const T* x, R* out) {
  constexpr int64_t kBlock = 512;
  const int64_t blocks = (rows + kBlock - 1) / kBlock;
  if (blocks <= 1) return ReduceRows<Op>(rows, columns, x, out);
  std::vector<R> results(blocks * columns);
  const auto cost = static_cast<double>(kBlock * columns);
  device.ParallelFor(blocks, cost, [&](int64_t begin, int64_t end) {
    for (int64_t block = begin; block < end; ++block) {
      const int64_t first = block * kBlock;
      ReduceRows<Op>(std::min(kBlock, rows - first), columns, x + first * columns,
                     results.data() + block * columns);
    }
  });
  ReduceRows<Op>(blocks, columns, results.data(), out);
}

template <typename Op, typename T, typename R = T>
void Reduce(KernelContext& ctx, const Reduction& r, const Tensor& x, Tensor& out) {
  const T* const from = x.data<T>();
  R* const to = out.mutable_data<R>();
  if (r.count == 1) {  // as it is, also -0
    std::transform(from, from + r.results, to, [](T one) { return static_cast<R>(one); });
    return;
  }
  const bool columns = r.kept_dims.size() == 1 && r.kept_strides[0] == 1 &&
                       r.reduced_dims.size() == 1 && r.reduced_strides[0] == r.kept_dims[0];
  if (columns) return ReduceColumns<Op>(ctx.device, r.count, r.results, from, to);
  ctx.device.ParallelFor(r.results, static_cast<double>(r.count), [&](int64_t begin, int64_t end) {
    ReduceRange<Op>(r, from, to, begin, end);
  });
}

template <typename Op>
absl::Status ReduceInto(KernelContext& ctx, const Reduction& r, const Tensor& x, Tensor& out) {
  switch (x.dtype()) {
    case DType::kFloat32:
      Reduce<Op, float>(ctx, r, x, out);
      break;
    case DType::kFloat64:
      Reduce<Op, double>(ctx, r, x, out);
      break;
    case DType::kInt32:
      Reduce<Op, int32_t>(ctx, r, x, out);
      break;
    case DType::kInt64:
      Reduce<Op, int64_t>(ctx, r, x, out);
      break;
    case DType::kUint8:
      Reduce<Op, uint8_t>(ctx, r, x, out);
      break;
    default:
      return UnsupportedDType(x.dtype());
  }
  return absl::OkStatus();
}

// Integers of no elements: of the dtype itself, whose ends a wider one (kernel.h) does not have.
template <typename Op>
absl::Status ReduceNothing(KernelContext& ctx) {
  Tensor& out = ctx.Allocate();
  VisitDType(out.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    if constexpr (std::is_integral_v<T>) {
      std::fill_n(out.mutable_data<T>(), out.num_elements(), Op::template Start<T>());
    }
  });
  return absl::OkStatus();
}

template <typename Op>
absl::Status RunReduction(KernelContext& ctx) {
  const Tensor& x = ctx.in(0);
  const Reduction r(x.shape(), ReducedAxes(ctx.attrs, x.shape().rank()));
  if (r.count == 0 && IsInteger(x.dtype())) return ReduceNothing<Op>(ctx);
  return ReduceInto<Op>(ctx, r, x, ctx.Allocate());
}

// The sum of integers and their number may not fit in their dtype, the mean does. That of none is
// 0, as TensorFlow's.
template <typename T>
void IntegerMean(KernelContext& ctx, const Reduction& r, const Tensor& x, Tensor& out) {
  Tensor sums(DType::kInt64, out.shape());
  Reduce<SumOp, T, int64_t>(ctx, r, x, sums);
  const int64_t count = std::max<int64_t>(r.count, 1);
  const std::span<const int64_t> from = sums.values<int64_t>();
  std::transform(from.begin(), from.end(), out.mutable_data<T>(),
                 [count](int64_t sum) { return static_cast<T>(sum / count); });
}

template <typename T>
void FloatMean(KernelContext& ctx, const Reduction& r, const Tensor& x, Tensor& out) {
  Reduce<SumOp, T>(ctx, r, x, out);
  for (T& sum : out.mutable_values<T>()) sum /= static_cast<T>(r.count);
}

template <typename T, typename Better>
void ArgBest(const Tensor& x, int axis, Better better, Tensor& out) {
  int64_t outer = 1;
  int64_t inner = 1;
  for (int i = 0; i < axis; ++i) outer *= x.shape().dim(i);
  for (int i = axis + 1; i < x.shape().rank(); ++i) inner *= x.shape().dim(i);
  const int64_t n = x.shape().dim(axis);
  for (int64_t o = 0; o < outer; ++o) {
    for (int64_t i = 0; i < inner; ++i) {
      const T* const from = x.data<T>() + o * n * inner + i;
      int64_t best = 0;
      for (int64_t k = 1; k < n; ++k) {
        if (better(from[k * inner], from[best * inner])) best = k;
      }
      out.mutable_data<int64_t>()[o * inner + i] = best;
    }
  }
}

template <typename Better>
absl::Status RunArg(KernelContext& ctx, Better better) {
  const Tensor& x = ctx.in(0);
  const auto given = static_cast<int>(ctx.attrs.integer("axis"));
  const int axis = given < 0 ? given + x.shape().rank() : given;
  if (x.shape().dim(axis) == 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("Reduction axis ", axis, " is empty in shape ", x.shape().ToString()));
  }
  Tensor& out = ctx.Allocate();
  return VisitComputed(
      x.dtype(), [&](auto tag) { ArgBest<typename decltype(tag)::type>(x, axis, better, out); });
}

// The axes along which `small` is repeated to become `large`.
std::vector<int64_t> RepeatedAxes(const Shape& small, const Shape& large) {
  std::vector<int64_t> axes;
  const int extra = large.rank() - small.rank();
  for (int i = 0; i < large.rank(); ++i) {
    if (i < extra || (small.dim(i - extra) == 1 && large.dim(i) != 1)) axes.push_back(i);
  }
  return axes;
}

}  // namespace

absl::Status Sum(KernelContext& ctx) { return RunReduction<SumOp>(ctx); }
absl::Status Max(KernelContext& ctx) { return RunReduction<MaxOp>(ctx); }
absl::Status Min(KernelContext& ctx) { return RunReduction<MinOp>(ctx); }
absl::Status Prod(KernelContext& ctx) { return RunReduction<ProdOp>(ctx); }

absl::Status Mean(KernelContext& ctx) {
  const Tensor& x = ctx.in(0);
  const Reduction r(x.shape(), ReducedAxes(ctx.attrs, x.shape().rank()));
  Tensor& out = ctx.Allocate();
  return VisitComputed(x.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    if constexpr (std::is_floating_point_v<T>) {
      FloatMean<T>(ctx, r, x, out);
    } else {
      IntegerMean<T>(ctx, r, x, out);
    }
  });
}

absl::Status ArgMax(KernelContext& ctx) {
  return RunArg(ctx, [](auto a, auto b) { return a > b; });
}
absl::Status ArgMin(KernelContext& ctx) {
  return RunArg(ctx, [](auto a, auto b) { return a < b; });
}

// Sums dy over the axes along which an operand of the output's shape was repeated.
absl::Status SumLike(KernelContext& ctx) {
  if (ctx.in_shape(0) == ctx.shape()) {
    ctx.Repeat(ctx.part(0));
    return absl::OkStatus();
  }
  const Tensor& dy = ctx.in(0);
  const std::vector<int64_t> axes = RepeatedAxes(ctx.shape(), dy.shape());
  return ReduceInto<SumOp>(ctx, Reduction(dy.shape(), axes), dy, ctx.Allocate());
}

absl::Status L2Loss(KernelContext& ctx) {
  const Tensor& x = ctx.in(0);
  Tensor& out = ctx.Allocate();
  if (x.dtype() == DType::kFloat32) {
    using Array = Eigen::Array<float, Eigen::Dynamic, 1>;
    *out.mutable_data<float>() =
        Eigen::Map<const Array>(x.data<float>(), x.num_elements()).square().sum() / 2;
  } else if (x.dtype() == DType::kFloat64) {
    using Array = Eigen::Array<double, Eigen::Dynamic, 1>;
    *out.mutable_data<double>() =
        Eigen::Map<const Array>(x.data<double>(), x.num_elements()).square().sum() / 2;
  } else {
    return UnsupportedDType(x.dtype());
  }
  return absl::OkStatus();
}

}  // namespace varscope::internal::kernels
