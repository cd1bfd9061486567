// Element-wise kernels of two operands.
#include <algorithm>
#include <cmath>

#include "absl/status/status.h"
#include "client/kernels/elementwise.h"
#include "client/kernels/kernels.h"

namespace varscope::internal::kernels {
namespace {

// Division by zero is an error for integers.
template <typename T>
bool HasZero(const Tensor& t) {
  for (T x : t.values<T>()) {
    if (x == 0) return true;
  }
  return false;
}

absl::Status CheckDivisor(const Tensor& divisor) {
  bool zero = false;
  absl::Status status = VisitComputed(divisor.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    if constexpr (!std::is_floating_point_v<T>) zero = HasZero<T>(divisor);
  });
  if (!status.ok()) return status;
  return zero ? absl::InvalidArgumentError("Integer division by zero") : absl::OkStatus();
}

// Negative exponents are an error for integers.
absl::Status CheckExponent(const Tensor& exponent) {
  bool negative = false;
  absl::Status status = VisitComputed(exponent.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    if constexpr (std::is_signed_v<T> && std::is_integral_v<T>) {
      const auto values = exponent.values<T>();
      negative = std::any_of(values.begin(), values.end(), [](T x) { return x < 0; });
    }
  });
  if (!status.ok()) return status;
  return negative
             ? absl::InvalidArgumentError("Integers to negative integer powers are not allowed")
             : absl::OkStatus();
}

// x to a power that is not negative; it wraps.
template <typename T>
T Power(T x, T exponent) {
  T power = 1;
  for (T left = exponent; left > 0; left = static_cast<T>(left / 2)) {
    const auto times = [](auto a, auto b) { return a * b; };
    if (left % 2 == 1) power = Wrapping(power, x, times);
    x = Wrapping(x, x, times);
  }
  return power;
}

template <typename Fn>
absl::Status Compare(KernelContext& ctx, Fn fn) {
  absl::Status run;
  absl::Status status = VisitComputed(ctx.part(0).dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    run = RunBinary<T, bool>(ctx, fn);
  });
  return status.ok() ? run : status;
}

}  // namespace

absl::Status Add(KernelContext& ctx) {
  return Arithmetic<false>(
      ctx, [](auto x, auto y) { return Wrapping(x, y, [](auto a, auto b) { return a + b; }); });
}
absl::Status Sub(KernelContext& ctx) {
  return Arithmetic<false>(
      ctx, [](auto x, auto y) { return Wrapping(x, y, [](auto a, auto b) { return a - b; }); });
}
absl::Status Mul(KernelContext& ctx) {
  return Arithmetic<false>(
      ctx, [](auto x, auto y) { return Wrapping(x, y, [](auto a, auto b) { return a * b; }); });
}
absl::Status RealDiv(KernelContext& ctx) {
  return Arithmetic<true>(ctx, [](auto x, auto y) { return x / y; });
}
absl::Status FloorDiv(KernelContext& ctx) {
  if (absl::Status status = CheckDivisor(ctx.part(1)); !status.ok()) return status;
  return Arithmetic<false>(ctx, [](auto x, auto y) -> decltype(x) {
    using T = decltype(x);
    if constexpr (std::is_floating_point_v<T>) {
      return std::floor(x / y);
    } else {
      if (std::is_signed_v<T> && y == static_cast<T>(-1)) {
        return Wrapping(T{0}, x, [](auto a, auto b) { return a - b; });
      }
      const T quotient = x / y;
      return (x % y != 0 && (x < 0) != (y < 0)) ? quotient - 1 : quotient;
    }
  });
}
absl::Status Maximum(KernelContext& ctx) {
  return Arithmetic<false>(ctx, [](auto x, auto y) { return x > y || IsNan(x) ? x : y; });
}
absl::Status Minimum(KernelContext& ctx) {
  return Arithmetic<false>(ctx, [](auto x, auto y) { return x < y || IsNan(x) ? x : y; });
}
absl::Status SquaredDifference(KernelContext& ctx) {
  return Arithmetic<false>(ctx, [](auto x, auto y) {
    return Wrapping(x, y, [](auto a, auto b) { return (a - b) * (a - b); });
  });
}
absl::Status Pow(KernelContext& ctx) {
  constexpr double kCost = 40;
  if (absl::Status status = CheckExponent(ctx.part(1)); !status.ok()) return status;
  return Arithmetic<false>(
      ctx,
      [](auto x, auto y) -> decltype(x) {
        if constexpr (std::is_floating_point_v<decltype(x)>) {
          return std::pow(x, y);
        } else {
          return Power(x, y);
        }
      },
      kCost);
}

