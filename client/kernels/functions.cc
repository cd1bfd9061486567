#include "client/kernels/functions.h"

#include <cmath>
#include <limits>

#include "absl/status/status.h"
#include "client/kernels/elementwise.h"

namespace varscope::internal::kernels {
namespace {

constexpr double kSlow = 30;

template <typename Fn>
absl::Status OfFloats(KernelContext& ctx, Fn fn) {
  switch (ctx.dtype()) {
    case DType::kFloat32:
      return RunUnary<float>(ctx, kSlow, fn);
    case DType::kFloat64:
      return RunUnary<double>(ctx, kSlow, fn);
    default:
      return UnsupportedDType(ctx.dtype());
  }
}

// Of floats, to bools.
template <typename Fn>
absl::Status Test(KernelContext& ctx, Fn fn) {
  const Tensor& x = ctx.in(0);
  Tensor& out = ctx.Allocate();
  return VisitComputedFloats(x.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (int64_t i = 0; i < x.num_elements(); ++i) {
      out.mutable_data<bool>()[i] = fn(x.data<T>()[i]);
    }
  });
}

// Of x > 0: the recurrence up to where the asymptotic series is exact.
double DigammaAbove0(double x) {
  double sum = 0;
  while (x < 10) {
    sum -= 1 / x;
    x += 1;
  }
  const double z = 1 / (x * x);
  const double series =
      z * (1.0 / 12 - z * (1.0 / 120 - z * (1.0 / 252 - z * (1.0 / 240 - z * (1.0 / 132)))));
  return sum + std::log(x) - 0.5 / x - series;
}

double DigammaOf(double x) {
  if (x > 0) return DigammaAbove0(x);
  if (x == std::floor(x)) return std::numeric_limits<double>::quiet_NaN();
  // By reflection.
  return DigammaAbove0(1 - x) - M_PI / std::tan(M_PI * x);
}

// The sum of (k + q)^-s over k, by Euler and Maclaurin, for whole s > 1. Infinite or NaN where q is
// a whole number of at most 0, NaN far below 0.
double Zeta(double s, double q) {
  constexpr int kTerms = 12;
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  if (q <= 0 && q == std::floor(q)) {
    return std::fmod(s, 2) == 0 ? std::numeric_limits<double>::infinity() : kNan;
  }
  if (!(q > -1e5)) return kNan;
  double sum = 0;
  while (q < 0) {
    sum += std::pow(q, -s);
    q += 1;
  }
  for (int k = 0; k < kTerms; ++k) sum += std::pow(q + k, -s);
  const double a = q + kTerms;
  sum += std::pow(a, 1 - s) / (s - 1) + 0.5 * std::pow(a, -s);
  constexpr double kBernoulli[] = {1.0 / 6,  -1.0 / 30,     1.0 / 42, -1.0 / 30,
                                   5.0 / 66, -691.0 / 2730, 7.0 / 6};
  double factor = s;
  double factorial = 2;
  for (int j = 1; j <= 7; ++j) {
    sum += kBernoulli[j - 1] / factorial * factor * std::pow(a, -s - 2 * j + 1);
    factor *= (s + 2 * j - 1) * (s + 2 * j);
    factorial *= (2.0 * j + 1) * (2.0 * j + 2);
  }
  return sum;
}

template <typename T>
T Modulo(T x, T y) {
  if constexpr (std::is_floating_point_v<T>) {
    const T rest = std::fmod(x, y);
    return rest != 0 && (rest < 0) != (y < 0) ? rest + y : rest;
  } else if constexpr (std::is_signed_v<T>) {
    if (y == -1) return 0;
    const T rest = static_cast<T>(x % y);
    return rest != 0 && (rest < 0) != (y < 0) ? static_cast<T>(rest + y) : rest;
  } else {
    return static_cast<T>(x % y);
  }
}

template <typename T>
T Quotient(T x, T y) {
  if constexpr (std::is_floating_point_v<T>) {
    return std::trunc(x / y);
  } else if constexpr (std::is_signed_v<T>) {
    return y == -1 ? Wrapping(T{0}, x, [](auto a, auto b) { return a - b; })
                   : static_cast<T>(x / y);
  } else {
    return static_cast<T>(x / y);
  }
}

absl::Status CheckDivisor(KernelContext& ctx) {
  if (IsFloating(ctx.dtype())) return absl::OkStatus();
  const Tensor& y = ctx.part(1);
  bool zero = false;
  absl::Status status = VisitComputed(y.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (const T divisor : y.values<T>()) zero = zero || divisor == T{0};
  });
  if (!status.ok()) return status;
  const bool any = ctx.shape().num_elements() > 0;
  return zero && any ? absl::InvalidArgumentError("Integer division by zero") : status;
}

