#include <Eigen/Core>
#include <algorithm>
#include <limits>
#include <numeric>

#include "absl/status/statusor.h"
#include "client/kernels/elementwise.h"
#include "client/kernels/kernels.h"
#include "client/kernels/strided.h"

namespace varscope::internal::kernels {
namespace {

// A reduction as [outer, middle, inner] steps: the result has one element for each kept index.
struct Reduction {
  Shape result;                                        // as keepdims says
  Shape kept;                                          // the reduced dimensions are 1
  std::vector<int64_t> kept_dims, kept_strides;        // where each result starts in x
  std::vector<int64_t> reduced_dims, reduced_strides;  // from there to what it reduces
  int64_t results = 1;
  int64_t count = 1;  // elements that make one result

  Reduction(const Shape& x, const std::vector<int64_t>& axes, bool keepdims) {
    std::vector<bool> reduce(x.rank(), false);
    for (int64_t axis : axes) reduce[axis < 0 ? axis + x.rank() : axis] = true;
    const std::vector<int64_t> strides = RowMajorStrides(x);
    std::vector<int64_t> dims;
    std::vector<int64_t> with_ones;
    for (int i = 0; i < x.rank(); ++i) {
      with_ones.push_back(reduce[i] ? 1 : x.dim(i));
      if (!reduce[i]) dims.push_back(x.dim(i));
      // Neighbours that are walked as one dimension are merged.
      std::vector<int64_t>& to = reduce[i] ? reduced_dims : kept_dims;
      std::vector<int64_t>& to_strides = reduce[i] ? reduced_strides : kept_strides;
      (reduce[i] ? count : results) *= x.dim(i);
      const bool merges = i > 0 && reduce[i] == reduce[i - 1] && !to.empty();
      if (merges) {
        to.back() *= x.dim(i);
        to_strides.back() = strides[i];
      } else {
        to.push_back(x.dim(i));
        to_strides.push_back(strides[i]);
      }
    }
    kept = Shape(with_ones);
    result = keepdims ? kept : Shape(dims);
  }
};

int64_t Offset(int64_t index, const std::vector<int64_t>& dims,
               const std::vector<int64_t>& strides) {
  int64_t offset = 0;
  for (int i = static_cast<int>(dims.size()) - 1; i >= 0; --i) {
    offset += index % dims[i] * strides[i];
    index /= dims[i];
  }
  return offset;
}

struct SumOp {
  template <typename T>
  static T Start() {
    return 0;
  }
  template <typename T>
  static T Join(T a, T b) {
    return a + b;
  }
  template <typename T>
  static T Run(const T* x, int64_t n) {
    return Eigen::Map<const Eigen::Array<T, Eigen::Dynamic, 1>>(x, n).sum();
  }
};
struct ProdOp {
  template <typename T>
  static T Start() {
    return 1;
  }
  template <typename T>
  static T Join(T a, T b) {
    return a * b;
  }
  template <typename T>
  static T Run(const T* x, int64_t n) {
    return std::accumulate(x, x + n, T{1}, Join<T>);
  }
};
struct MaxOp {
  template <typename T>
  static T Start() {
    if constexpr (std::is_floating_point_v<T>) return -std::numeric_limits<T>::infinity();
    return std::numeric_limits<T>::lowest();
  }
  template <typename T>
  static T Join(T a, T b) {
    return a > b ? a : b;
  }
  template <typename T>
  static T Run(const T* x, int64_t n) {
    return std::accumulate(x, x + n, Start<T>(), Join<T>);
  }
};
struct MinOp {
  template <typename T>
  static T Start() {
    if constexpr (std::is_floating_point_v<T>) return std::numeric_limits<T>::infinity();
    return std::numeric_limits<T>::max();
  }
  template <typename T>
  static T Join(T a, T b) {
    return a < b ? a : b;
  }
  template <typename T>
  static T Run(const T* x, int64_t n) {
    return std::accumulate(x, x + n, Start<T>(), Join<T>);
  }
};

template <typename Op, typename T>
void ReduceRange(const Reduction& r, const T* x, T* out, int64_t begin, int64_t end) {
  const bool contiguous =
      r.reduced_dims.empty() || (r.reduced_dims.size() == 1 && r.reduced_strides[0] == 1);
  for (int64_t i = begin; i < end; ++i) {
    const T* const from = x + Offset(i, r.kept_dims, r.kept_strides);
    if (contiguous) {
      out[i] = Op::template Run<T>(from, r.count);
      continue;
    }
    T value = Op::template Start<T>();
    for (int64_t k = 0; k < r.count; ++k) {
      value = Op::template Join<T>(value, from[Offset(k, r.reduced_dims, r.reduced_strides)]);
    }
    out[i] = value;
  }
}

// Columns of a matrix: row by row, so that memory is read in order.
template <typename Op, typename T>
void ReduceColumns(int64_t rows, int64_t columns, const T* x, T* out) {
  std::fill(out, out + columns, Op::template Start<T>());
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t c = 0; c < columns; ++c) {
      out[c] = Op::template Join<T>(out[c], x[row * columns + c]);
    }
  }
}

