// Random numbers of given seeds: TensorFlow 2.21's own (compat.v1, without version 2's behaviour),
// of the first run of a session and of the second.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <numeric>
#include <vector>

#include "client/graph/handles.h"
#include "client/graph/state.h"
#include "tests/support/no_store.h"
#include "varscope/random.h"
#include "varscope/varscope.h"

namespace varscope {
namespace {

constexpr RandomSeed kSeed{87654321, 42};

class RandomNumbersTest : public ::testing::Test {
 protected:
  RandomNumbersTest() { internal::Unwrap(graph_)->Connect(std::make_shared<testing::NoStore>()); }

  static Output Shaped(std::vector<int32_t> dims) {
    return constant(Tensor::Of<int32_t>({static_cast<int64_t>(dims.size())}, dims));
  }

  // Of two runs of one session.
  template <typename T>
  void Gives(const Output& y, const std::vector<T>& first, const std::vector<T>& second) {
    Session session;
    for (const std::vector<T>& expected : {first, second}) {
      const Tensor value = session.run(y);
      ASSERT_EQ(value.num_elements(), static_cast<int64_t>(expected.size()));
      for (size_t i = 0; i < expected.size(); ++i) Same(value.data<T>()[i], expected[i]);
    }
  }

  // Floats within what the C library's logarithm, sine and cosine may differ by.
  template <typename T>
  static void Same(T actual, T expected) {
    if constexpr (std::is_floating_point_v<T>) {
      const T step = std::abs(std::nextafter(expected, T{1000}) - expected);
      EXPECT_NEAR(actual, expected, 2 * step);
    } else {
      EXPECT_EQ(actual, expected);
    }
  }

  // All bits of a large tensor added up.
  static uint64_t SumOfBits(const Tensor& value) {
    const auto* const bits = value.data<uint32_t>();
    return std::accumulate(bits, bits + value.num_elements(), uint64_t{0});
  }

  Graph graph_;
  ScopeGuard use_ = graph_.as_default();
};

TEST_F(RandomNumbersTest, UniformFloats) {
  Gives<float>(
      random_uniform(Shaped({5}), float32, 0, 1, kSeed, ""),
      {0x1.e7902000p-1F, 0x1.5ad53000p-1F, 0x1.9733f400p-1F, 0x1.82f5d400p-1F, 0x1.e760e800p-2F},
      {0x1.a01fc000p-1F, 0x1.31e9dc00p-1F, 0x1.97a0a000p-1F, 0x1.26ea6800p-1F, 0x1.1a6b6000p-3F});
}

TEST_F(RandomNumbersTest, UniformDoubles) {
  Gives<double>(random_uniform(Shaped({5}), float64, 0, 1, kSeed, ""),
                {0.6181726095777149, 0.36254602252651336, 0.8076457653772362, 0.4881631901754211,
                 0.6897747269334924},
                {0.5019386589480328, 0.3691790245026483, 0.10320139180478738, 0.9878199457916772,
                 0.7460118601115813});
}

TEST_F(RandomNumbersTest, NormalFloats) {
  Gives<float>(random_normal(Shaped({5}), float32, 0, 1, kSeed, ""),
               {-0x1.1f838000p-2F, -0x1.1a1dc600p-3F, -0x1.5a47e000p-1F, 0x1.92b9ba00p-6F,
                -0x1.c983ea00p-1F},
               {-0x1.7b1f9400p-2F, -0x1.0dc3ba00p-1F, -0x1.3dccb000p-2F, -0x1.330a2400p-1F,
                0x1.b1d17200p+0F});
}

TEST_F(RandomNumbersTest, NormalDoubles) {
  Gives<double>(random_normal(Shaped({5}), float64, 0, 1, kSeed, ""),
                {0.7456244549943906, -0.6371964266311646, 0.04856931364585292, -0.6518469707884212,
                 -0.861626965289776},
                {0.8600302541543371, -0.7993138820974477, -0.16294296649584603, 2.124993051461527,
                 -0.14829324021273166});
}

TEST_F(RandomNumbersTest, TruncatedFloats) {
  Gives<float>(
      truncated_normal(Shaped({9}), float32, 0, 1, kSeed, ""),
      {-0x1.1f838000p-2F, -0x1.1a1dc600p-3F, -0x1.5a47e000p-1F, 0x1.92b9ba00p-6F, -0x1.dfb29800p-2F,
       -0x1.4343ea00p-9F, -0x1.f2fd9a00p-1F, 0x1.53e40a00p-1F, 0x1.bf48ca00p-2F},
      {0x1.37cf7e00p+0F, -0x1.981c9c00p-2F, 0x1.47834400p-1F, -0x1.43a4c400p-1F, -0x1.ecb29a00p-2F,
       -0x1.2ecd8e00p-1F, 0x1.de181e00p-2F, 0x1.d1751a00p+0F, -0x1.14c75000p+0F});
}

TEST_F(RandomNumbersTest, TruncatedDoubles) {
  Gives<double>(truncated_normal(Shaped({5}), float64, 0, 1, kSeed, ""),
                {0.7456244549943906, -0.6371964266311646, 1.0386338435537557, 0.8440623680320994,
                 -0.10011952002828886},
                {0.8600302541543371, -0.7993138820974477, -0.05604268674080257, -1.1448212931621742,
                 0.5916136087617655});
}

TEST_F(RandomNumbersTest, Integers) {
  Gives<int32_t>(random_uniform(Shaped({5}), int32, -3, 1000, kSeed, ""), {30, 93, 576, -3, 458},
                 {180, 8, 954, 299, 154});
}

TEST_F(RandomNumbersTest, LongIntegers) {
  Gives<int64_t>(random_uniform(Shaped({5}), int64, -3, 1000000000000, kSeed, ""),
                 {322282222971, 22449203639, 432468075706, 59130516207, 751956190129},
                 {485798497118, 443536920133, 164819684206, 465913249046, 745982486397});
}

TEST_F(RandomNumbersTest, AShuffledVector) {
  Gives<int32_t>(
      random_shuffle(constant(Tensor::Of<int32_t>({10}, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9})), kSeed),
      {2, 0, 7, 8, 9, 3, 6, 4, 1, 5}, {9, 6, 7, 5, 3, 2, 1, 8, 4, 0});
}

TEST_F(RandomNumbersTest, ShuffledRows) {
  Gives<int32_t>(
      random_shuffle(constant(Tensor::Of<int32_t>({6, 2}, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11})),
                     kSeed),
      {4, 5, 10, 11, 6, 7, 8, 9, 2, 3, 0, 1}, {6, 7, 4, 5, 2, 3, 0, 1, 10, 11, 8, 9});
}