absl::Status Equal(KernelContext& ctx) {
  return Compare(ctx, [](auto x, auto y) { return x == y; });
}
absl::Status NotEqual(KernelContext& ctx) {
  return Compare(ctx, [](auto x, auto y) { return x != y; });
}
absl::Status Less(KernelContext& ctx) {
  return Compare(ctx, [](auto x, auto y) { return x < y; });
}
absl::Status LessEqual(KernelContext& ctx) {
  return Compare(ctx, [](auto x, auto y) { return x <= y; });
}
absl::Status Greater(KernelContext& ctx) {
  return Compare(ctx, [](auto x, auto y) { return x > y; });
}
absl::Status GreaterEqual(KernelContext& ctx) {
  return Compare(ctx, [](auto x, auto y) { return x >= y; });
}

// Gradients of activations, from (dy, y) or (dy, x). Where relu is flat dy is multiplied by 0, as
// in TensorFlow: an infinite one is not hidden.
absl::Status ReluGrad(KernelContext& ctx) {
  return Arithmetic<true>(
      ctx, [](auto dy, auto y) { return dy * static_cast<decltype(dy)>(y > 0 ? 1 : 0); });
}
absl::Status Relu6Grad(KernelContext& ctx) {
  return Arithmetic<true>(
      ctx, [](auto dy, auto y) { return dy * static_cast<decltype(dy)>(y > 0 && y < 6 ? 1 : 0); });
}
absl::Status LeakyReluGrad(KernelContext& ctx) {
  const double alpha = ctx.attrs.real("alpha");
  return Arithmetic<true>(
      ctx, [alpha](auto dy, auto x) { return x > 0 ? dy : dy * static_cast<decltype(dy)>(alpha); });
}
absl::Status EluGrad(KernelContext& ctx) {
  return Arithmetic<true>(ctx, [](auto dy, auto y) { return y < 0 ? dy * (y + 1) : dy; });
}
absl::Status SeluGrad(KernelContext& ctx) {
  return Arithmetic<true>(ctx, [](auto dy, auto y) {
    using T = decltype(dy);
    return y < 0 ? dy * (y + static_cast<T>(kSeluScaleAlpha)) : dy * static_cast<T>(kSeluScale);
  });
}

// (dy, y). Where dy is 0 so is the gradient, however steep the slope.
absl::Status SqrtGrad(KernelContext& ctx) {
  return Arithmetic<true>(ctx, [](auto dy, auto y) -> decltype(dy) {
    return dy == 0 ? 0 : dy * static_cast<decltype(dy)>(0.5) / y;
  });
}
absl::Status RsqrtGrad(KernelContext& ctx) {
  return Arithmetic<true>(ctx, [](auto dy, auto y) -> decltype(dy) {
    return dy == 0 ? 0 : static_cast<decltype(dy)>(-0.5) * dy * (y * y * y);
  });
}
absl::Status ReciprocalGrad(KernelContext& ctx) {
  return Arithmetic<true>(
      ctx, [](auto dy, auto y) -> decltype(dy) { return dy == 0 ? 0 : -dy * (y * y); });
}

// (dy, x)
absl::Status SquareGrad(KernelContext& ctx) {
  return Arithmetic<true>(ctx, [](auto dy, auto x) { return dy * (x * 2); });
}

}  // namespace varscope::internal::kernels
