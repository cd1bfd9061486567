// Element-wise kernels of one operand.
#include <Eigen/Core>
#include <cmath>

#include "absl/status/status.h"
#include "client/kernels/elementwise.h"
#include "client/kernels/exp.h"
#include "client/kernels/kernels.h"
#include "proto/tensor/elements.h"

namespace varscope::internal::kernels {
namespace {

// fn(x, y) writes Eigen array y from x, which Eigen vectorizes. It takes the whole input: of some
// functions Eigen has another approximation for what is left over by the vectors.
template <typename T, typename Fn>
absl::Status RunArray(KernelContext& ctx, double cost, Fn fn) {
  const T* const x = ctx.in(0).data<T>();
  Tensor& out = ctx.Forward({0});
  T* const y = out.mutable_data<T>();
  using Array = Eigen::Array<T, Eigen::Dynamic, 1>;
  ctx.device.ParallelFor(out.num_elements(), cost, [&](int64_t begin, int64_t end) {
    fn(Eigen::Map<const Array>(x + begin, end - begin), Eigen::Map<Array>(y + begin, end - begin));
  });
  return absl::OkStatus();
}

template <typename Fn>
absl::Status Floats(KernelContext& ctx, double cost, Fn fn) {
  switch (ctx.dtype()) {
    case DType::kFloat32:
      return RunArray<float>(ctx, cost, fn);
    case DType::kFloat64:
      return RunArray<double>(ctx, cost, fn);
    default:
      return UnsupportedDType(ctx.dtype());
  }
}

template <typename Fn>
absl::Status Numbers(KernelContext& ctx, Fn fn) {
  switch (ctx.dtype()) {
    case DType::kFloat32:
      return RunUnary<float>(ctx, kCheap, fn);
    case DType::kFloat64:
      return RunUnary<double>(ctx, kCheap, fn);
    case DType::kInt32:
      return RunUnary<int32_t>(ctx, kCheap, fn);
    case DType::kInt64:
      return RunUnary<int64_t>(ctx, kCheap, fn);
    case DType::kUint8:
      return RunUnary<uint8_t>(ctx, kCheap, fn);
    default:
      return UnsupportedDType(ctx.dtype());
  }
}

template <typename Fn>
absl::Status EachFloat(KernelContext& ctx, double cost, Fn fn) {
  switch (ctx.dtype()) {
    case DType::kFloat32:
      return RunUnary<float>(ctx, cost, fn);
    case DType::kFloat64:
      return RunUnary<double>(ctx, cost, fn);
    default:
      return UnsupportedDType(ctx.dtype());
  }
}

}  // namespace

absl::Status Neg(KernelContext& ctx) {
  return Numbers(ctx, [](auto x) -> decltype(x) {
    // Zero becomes -0.
    if constexpr (std::is_floating_point_v<decltype(x)>) return -x;
    return Wrapping(decltype(x){0}, x, [](auto a, auto b) { return a - b; });
  });
}
absl::Status Abs(KernelContext& ctx) {
  return Numbers(ctx, [](auto x) -> decltype(x) {
    if constexpr (std::is_floating_point_v<decltype(x)>) return std::abs(x);
    return x < 0 ? Wrapping(decltype(x){0}, x, [](auto a, auto b) { return a - b; }) : x;
  });
}
absl::Status Sign(KernelContext& ctx) {
  return Numbers(ctx, [](auto x) -> decltype(x) {
    if (IsNan(x)) return x;
    return static_cast<decltype(x)>((x > 0) - (x < 0));
  });
}
absl::Status Square(KernelContext& ctx) {
  return Numbers(ctx, [](auto x) { return Wrapping(x, x, [](auto a, auto b) { return a * b; }); });
}

absl::Status Sqrt(KernelContext& ctx) {
  // Eigen's float32 packets make NaN of infinity.
  return EachFloat(ctx, 8, [](auto x) { return std::sqrt(x); });
}
absl::Status Rsqrt(KernelContext& ctx) {
  return EachFloat(ctx, 8, [](auto x) { return decltype(x){1} / std::sqrt(x); });
}
absl::Status Reciprocal(KernelContext& ctx) {
  return Floats(ctx, 4, [](const auto& x, auto y) { y = x.inverse(); });
}
absl::Status Exp(KernelContext& ctx) {
  return Floats(ctx, 10, [](const auto& x, auto y) { ExpInto(x, y); });
}
absl::Status Log(KernelContext& ctx) {
  return Floats(ctx, 10, [](const auto& x, auto y) { y = x.log(); });
}
absl::Status Log1p(KernelContext& ctx) {
  return EachFloat(ctx, 20, [](auto x) { return std::log1p(x); });
}
absl::Status Sin(KernelContext& ctx) {
  return Floats(ctx, 15, [](const auto& x, auto y) { y = x.sin(); });
}
absl::Status Cos(KernelContext& ctx) {
  return Floats(ctx, 15, [](const auto& x, auto y) { y = x.cos(); });
}
absl::Status Tanh(KernelContext& ctx) {
  return Floats(ctx, 10, [](const auto& x, auto y) { y = x.tanh(); });
}
absl::Status Sigmoid(KernelContext& ctx) {
  // Eigen's logistic() ends before 0, even for -infinity.
  return Floats(ctx, 15, [](const auto& x, auto y) { y = (1 + (-x).exp()).inverse(); });
}
absl::Status Floor(KernelContext& ctx) {
  // Eigen's of the oldest x86-64 makes 0 of -0.
  return EachFloat(ctx, 2, [](auto x) { return std::floor(x); });
}

absl::Status Relu(KernelContext& ctx) {
  return EachFloat(ctx, 1, [](auto x) { return x > 0 || IsNan(x) ? x : decltype(x){0}; });
}
absl::Status Relu6(KernelContext& ctx) {
  return EachFloat(ctx, 1, [](auto x) -> decltype(x) {
    if (x >= 6) return 6;
    return x > 0 || IsNan(x) ? x : 0;
  });
}
absl::Status LeakyRelu(KernelContext& ctx) {
  const double alpha = ctx.attrs.real("alpha");
  return EachFloat(ctx, 1,
                   [alpha](auto x) { return x > 0 ? x : x * static_cast<decltype(x)>(alpha); });
}
absl::Status Elu(KernelContext& ctx) {
  return EachFloat(ctx, 10, [](auto x) { return x < 0 ? std::expm1(x) : x; });
}
absl::Status Selu(KernelContext& ctx) {
  return EachFloat(ctx, 10, [](auto x) {
    using T = decltype(x);
    return x < 0 ? static_cast<T>(kSeluScaleAlpha) * std::expm1(x) : static_cast<T>(kSeluScale) * x;
  });
}
absl::Status Softplus(KernelContext& ctx) {
  return EachFloat(ctx, 20, [](auto x) {
    return x > 0 ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x));
  });
}

absl::Status Cast(KernelContext& ctx) {
  const Tensor& x = ctx.part(0);
  const DType to = ctx.attrs.get<DType>("dtype");
  if (x.dtype() == to) {
    ctx.Repeat(x);
    return absl::OkStatus();
  }
  Tensor& out = ctx.ForwardPart({});
  ctx.device.ParallelFor(x.num_elements(), 2, [&](int64_t begin, int64_t end) {
    ConvertElements(x.dtype(), x.raw() + begin * SizeOf(x.dtype()), to,
                    out.mutable_raw() + begin * SizeOf(to), end - begin);
  });
  return absl::OkStatus();
}

}  // namespace varscope::internal::kernels