template <typename Op, typename T>
void Reduce(KernelContext& ctx, const Reduction& r, const Tensor& x, Tensor& out) {
  const T* const from = x.data<T>();
  T* const to = out.mutable_data<T>();
  const bool columns = r.kept_dims.size() == 1 && r.kept_strides[0] == 1 &&
                       r.reduced_dims.size() == 1 && r.reduced_strides[0] == r.kept_dims[0];
  if (columns) return ReduceColumns<Op>(r.count, r.results, from, to);
  ctx.device.ParallelFor(r.results, static_cast<double>(r.count), [&](int64_t begin, int64_t end) {
    ReduceRange<Op, T>(r, from, to, begin, end);
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
    default:
      return UnsupportedDType(x.dtype());
  }
  return absl::OkStatus();
}

template <typename Op>
absl::Status RunReduction(KernelContext& ctx) {
  const Tensor& x = ctx.in(0);
  const Reduction r(x.shape(), ctx.attrs.list("axis"), ctx.attrs.flag("keepdims"));
  return ReduceInto<Op>(ctx, r, x, ctx.Allocate(0, x.dtype(), r.result));
}

template <typename T>
void Divide(Tensor& t, int64_t by) {
  for (T& x : t.mutable_values<T>()) x /= static_cast<T>(by);
}

absl::Status DivideAll(Tensor& t, int64_t by) {
  switch (t.dtype()) {
    case DType::kFloat32:
      Divide<float>(t, by);
      break;
    case DType::kFloat64:
      Divide<double>(t, by);
      break;
    case DType::kInt32:
    case DType::kInt64:
      if (by == 0) return absl::InvalidArgumentError("the mean of no integers is not defined");
      t.dtype() == DType::kInt32 ? Divide<int32_t>(t, by) : Divide<int64_t>(t, by);
      break;
    default:
      return UnsupportedDType(t.dtype());
  }
  return absl::OkStatus();
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
  std::vector<int64_t> dims = x.shape().dims();
  dims.erase(dims.begin() + axis);
  Tensor& out = ctx.Allocate(0, DType::kInt64, Shape(dims));
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

template <typename T>
void ProductsOfOthers(const Reduction& r, const T* x, const T* dy, T* dx) {
  std::vector<T> after(r.count + 1);
  for (int64_t i = 0; i < r.results; ++i) {
    const int64_t start = Offset(i, r.kept_dims, r.kept_strides);
    const auto at = [&](int64_t k) { return start + Offset(k, r.reduced_dims, r.reduced_strides); };
    after[r.count] = 1;
    for (int64_t k = r.count - 1; k >= 0; --k) after[k] = after[k + 1] * x[at(k)];
    T before = 1;
    for (int64_t k = 0; k < r.count; ++k) {
      dx[at(k)] = dy[i] * before * after[k + 1];
      before *= x[at(k)];
    }
  }
}

template <typename T>
void AddTo(KernelContext& ctx, Tensor& sum, const Tensor& term) {
  T* const to = sum.mutable_data<T>();
  const T* const from = term.data<T>();
  ctx.device.ParallelFor(sum.num_elements(), 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) to[i] += from[i];
  });
}

}  // namespace

absl::Status Sum(KernelContext& ctx) { return RunReduction<SumOp>(ctx); }
absl::Status Max(KernelContext& ctx) { return RunReduction<MaxOp>(ctx); }
absl::Status Min(KernelContext& ctx) { return RunReduction<MinOp>(ctx); }
absl::Status Prod(KernelContext& ctx) { return RunReduction<ProdOp>(ctx); }

absl::Status Mean(KernelContext& ctx) {
  const Tensor& x = ctx.in(0);
  const Reduction r(x.shape(), ctx.attrs.list("axis"), ctx.attrs.flag("keepdims"));
  Tensor& out = ctx.Allocate(0, x.dtype(), r.result);
  absl::Status status = ReduceInto<SumOp>(ctx, r, x, out);
  return status.ok() ? DivideAll(out, r.count) : status;
}

