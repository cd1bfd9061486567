#include "proto/tensor/portable_math.h"

#include <array>
#include <cmath>
#include <limits>

namespace varscope {
namespace {

// A number as the sum of two, the second of which is below the first's last place.
struct Double2 {
  double high;
  double low;
};

// Dekker 1971: exact, without fused multiply-add. |a| and |b| are far from the largest numbers.
Double2 Product(double a, double b) {
  constexpr double kSplit = 134217729;  // 2^27 + 1
  const double p = a * kSplit;
  const double a_high = p - (p - a);
  const double a_low = a - a_high;
  const double q = b * kSplit;
  const double b_high = q - (q - b);
  const double b_low = b - b_high;
  const double high = a * b;
  const double low = ((a_high * b_high - high) + a_high * b_low + a_low * b_high) + a_low * b_low;
  return {high, low};
}

// Knuth's sum of two, exact.
Double2 Sum(double a, double b) {
  const double high = a + b;
  const double b_part = high - a;
  return {high, (a - (high - b_part)) + (b - b_part)};
}

constexpr double kLn2High = 0x1.62e42fefa38p-1;  // with so few bits that times an exponent is exact
constexpr double kLn2Low = 0x1.ef35793c7673p-45;

// ln x = k ln 2 + 2 atanh(s), s = (m - 1) / (m + 1), for x = m 2^k with m around 1.
Double2 Log(double x) {
  int exponent = 0;
  double m = std::frexp(x, &exponent);  // exact; m in [0.5, 1)
  if (m < 0.70710678118654752) {
    m *= 2;
    --exponent;
  }
  // s as two numbers.
  const double numerator = m - 1;  // exact
  const Double2 denominator = Sum(m, 1);
  const double s = numerator / denominator.high;
  const Double2 back = Product(s, denominator.high);
  const double s_low =
      ((numerator - back.high) - back.low - s * denominator.low) / denominator.high;
  const double z = s * s;
  // 2 (s^3/3 + s^5/5 + ...); |s| < 0.172, the first term left out is below 2^-62 of the result.
  double tail = 0;
  for (int n = 25; n >= 3; n -= 2) tail = tail * z + 2.0 / n;
  tail *= z * s;
  const double k = exponent;
  const Double2 head = Sum(k * kLn2High, 2 * s);
  const Double2 all = Sum(head.high, tail + (head.low + (2 * s_low + k * kLn2Low)));
  return all;
}

double Exp(Double2 x) {
  if (std::isnan(x.high)) return x.high;
  if (x.high > 709.79) return std::numeric_limits<double>::infinity();
  if (x.high < -745.14) return 0;
  const double k = std::floor(x.high * 1.4426950408889634 + 0.5);
  const double r = ((x.high - k * kLn2High) - k * kLn2Low) + x.low;
  // Taylor's series; |r| < 0.35, the first term left out is below 2^-60.
  constexpr std::array<double, 15> kOneOverFactorial = {1.0,
                                                        1.0,
                                                        1.0 / 2,
                                                        1.0 / 6,
                                                        1.0 / 24,
                                                        1.0 / 120,
                                                        1.0 / 720,
                                                        1.0 / 5040,
                                                        1.0 / 40320,
                                                        1.0 / 362880,
                                                        1.0 / 3628800,
                                                        1.0 / 39916800,
                                                        1.0 / 479001600,
                                                        1.0 / 6227020800,
                                                        1.0 / 87178291200};
  double tail = 0;
  for (size_t n = kOneOverFactorial.size(); n-- > 2;) tail = tail * r + kOneOverFactorial[n];
  return std::ldexp(1 + (r + r * r * tail), static_cast<int>(k));
}

}  // namespace

double PortableLog(double x) { return Log(x).high; }

double PortableCosOfTurns(double turns) {
  // A quarter and what is left of it, in [-1/2, 1/2]; both exact.
  const double quarters = 4 * turns;
  const double quarter = std::floor(quarters + 0.5);
  const double t = (quarters - quarter) * 1.5707963267948966;  // pi / 2
  const double z = t * t;
  double cosine = 0;
  double sine = 0;
  // Taylor's series; |t| < 0.79, the first terms left out are below 2^-60.
  for (int n = 18; n >= 2; n -= 2) {
    cosine = (1 - cosine) * z / (n * (n - 1));
    sine = (1 - sine) * z / (n * (n + 1));
  }
  cosine = 1 - cosine;
  sine = t * (1 - sine);
  switch (static_cast<int>(quarter) % 4) {
    case 0:
      return cosine;
    case 1:
      return -sine;
    case 2:
      return -cosine;
    default:
      return sine;
  }
}

double PortableExp(double x) { return Exp({x, 0}); }

double PortablePow(double x, double y) {
  if (y == 0) return 1;
  if (y == 1 || std::isnan(x)) return x;
  if (y == 0.5) return std::sqrt(x);
  if (y == -0.5) return 1 / std::sqrt(x);
  if (y == -1) return 1 / x;
  if (x == 0 || std::isinf(x)) {
    return (x == 0) == (y > 0) ? 0 : std::numeric_limits<double>::infinity();
  }
  const Double2 log = Log(x);
  const double about = log.high * y;
  if (about > 1000 || about < -1000) return Exp({about, 0});
  const Double2 product = Product(log.high, y);
  return Exp({product.high, product.low + log.low * y});
}

}  // namespace varscope
