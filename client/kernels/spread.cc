// Broadcasting, sums of tensors, and running sums and products: what gradients of reductions are
// made of.
#include <algorithm>
#include <cstring>

#include "absl/status/status.h"
#include "client/kernels/elementwise.h"
#include "client/kernels/kernels.h"
#include "client/kernels/reduction.h"

namespace varscope::internal::kernels {
namespace {

template <typename T>
void AddTo(KernelContext& ctx, Tensor& sum, const Tensor& term) {
  T* const to = sum.mutable_data<T>();
  const T* const from = term.data<T>();
  ctx.device.ParallelFor(sum.num_elements(), 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      to[i] = Wrapping(to[i], from[i], [](auto a, auto b) { return a + b; });
    }
  });
}

// out[k] joins x[0] to x[k], or to x[k - 1] when exclusive; from the end when reversed.
template <typename T, typename Join>
void ScanAll(const Reduction& r, const T* x, T* out, T start, bool exclusive, bool reverse,
             Join join) {
  for (int64_t i = 0; i < r.results; ++i) {
    const int64_t first = OffsetOf(i, r.kept_dims, r.kept_strides);
    T value = start;
    for (int64_t step = 0; step < r.count; ++step) {
      const int64_t k = reverse ? r.count - 1 - step : step;
      const int64_t at = first + OffsetOf(k, r.reduced_dims, r.reduced_strides);
      if (exclusive) out[at] = value;
      value = join(value, x[at]);
      if (!exclusive) out[at] = value;
    }
  }
}

// Over the axes together, in row-major order.
template <typename Join>
absl::Status Scan(KernelContext& ctx, int start, Join join) {
  const Tensor& x = ctx.in(0);
  const Reduction r(x.shape(), ReducedAxes(ctx.attrs, x.shape().rank()));
  Tensor& out = ctx.Allocate();
  if (out.num_elements() == 0) return absl::OkStatus();
  return VisitComputedFloats(x.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    ScanAll(r, x.data<T>(), out.mutable_data<T>(), static_cast<T>(start),
            ctx.attrs.flag("exclusive"), ctx.attrs.flag("reverse"), join);
  });
}

}  // namespace

absl::Status Cumsum(KernelContext& ctx) {
  return Scan(ctx, 0, [](auto a, auto b) { return a + b; });
}
absl::Status Cumprod(KernelContext& ctx) {
  return Scan(ctx, 1, [](auto a, auto b) { return a * b; });
}

// dy, a reduction's result, repeated to the shape that was reduced.
absl::Status BroadcastReduced(KernelContext& ctx) {
  const Tensor& dy = ctx.in(0);
  const Shape& target = ctx.shape();
  const Reduction r(target, ReducedAxes(ctx.attrs, target.rank()));
  const BroadcastWalk walk = Walk(r.kept, target, target);
  Tensor& out = ctx.Allocate();
  if (out.num_elements() == 0) return absl::OkStatus();
  const bool mean = ctx.attrs.flag("mean");
  return VisitComputedFloats(dy.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    // Few elements are scaled, not the many that they become.
    std::vector<T> scaled;
    const T* from = dy.data<T>();
    if (mean) {
      scaled.assign(from, from + dy.num_elements());
      for (T& x : scaled) x /= static_cast<T>(r.count);
      from = scaled.data();
    }
    T* const to = out.mutable_data<T>();
    const int64_t inner = walk.inner();
    const bool repeats = walk.a.back() == 0;
    const auto spread = [&](int64_t source, int64_t begin, int64_t n) {
      if (repeats) {
        std::fill_n(to + begin, n, from[source]);
      } else {
        std::copy_n(from + source, n, to + begin);
      }
    };
    if (walk.rows() == 1) {
      ctx.device.ParallelFor(inner, kCheap, [&](int64_t begin, int64_t end) {
        spread(repeats ? 0 : begin, begin, end - begin);
      });
      return;
    }
    ctx.device.ParallelFor(walk.rows(), kCheap * static_cast<double>(inner),
                           [&](int64_t begin, int64_t end) {
                             for (int64_t row = begin; row < end; ++row) {
                               spread(walk.Start(row).first, row * inner, inner);
                             }
                           });
  });
}

absl::Status AddN(KernelContext& ctx) {
  const Tensor& first = ctx.in(0);
  Tensor& sum = ctx.Forward({0});
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
      case DType::kUint8:
        AddTo<uint8_t>(ctx, sum, ctx.in(i));
        break;
      default:
        return UnsupportedDType(first.dtype());
    }
  }
  return absl::OkStatus();
}

}  // namespace varscope::internal::kernels