absl::Status ArgMax(KernelContext& ctx) {
  return RunArg(ctx, [](auto a, auto b) { return a > b; });
}
absl::Status ArgMin(KernelContext& ctx) {
  return RunArg(ctx, [](auto a, auto b) { return a < b; });
}

absl::Status SumLike(KernelContext& ctx) {
  const Tensor& dy = ctx.in(0);
  const Shape& target = ctx.in(1).shape();
  const std::vector<int64_t> axes = RepeatedAxes(target, dy.shape());
  if (axes.empty()) {
    ctx.Set(0, dy.Reshaped(target));
    return absl::OkStatus();
  }
  const Reduction r(dy.shape(), axes, true);
  return ReduceInto<SumOp>(ctx, r, dy, ctx.Allocate(0, dy.dtype(), target));
}

absl::Status BroadcastReduced(KernelContext& ctx) {
  const Tensor& dy = ctx.in(0);
  const Shape& target = ctx.like();
  const Reduction r(target, ctx.attrs.list("axis"), true);
  absl::StatusOr<BroadcastWalk> walk = Walk(r.kept, target);
  if (!walk.ok()) return walk.status();
  // Few elements are scaled, not the many that they become.
  Tensor scaled = dy;
  if (ctx.attrs.flag("mean")) {
    scaled = dy.Clone();
    if (absl::Status status = DivideAll(scaled, r.count); !status.ok()) return status;
  }
  Tensor& out = ctx.Allocate(0, dy.dtype(), target);
  if (out.num_elements() == 0) return absl::OkStatus();
  VisitSize(dy.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    const T* const from = scaled.data<T>();
    T* const to = out.mutable_data<T>();
    const int64_t inner = walk->inner();
    const bool repeats = walk->a.back() == 0;
    const auto spread = [&](int64_t source, int64_t begin, int64_t n) {
      if (repeats) {
        std::fill_n(to + begin, n, from[source]);
      } else {
        std::copy_n(from + source, n, to + begin);
      }
    };
    if (walk->rows() == 1) {
      ctx.device.ParallelFor(inner, kCheap, [&](int64_t begin, int64_t end) {
        spread(repeats ? 0 : begin, begin, end - begin);
      });
      return;
    }
    ctx.device.ParallelFor(walk->rows(), kCheap * static_cast<double>(inner),
                           [&](int64_t begin, int64_t end) {
                             for (int64_t row = begin; row < end; ++row) {
                               spread(walk->Start(row).first, row * inner, inner);
                             }
                           });
  });
  return absl::OkStatus();
}

absl::Status ProdGrad(KernelContext& ctx) {
  const Tensor& dy = ctx.in(0);
  const Tensor& x = ctx.in(1);
  const Reduction r(x.shape(), ctx.attrs.list("axis"), true);
  Tensor& out = ctx.Allocate(0, x.dtype(), x.shape());
  if (x.dtype() == DType::kFloat32) {
    ProductsOfOthers(r, x.data<float>(), dy.data<float>(), out.mutable_data<float>());
  } else if (x.dtype() == DType::kFloat64) {
    ProductsOfOthers(r, x.data<double>(), dy.data<double>(), out.mutable_data<double>());
  } else {
    return UnsupportedDType(x.dtype());
  }
  return absl::OkStatus();
}

absl::Status AddN(KernelContext& ctx) {
  const Tensor& first = ctx.in(0);
  for (int i = 1; i < ctx.num_inputs(); ++i) {
    if (ctx.in(i).shape() == first.shape()) continue;
    return absl::InvalidArgumentError(absl::StrCat("shapes differ: ", first.shape().ToString(),
                                                   " and ", ctx.in(i).shape().ToString()));
  }
  Tensor& sum = ctx.Forward(0, {0}, first.dtype(), first.shape());
  if (sum.raw() != first.raw()) std::memcpy(sum.mutable_raw(), first.raw(), first.byte_size());
  for (int i = 1; i < ctx.num_inputs(); ++i) {
    switch (first.dtype()) {
      case DType::kFloat32:
        AddTo<float>(ctx, sum, ctx.in(i));
        break;
      case DType::kFloat64:
        AddTo<double>(ctx, sum, ctx.in(i));
        break;
      case DType::kInt32:
        AddTo<uint32_t>(ctx, sum, ctx.in(i));
        break;
      case DType::kInt64:
        AddTo<uint64_t>(ctx, sum, ctx.in(i));
        break;
      default:
        return UnsupportedDType(first.dtype());
    }
  }
  return absl::OkStatus();
}

absl::Status L2Loss(KernelContext& ctx) {
  const Tensor& x = ctx.in(0);
  Tensor& out = ctx.Allocate(0, x.dtype(), Shape{});
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
