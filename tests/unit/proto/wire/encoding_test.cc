// Fewer bytes on the wire: how far from the value, and never anything else than a value.
#include "proto/wire/encoding.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <Eigen/Core>
#include <bit>
#include <cmath>
#include <limits>
#include <random>

namespace varscope::wire {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

Tensor Values(const std::vector<float>& values) {
  return Tensor::Of<float>(Shape{static_cast<int64_t>(values.size())}, values);
}

std::vector<float> Through(Encoding encoding, const std::vector<float>& values,
                           Rounding rounding = Rounding::kNearest) {
  const Tensor tensor = Values(values);
  const Tensor encoded = *Encode(encoding, tensor, rounding);
  EXPECT_EQ(encoded.byte_size(), *EncodedSize(encoding, DType::kFloat32, tensor.shape()));
  const Tensor decoded = *Decode(encoding, encoded, tensor.shape());
  return {decoded.values<float>().begin(), decoded.values<float>().end()};
}

std::vector<float> Normal(size_t n, float stddev) {
  std::mt19937 random(n);
  std::normal_distribution<float> normal(0, stddev);
  std::vector<float> values(n);
  for (float& x : values) x = normal(random);
  return values;
}

TEST(EncodingTest, SizesAreThoseOfTheWire) {
  const auto size = [](Encoding encoding, int64_t n) {
    return *EncodedSize(encoding, DType::kFloat32, Shape{n});
  };
  EXPECT_EQ(size(Encoding::kNone, 10), 40);
  EXPECT_EQ(size(Encoding::kFloat16, 10), 20);
  EXPECT_EQ(size(Encoding::kBfloat16, 10), 20);
  EXPECT_EQ(size(Encoding::kInt8, 256), 260);
  EXPECT_EQ(size(Encoding::kInt8, 257), 265);
  EXPECT_EQ(size(Encoding::kInt8, 0), 0);
  EXPECT_FALSE(EncodedSize(Encoding::kInt8, DType::kInt64, Shape{4}).ok());
  EXPECT_FALSE(EncodedSize(static_cast<Encoding>(9), DType::kFloat32, Shape{4}).ok());
}

TEST(EncodingTest, NearestIsWithinHalfAStep) {
  for (const size_t n : {1, 255, 256, 257, 5000}) {
    const std::vector<float> values = Normal(n, 3);
    float largest = 0;
    for (float x : values) largest = std::max(largest, std::fabs(x));
    const std::vector<float> float16 = Through(Encoding::kFloat16, values);
    const std::vector<float> bfloat16 = Through(Encoding::kBfloat16, values);
    const std::vector<float> int8 = Through(Encoding::kInt8, values);
    for (size_t i = 0; i < n; ++i) {
      EXPECT_LE(std::fabs(float16[i] - values[i]), std::fabs(values[i]) / 2048 + 1e-7F);
      EXPECT_LE(std::fabs(bfloat16[i] - values[i]), std::fabs(values[i]) / 256);
      EXPECT_LE(std::fabs(int8[i] - values[i]), largest / 254 * 1.001F);
    }
  }
}

// In every bit, but for what kind of NaN.
template <typename T>
void ExpectAsEigenHasIt(Encoding encoding, const std::vector<float>& values) {
  const std::vector<float> decoded = Through(encoding, values);
  for (size_t i = 0; i < values.size(); ++i) {
    const auto expected = static_cast<float>(T(values[i]));
    if (std::isnan(expected)) {
      ASSERT_TRUE(std::isnan(decoded[i])) << values[i];
    } else {
      ASSERT_EQ(std::bit_cast<uint32_t>(decoded[i]), std::bit_cast<uint32_t>(expected))
          << values[i];
    }
  }
}

// Every float16, and floats about every place where one is rounded to the next.
TEST(EncodingTest, Float16IsAsEigenHasIt) {
  std::vector<float> values;
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    const auto half = static_cast<float>(std::bit_cast<Eigen::half>(static_cast<uint16_t>(bits)));
    values.push_back(half);
    const auto next =
        static_cast<float>(std::bit_cast<Eigen::half>(static_cast<uint16_t>(bits + 1)));
    const float middle = half / 2 + next / 2;
    for (float x :
         {middle, std::nextafter(middle, kInfinity), std::nextafter(middle, -kInfinity)}) {
      if (std::fabs(x) <= 65504) values.push_back(x);
    }
  }
  ExpectAsEigenHasIt<Eigen::half>(Encoding::kFloat16, values);
}