TEST_F(RandomNumbersTest, Classes) {
  Gives<int64_t>(
      multinomial(log(constant(Tensor::Of<float>({2, 3}, {0.1F, 0.2F, 0.7F, 0.5F, 0.4F, 0.1F}))), 7,
                  kSeed),
      {2, 2, 2, 2, 2, 2, 2, 0, 0, 0, 1, 1, 1, 0}, {1, 1, 2, 1, 2, 2, 2, 0, 0, 0, 0, 0, 0, 0});
}

TEST_F(RandomNumbersTest, UniformNumbersBetweenLimits) {
  Gives<float>(random_uniform(Shaped({4}), float32, -2, 3, {87654321, 7}, ""),
               {0x1.adc72000p-2F, 0x1.0fe14000p-1F, -0x1.72d4fc00p-1F, -0x1.60547400p+0F},
               {-0x1.e350f000p-2F, 0x1.713bc800p+1F, -0x1.5a8fda00p+0F, -0x1.86c55a00p+0F});
}

TEST_F(RandomNumbersTest, NormalNumbersAroundAMean) {
  Gives<float>(random_normal(Shaped({4}), float32, 1, 0.5, {87654321, 7}, ""),
               {0x1.f3fb5e00p-1F, 0x1.979a1c00p-2F, 0x1.955adc00p+0F, 0x1.95d6e400p+0F},
               {0x1.c70e2200p-1F, 0x1.c3067400p+0F, 0x1.91263400p+0F, 0x1.d66b5800p+0F});
}

TEST_F(RandomNumbersTest, TruncatedNumbersOfADeviation) {
  Gives<float>(truncated_normal(Shaped({4}), float32, 0, 0.1, {87654321, 7}, ""),
               {-0x1.33a9ca00p-8F, -0x1.ed1e5000p-4F, 0x1.ddef8a00p-4F, 0x1.df7c7400p-4F},
               {-0x1.6c725e00p-6F, 0x1.380a5200p-3F, 0x1.d07a4000p-4F, 0x1.57122600p-3F});
}

