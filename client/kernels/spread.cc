// Broadcasting, sums of tensors, and running sums and products: what gradients of reductions are
// made of.
#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "client/kernels/elementwise.h"
#include "client/kernels/kernels.h"
#include "client/kernels/reduction.h"

namespace varscope::internal::kernels {
namespace {

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
  return VisitComputedNumbers(x.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    ScanAll(r, x.data<T>(), out.mutable_data<T>(), static_cast<T>(start),
            ctx.attrs.flag("exclusive"), ctx.attrs.flag("reverse"), join);
  });
}

}  // namespace

absl::Status Cumsum(KernelContext& ctx) {
  return Scan(ctx, 0,
              [](auto x, auto y) { return Wrapping(x, y, [](auto a, auto b) { return a + b; }); });
}
absl::Status Cumprod(KernelContext& ctx) {
  return Scan(ctx, 1,
              [](auto x, auto y) { return Wrapping(x, y, [](auto a, auto b) { return a * b; }); });
}

// dy, a reduction's result, repeated to the shape that was reduced.
absl::Status BroadcastReduced(KernelContext& ctx) {
  Tensor part = ctx.one_or_all(0);
  const Reduction r(ctx.shape(), ReducedAxes(ctx.attrs, ctx.shape().rank()));
  if (ctx.attrs.flag("mean")) {
    const Tensor sums = std::exchange(part, Tensor(part.dtype(), part.shape()));
    absl::Status status = VisitComputedFloats(sums.dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      std::transform(sums.values<T>().begin(), sums.values<T>().end(), part.mutable_data<T>(),
                     [&](T sum) { return sum / static_cast<T>(r.count); });
    });
    if (!status.ok()) return status;
  }
  if (part.num_elements() == 1) {
    ctx.RepeatOne(part);
  } else {
    ctx.Repeat(part.Reshaped(r.kept));
  }
  return absl::OkStatus();
}

absl::Status AddN(KernelContext& ctx) {
  if (ctx.dtype() == DType::kBool) return UnsupportedDType(ctx.dtype());
  Tensor& sum = ctx.ForwardPart({0, 1});
  return VisitComputed(ctx.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    const auto add = [](T x, T y) { return Wrapping(x, y, [](auto a, auto b) { return a + b; }); };
    Zip<T, T>(ctx.device, ctx.part(0), ctx.part(1), sum, add);
    for (int i = 2; i < ctx.num_inputs(); ++i) Zip<T, T>(ctx.device, sum, ctx.part(i), sum, add);
  });
}

}  // namespace varscope::internal::kernels