TEST(EncodingTest, Bfloat16IsAsEigenHasIt) {
  std::vector<float> values;
  for (uint32_t high = 0; high < 0x10000; ++high) {
    for (uint32_t low : {0U, 1U, 0x7fffU, 0x8000U, 0x8001U, 0xffffU}) {
      values.push_back(std::bit_cast<float>(high << 16 | low));
    }
  }
  ExpectAsEigenHasIt<Eigen::bfloat16>(Encoding::kBfloat16, values);
}

TEST(EncodingTest, WhatFitsStaysAsItIs) {
  const std::vector<float> values = {0, -0.0F, 1, -2, 0.5F, 96, -127};
  EXPECT_EQ(Through(Encoding::kFloat16, values), values);
  EXPECT_EQ(Through(Encoding::kBfloat16, values), values);
  EXPECT_EQ(Through(Encoding::kBfloat16, values, Rounding::kStochastic), values);
  EXPECT_EQ(Through(Encoding::kInt8, {0, 1, -127, 64}), (std::vector<float>{0, 1, -127, 64}));
  EXPECT_EQ(Through(Encoding::kInt8, {0, 0}), (std::vector<float>{0, 0}));
}

TEST(EncodingTest, StochasticRoundingKeepsTheMean) {
  // A quarter of the way between two neighbours, 1 and 1 + 1/128.
  const std::vector<float> values(100000, 1 + 1.0F / 512);
  double sum = 0;
  for (float x : Through(Encoding::kBfloat16, values, Rounding::kStochastic)) {
    EXPECT_TRUE(x == 1 || x == 1 + 1.0F / 128) << x;
    sum += x - 1;
  }
  // Ten standard deviations of the mean.
  EXPECT_NEAR(sum / 100000, 1.0 / 512, 10 * 0.44 / 128 / std::sqrt(100000));
}

TEST(EncodingTest, LargeValuesStayFiniteAndNoneOtherBecomesSo) {
  constexpr float kMax = std::numeric_limits<float>::max();
  EXPECT_EQ(Through(Encoding::kFloat16, {1e6F, -1e6F}), (std::vector<float>{65504, -65504}));
  EXPECT_TRUE(std::isfinite(Through(Encoding::kBfloat16, {kMax}, Rounding::kStochastic)[0]));
  EXPECT_TRUE(std::isfinite(Through(Encoding::kInt8, {kMax, 1})[0]));
  EXPECT_EQ(Through(Encoding::kInt8, {1e-42F, 0})[1], 0);
  for (const Encoding encoding : {Encoding::kFloat16, Encoding::kBfloat16, Encoding::kInt8}) {
    for (const float bad : {kInfinity, -kInfinity, std::nanf("")}) {
      const std::vector<float> values = Through(encoding, {1, bad, 2}, Rounding::kStochastic);
      EXPECT_FALSE(std::isfinite(values[1])) << "encoding " << static_cast<int>(encoding);
    }
  }
}

TEST(EncodingTest, AnyBytesDecode) {
  std::mt19937 random(3);
  for (const Encoding encoding : {Encoding::kFloat16, Encoding::kBfloat16, Encoding::kInt8}) {
    for (int64_t n = 0; n < 600; n += 37) {
      const auto size = static_cast<int64_t>(*EncodedSize(encoding, DType::kFloat32, Shape{n}));
      Tensor bytes(DType::kUint8, Shape{size});
      for (uint8_t& b : bytes.mutable_values<uint8_t>()) b = static_cast<uint8_t>(random());
      EXPECT_EQ(Decode(encoding, bytes, Shape{n})->num_elements(), n);
    }
  }
}

}  // namespace
}  // namespace varscope::wire