// Several threads fill them.
TEST_F(RandomNumbersTest, LargeTensors) {
  Session session;
  const Output uniform = random_uniform(Shaped({1000003}), float32, 0, 1, kSeed, "");
  EXPECT_EQ(SumOfBits(session.run(uniform)), 1052777106663262U);
  EXPECT_EQ(SumOfBits(session.run(uniform)), 1052776783022712U);
  const Output integers = random_uniform(Shaped({1000003}), int32, -3, 1000, kSeed, "");
  EXPECT_EQ(SumOfBits(session.run(integers)), 12833860243018U);
  EXPECT_EQ(SumOfBits(session.run(integers)), 12863924434184U);
  const int64_t places[] = {0, 1, 65535, 65536, 500001, 1000000, 1000002};
  const auto has = [&](const Output& y, const std::vector<float>& expected) {
    const Tensor value = session.run(y);
    for (size_t i = 0; i < expected.size(); ++i) Same(value.data<float>()[places[i]], expected[i]);
  };
  const Output normal = random_normal(Shaped({1000003}), float32, 0, 1, kSeed, "");
  has(normal, {-0x1.1f838000p-2F, -0x1.1a1dc600p-3F, 0x1.8ce3e000p+0F, 0x1.ce520200p-4F,
               0x1.cbab0200p-3F, 0x1.98a2bc00p-3F, 0x1.a7957800p-2F});
  has(normal, {-0x1.edb25400p-3F, 0x1.f25aac00p-6F, 0x1.3a3d3a00p+0F, -0x1.d0055e00p-3F,
               -0x1.cfdf4c00p-2F, 0x1.9ceb2a00p-6F, 0x1.22770200p+0F});
  const Output truncated = truncated_normal(Shaped({1000003}), float32, 0, 1, kSeed, "");
  has(truncated, {-0x1.1f838000p-2F, -0x1.1a1dc600p-3F, -0x1.f862b800p-2F, 0x1.4309a200p-1F,
                  -0x1.15d7cc00p-1F, 0x1.c6524200p-2F, -0x1.b7541e00p-2F});
  has(truncated, {-0x1.edb25400p-3F, 0x1.f25aac00p-6F, 0x1.3586fc00p-2F, 0x1.68506e00p+0F,
                  0x1.c518b400p-4F, -0x1.ab7db000p-2F, -0x1.327ab600p+0F});
}

// TensorFlow draws again and again where the result's type has no number as large as the rate.
TEST_F(RandomNumbersTest, EventsOfRatesAboveTheResultsRange) {
  const double kInfinity = std::numeric_limits<double>::infinity();
  const auto drawn = [](double rate, DType dtype) {
    return Session().run(random_poisson(Shaped({2}), constant(Tensor::Scalar(rate)), dtype, kSeed));
  };
  for (const double rate : {0x1p31 - 1, 1e12, 1e300, kInfinity}) {
    EXPECT_EQ(drawn(rate, int32).data<int32_t>()[1], INT32_MAX) << rate;
  }
  for (const double rate : {0x1p63, 1e300, kInfinity}) {
    EXPECT_EQ(drawn(rate, int64).data<int64_t>()[1], INT64_MAX) << rate;
  }
  EXPECT_EQ(drawn(1e300, float32).data<float>()[1], std::numeric_limits<float>::max());
  EXPECT_TRUE(std::isinf(drawn(kInfinity, float32).data<float>()[1]));
  // Below the range's end there are numbers.
  EXPECT_NEAR(drawn(2e9, int32).data<int32_t>()[1], 2e9, 1e6);
  const int64_t many = drawn(std::nextafter(0x1p63, 0), int64).data<int64_t>()[1];
  EXPECT_GT(many, INT64_MAX - (int64_t{1} << 40));
}

TEST_F(RandomNumbersTest, ASessionHasItsOwnStreamAndNoSeedHasNone) {
  const Output y = random_uniform(Shaped({3}), float32, 0, 1, kSeed, "");
  Session first;
  const Tensor one = first.run(y);
  EXPECT_FALSE(BytesEqual(one, first.run(y)));
  EXPECT_TRUE(BytesEqual(one, Session().run(y)));
  const Output free = random_uniform(Shaped({3}), float32, 0, 1, {}, "");
  EXPECT_FALSE(BytesEqual(Session().run(free), Session().run(free)));
  // A shape that the run computes.
  const Output rows = placeholder(int32, {});
  const Output shaped = random_normal(stack({rows, 2}), float32, 0, 1, kSeed, "");
  EXPECT_EQ(shaped.shape().ToString(), "(None, 2)");
  EXPECT_EQ(Session().run(shaped, {{rows, Tensor::Scalar(int32_t{4})}}).shape(), (Shape{4, 2}));
  EXPECT_THROW(Session().run(shaped, {{rows, Tensor::Scalar(int32_t{-4})}}), InvalidArgumentError);
}

}  // namespace
}  // namespace varscope
