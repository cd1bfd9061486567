#include "proto/tensor/portable_math.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <numbers>
#include <random>
#include <span>
#include <vector>

#include "proto/wire/crc32c.h"

namespace varscope {
namespace {

// The distance to what is right, in units in the last place of it.
double Ulps(double is, long double right) {
  const double rounded = static_cast<double>(right);
  const double unit = std::nextafter(std::abs(rounded), INFINITY) - std::abs(rounded);
  return static_cast<double>(std::abs(static_cast<long double>(is) - right) / unit);
}

double AnyPositive(std::mt19937_64& random) {
  // Normal numbers of every size.
  return std::bit_cast<double>((random() >> 12) | ((random() % 2046 + 1) << 52));
}

TEST(PortableMathTest, Logarithm) {
  std::mt19937_64 random(1);
  double most = 0;
  for (int i = 0; i < 300000; ++i) {
    const double x = i % 3 == 0   ? AnyPositive(random)
                     : i % 3 == 1 ? (static_cast<double>(random() >> 32) + 1) * 0x1p-32
                                  : 1 + (static_cast<double>(random() % 2000) - 1000) * 1e-6;
    most = std::max(most, Ulps(PortableLog(x), std::log(static_cast<long double>(x))));
  }
  EXPECT_LT(most, 1);
  EXPECT_EQ(PortableLog(1), 0);
  EXPECT_FALSE(std::signbit(PortableLog(1)));
  EXPECT_LT(Ulps(PortableLog(5e-324), std::log(static_cast<long double>(5e-324))), 1);
}

TEST(PortableMathTest, CosineOfTurns) {
  std::mt19937_64 random(2);
  for (int i = 0; i < 300000; ++i) {
    const double turns = static_cast<double>(random() >> 32) * 0x1p-32;
    const long double right = std::cos(2 * std::numbers::pi_v<long double> * turns);
    ASSERT_LT(std::abs(PortableCosOfTurns(turns) - right), 1e-15L) << turns;
  }
  EXPECT_EQ(PortableCosOfTurns(0), 1);
  EXPECT_EQ(PortableCosOfTurns(0.25), 0);
  EXPECT_EQ(PortableCosOfTurns(0.5), -1);
  EXPECT_EQ(PortableCosOfTurns(0.75), 0);
}

TEST(PortableMathTest, ExponentialAndPower) {
  std::mt19937_64 random(3);
  std::uniform_real_distribution<double> exponents(-708, 709);
  std::uniform_real_distribution<double> powers(-1, 1);
  for (int i = 0; i < 300000; ++i) {
    const double x = exponents(random);
    ASSERT_LT(Ulps(PortableExp(x), std::exp(static_cast<long double>(x))), 4) << x;
    const double base = AnyPositive(random);
    const double power = powers(random);
    const long double right = std::pow(static_cast<long double>(base), power);
    ASSERT_LT(Ulps(PortablePow(base, power), right), 4) << base << "^" << power;
  }
}

TEST(PortableMathTest, EndsOfTheRange) {
  const double infinity = std::numeric_limits<double>::infinity();
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const double x : {0.0, 5e-324, 1e-310, 0.5, 1.0, 2.0, 1e300, 1.7e308, infinity, nan}) {
    for (const double y : {-3.0, -1.0, -0.5, -0.1, 0.0, 0.1, 0.5, 0.9, 1.0, 3.0}) {
      const double is = PortablePow(x, y);
      const double right = std::pow(x, y);
      if (std::isnan(right)) {
        EXPECT_TRUE(std::isnan(is)) << x << "^" << y;
      } else if (std::isinf(right) || right == 0) {
        EXPECT_EQ(is, right) << x << "^" << y;
      } else {
        EXPECT_LT(Ulps(is, right), 4) << x << "^" << y;
      }
    }
  }
  EXPECT_EQ(PortableExp(1000), infinity);
  EXPECT_EQ(PortableExp(infinity), infinity);
  EXPECT_EQ(PortableExp(-1000), 0);
  EXPECT_EQ(PortableExp(-infinity), 0);
  EXPECT_TRUE(std::isnan(PortableExp(nan)));
}

// A processor, compiler or flag that gives other bits is found here; a change that is meant changes
// kPortableMathVersion, too.
TEST(PortableMathTest, TheBitsAreTheSameEverywhere) {
  std::mt19937_64 random(4);
  std::vector<double> all;
  for (int i = 0; i < 100000; ++i) {
    const double x = AnyPositive(random);
    const double turns = static_cast<double>(random() >> 32) * 0x1p-32;
    const double y = static_cast<double>(random() >> 11) * 0x1p-53;
    all.insert(all.end(), {PortableLog(x), PortableCosOfTurns(turns), PortableExp(700 * y - 350),
                           PortablePow(x, y)});
  }
  EXPECT_EQ(kPortableMathVersion, 1);
  EXPECT_EQ(Crc32c(std::as_bytes(std::span(all))), 0x8825c27bU);
}

}  // namespace
}  // namespace varscope