template <typename Fn>
absl::Status Logical(KernelContext& ctx, Fn fn) {
  return RunBinary<bool, bool>(ctx, fn);
}

}  // namespace

absl::Status Tan(KernelContext& ctx) {
  return OfFloats(ctx, [](auto x) { return std::tan(x); });
}
absl::Status Asin(KernelContext& ctx) {
  return OfFloats(ctx, [](auto x) { return std::asin(x); });
}
absl::Status Acos(KernelContext& ctx) {
  return OfFloats(ctx, [](auto x) { return std::acos(x); });
}
absl::Status Atan(KernelContext& ctx) {
  return OfFloats(ctx, [](auto x) { return std::atan(x); });
}
absl::Status Sinh(KernelContext& ctx) {
  return OfFloats(ctx, [](auto x) { return std::sinh(x); });
}
absl::Status Cosh(KernelContext& ctx) {
  return OfFloats(ctx, [](auto x) { return std::cosh(x); });
}
absl::Status Asinh(KernelContext& ctx) {
  return OfFloats(ctx, [](auto x) { return std::asinh(x); });
}
absl::Status Acosh(KernelContext& ctx) {
  return OfFloats(ctx, [](auto x) { return std::acosh(x); });
}
absl::Status Atanh(KernelContext& ctx) {
  return OfFloats(ctx, [](auto x) { return std::atanh(x); });
}
absl::Status Softsign(KernelContext& ctx) {
  return OfFloats(ctx, [](auto x) { return x / (std::abs(x) + 1); });
}
absl::Status Erf(KernelContext& ctx) {
  return OfFloats(ctx, [](auto x) { return std::erf(x); });
}
absl::Status Erfc(KernelContext& ctx) {
  return OfFloats(ctx, [](auto x) { return std::erfc(x); });
}
absl::Status Expm1(KernelContext& ctx) {
  return OfFloats(ctx, [](auto x) { return std::expm1(x); });
}
absl::Status Lgamma(KernelContext& ctx) {
  // std::lgamma writes a global variable.
  return OfFloats(ctx, [](auto x) {
    int sign = 0;
    if constexpr (sizeof(x) == sizeof(float)) return ::lgammaf_r(x, &sign);
    return static_cast<decltype(x)>(::lgamma_r(x, &sign));
  });
}
absl::Status Digamma(KernelContext& ctx) {
  return OfFloats(ctx, [](auto x) { return static_cast<decltype(x)>(DigammaOf(x)); });
}
absl::Status Polygamma(KernelContext& ctx) {
  const auto n = static_cast<double>(ctx.attrs.integer("n"));
  const double scale = std::tgamma(n + 1) * (std::fmod(n, 2) == 0 ? -1 : 1);
  return OfFloats(ctx,
                  [n, scale](auto x) { return static_cast<decltype(x)>(scale * Zeta(n + 1, x)); });
}
absl::Status Ceil(KernelContext& ctx) {
  return OfFloats(ctx, [](auto x) { return std::ceil(x); });
}
// Halves go to the even neighbour.
absl::Status Rint(KernelContext& ctx) {
  if (IsInteger(ctx.dtype())) {
    ctx.Share(ctx.in(0));
    return absl::OkStatus();
  }
  return OfFloats(ctx, [](auto x) { return std::nearbyint(x); });
}

absl::Status IsNan(KernelContext& ctx) {
  return Test(ctx, [](auto x) { return std::isnan(x); });
}
absl::Status IsInf(KernelContext& ctx) {
  return Test(ctx, [](auto x) { return std::isinf(x); });
}
absl::Status IsFinite(KernelContext& ctx) {
  return Test(ctx, [](auto x) { return std::isfinite(x); });
}

absl::Status LogicalNot(KernelContext& ctx) {
  return RunUnary<bool>(ctx, kCheap, [](bool x) { return !x; });
}
absl::Status LogicalAnd(KernelContext& ctx) {
  return Logical(ctx, [](bool x, bool y) { return x && y; });
}
absl::Status LogicalOr(KernelContext& ctx) {
  return Logical(ctx, [](bool x, bool y) { return x || y; });
}

absl::Status Atan2(KernelContext& ctx) {
  return Arithmetic<true>(
      ctx, [](auto y, auto x) { return std::atan2(y, x); }, kSlow);
}
absl::Status FloorMod(KernelContext& ctx) {
  if (absl::Status status = CheckDivisor(ctx); !status.ok()) return status;
  return Arithmetic<false>(
      ctx, [](auto x, auto y) { return Modulo(x, y); }, kSlow);
}
absl::Status TruncateDiv(KernelContext& ctx) {
  if (absl::Status status = CheckDivisor(ctx); !status.ok()) return status;
  return Arithmetic<false>(
      ctx, [](auto x, auto y) { return Quotient(x, y); }, kSlow);
}

}  // namespace varscope::internal::kernels
