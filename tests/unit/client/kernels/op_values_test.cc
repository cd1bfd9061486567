// Shapes that only a run can tell, second derivatives, NaN and infinities: what TensorFlow gives.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <set>
#include <string>
#include <vector>

#include "client/graph/handles.h"
#include "client/graph/op_def.h"
#include "client/graph/state.h"
#include "tests/support/no_store.h"
#include "varscope/array_ops.h"
#include "varscope/math_ops.h"
#include "varscope/varscope.h"

namespace varscope {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
const float kNan = std::nanf("");

class OpValuesTest : public ::testing::Test {
 protected:
  OpValuesTest() { internal::Unwrap(graph_)->Connect(std::make_shared<testing::NoStore>()); }

  std::string Run(const Output& y, const std::vector<Feed>& feeds = {}) {
    return Summarize(Session().run(y, feeds));
  }
  Output Gradient(const Output& y, const Output& x) {
    return gradients({y}, std::vector<Output>{x})[0].values;
  }
  std::string SecondGradient(const Output& y, const Output& x) {
    return Run(Gradient(reduce_sum(Gradient(y, x)), x));
  }
  void Refuses(const Output& y, const Tensor& u) {
    EXPECT_THROW(Session().run(y, {{unknown_, u}}), InvalidArgumentError) << y.op().type();
  }

  Graph graph_;
  ScopeGuard use_ = graph_.as_default();
  Output unknown_ = placeholder(float32);
};

TEST_F(OpValuesTest, WhatDoesNotFitIsRefusedInTheRun) {
  const Output u = unknown_;
  const Tensor matrix = Tensor::Of<float>({2, 3}, {1, 2, 3, 4, 5, 6});
  const Output three = constant(Tensor::Of<float>({3}, {1, 2, 3}));
  const std::vector<Output> of_a_matrix = {where(greater(u, 0), u, three),
                                           expand_dims(u, 9),
                                           transpose(u, {0}),
                                           transpose(u, {1, 0, 2}),
                                           concat({u, u}, 3),
                                           slice(u, {0}, {1}),
                                           tile(u, {2}),
                                           pad(u, {{1, 1}}),
                                           reduce_sum(u, 500000000),
                                           reduce_max(u, -5),
                                           nn::bias_add(constant(Tensor(float32, {2, 3})), u),
                                           squeeze(u, {1}),
                                           reshape(u, {4})};
  for (const Output& y : of_a_matrix) Refuses(y, matrix);
  const std::vector<Output> of_a_scalar = {gather(u, 0), matmul(u, u), concat({u, u}, 0),
                                           reduce_sum(u, -1), nn::softmax(u)};
  for (const Output& y : of_a_scalar) Refuses(y, Tensor::Scalar(1.0F));
}

TEST_F(OpValuesTest, AGradientsWeightsHaveTheShapeOfTheResult) {
  const Output x = constant(Tensor::Of<float>({2, 3}, {1, 2, 3, 4, 5, 6}));
  for (const Output& y :
       {x + 0, reduce_sum(x, 0), slice(x, {0, 0}, {1, 1}), pad(x, {{1, 1}, {0, 0}}),
        concat({x, x}, 0), stack({x, x}), tile(x, {2, 1})}) {
    Refuses(gradients({y}, std::vector<Output>{x}, {unknown_})[0].values,
            Tensor::Of<float>({7}, {1, 2, 3, 4, 5, 6, 7}));
  }
}

TEST_F(OpValuesTest, SizesThatNoMemoryHasAreErrors) {
  EXPECT_THROW(zeros({-1}), ValueError);
  EXPECT_THROW(zeros(Shape::Unknown()), ValueError);
  EXPECT_THROW(zeros({int64_t{1} << 60}), ResourceExhaustedError);
  EXPECT_THROW(random_uniform({-1}), ValueError);
  EXPECT_THROW(Run(one_hot(constant(1, int32), int64_t{1} << 60)), ResourceExhaustedError);
  EXPECT_THROW(Run(tile(constant({1, 2}), {INT64_MAX})), InvalidArgumentError);
  EXPECT_THROW(reshape(constant(Tensor(float32, {0})), {int64_t{1} << 32, int64_t{1} << 32}),
               ValueError);
}

TEST_F(OpValuesTest, WhatIsNotDefinedIsRefused) {
  EXPECT_THROW(Output() * 0.5, ValueError);
  EXPECT_THROW(add(Output(), 1), ValueError);
  EXPECT_THROW(clip_by_value(Output(), -1, 1), ValueError);
  EXPECT_THROW(reduce_sum(Output()), ValueError);
  EXPECT_THROW(gradients({Output()}, std::vector<Output>{unknown_}), ValueError);
  EXPECT_THROW(group({Operation()}), ValueError);
  Graph other;
  EXPECT_THROW(
      {
        const auto inside = other.as_default();
        group({unknown_.op()});
      },
      ValueError);
}

TEST_F(OpValuesTest, SecondDerivativesHaveAllTheirTerms) {
  const Output x = constant({1, 2});
  const Output cubes = reduce_sum(pow(x, 3.0));
  EXPECT_EQ(SecondGradient(cubes + reduce_sum(square(concat({x, x}, 0))), x), "[10 16]");
  EXPECT_EQ(SecondGradient(cubes + reduce_sum(square(tile(x, {2}))), x), "[10 16]");
  EXPECT_EQ(SecondGradient(cubes + reduce_sum(square(slice(x, {1}, {1}))), x), "[6 14]");
  EXPECT_EQ(SecondGradient(cubes + reduce_sum(square(pad(x, {{1, 1}}))), x), "[8 14]");
  EXPECT_EQ(SecondGradient(cubes + reduce_sum(square(stack({x, x}))), x), "[10 16]");
  EXPECT_EQ(SecondGradient(reduce_sum(square(concat({x, x * x}, 0))), x), "[14 50]");
  const Output pair = constant({2, 3});
  EXPECT_EQ(SecondGradient(reduce_prod(pair), pair), "[1 1]");
  const Output zero = constant({0});
  EXPECT_EQ(SecondGradient(reduce_prod(zero), zero), "[0]");
  const Output image = constant(Tensor::Of<float>({1, 2, 2, 1}, {1, 2, 3, 4}));
  const std::vector<int64_t> two = {1, 2, 2, 1};
  const auto pooled = [&](auto pool) {
    return reduce_sum(square(pool(image, two, two, "VALID", "")));
  };
  EXPECT_EQ(SecondGradient(pooled(nn::avg_pool), image), "[0.5 0.5 0.5 0.5]");
  EXPECT_EQ(SecondGradient(pooled(nn::max_pool), image), "[0 0 0 2]");
}

TEST_F(OpValuesTest, TheSecondDerivativeOfALossHasBothItsParts) {
  const Output x = constant(Tensor::Of<float>({1, 3}, {1.371F, 1.122F, 1.416F}));
  const Output label = constant(Tensor::Of<int32_t>({1}, {0}));
  const Output h = square(nn::sparse_softmax_cross_entropy_with_logits(label, x));
  const Tensor second = Session().run(Gradient(reduce_sum(square(Gradient(h, x))), x));
  EXPECT_NEAR(second.data<float>()[0], -5.312, 2e-3);
  EXPECT_NEAR(second.data<float>()[1], 2.140, 2e-3);
  EXPECT_NEAR(second.data<float>()[2], 3.172, 2e-3);
}

// Sources have nothing to pass a gradient to.
TEST_F(OpValuesTest, EveryOpWithInputsHasAGradientOrIsDeclaredToHaveNone) {
  const std::set<absl::string_view> without = {
      "Const", "Placeholder", "RandomUniform", "RandomStandardNormal", "ReadVariableOp",
      "VarHandleOp", "NoOp", "AssignVariableOp", "AssignAddVariableOp", "AssignSubVariableOp",
      "ResourceScatterUpdate", "ResourceScatterAdd", "ResourceScatterSub", "ApplyGradients",
      "InitializeVariables",
      // As in TensorFlow.
      "Unique", "ListDiff", "RandomGammaGrad"};
  for (const absl::string_view name : internal::OpNames()) {
    EXPECT_EQ(internal::FindOp(name).gradient == nullptr, without.contains(name)) << name;
  }
}

TEST_F(OpValuesTest, ZeroHasASign) {
  const Output zero = constant({0});
  EXPECT_EQ(Run(reciprocal(negative(zero))), "[-inf]");
  EXPECT_EQ(Run(reciprocal(negative(negative(zero)))), "[inf]");
  const Output one = constant({1});
  EXPECT_EQ(Run(Gradient(acos(one), one)), "[-inf]");
}

TEST_F(OpValuesTest, NoNanEqualsAnother) {
  const Unique found = unique(constant({kNan, 1, kNan, 1, -0.0F, 0}));
  EXPECT_EQ(Run(found.y), "[nan 1 nan -0]");
  EXPECT_EQ(Run(found.idx), "[0 1 2 1 3 3]");
}

TEST_F(OpValuesTest, TheSlopeOfSoftsignAtInfinityIsZero) {
  const Output x = constant({kInf, -kInf, 1});
  EXPECT_EQ(Run(Gradient(softsign(x), x)), "[0 0 0.25]");
}

TEST_F(OpValuesTest, NanAndInfinityGoThrough) {
  EXPECT_EQ(Run(reduce_max(constant({1, kNan, 0}))), "[nan]");
  EXPECT_EQ(Run(reduce_min(constant({0, kNan, 1}))), "[nan]");
  EXPECT_EQ(Run(sqrt(constant({kInf, kInf, kInf, kInf, kInf, 4}))), "[inf inf inf inf inf 2]");
  EXPECT_EQ(Run(reduce_logsumexp(constant({-kInf, -kInf}))), "[-inf]");
  EXPECT_EQ(Run(reduce_logsumexp(constant({kInf, 1}))), "[inf]");
  EXPECT_EQ(Run(nn::log_softmax(constant({1e6F, 1e6F}))), "[-0.693147 -0.693147]");
  const Output x = constant({0, 4});
  EXPECT_EQ(Run(Gradient(sqrt(x) * constant({0, 1}), x)), "[0 0.25]");
  EXPECT_EQ(Run(Gradient(rsqrt(x) * constant({0, 1}), x)), "[0 -0.0625]");
  EXPECT_EQ(Run(Gradient(reciprocal(x) * constant({0, 1}), x)), "[0 -0.0625]");
}

// As TensorFlow's, which divides by the root once more.
TEST_F(OpValuesTest, SecondDerivativesWhereTheSlopeIsInfinite) {
  const Output x = constant({0, 4});
  const auto second = [&](const Output& y) {
    const Output first = Gradient(y * constant({0, 1}), x);
    return Session().run(Gradient(reduce_sum(square(first)), x));
  };
  const Tensor of_sqrt = second(sqrt(x));
  EXPECT_TRUE(std::isnan(of_sqrt.data<float>()[0]));
  EXPECT_EQ(of_sqrt.data<float>()[1], -1.0F / 64);
  const Tensor of_rsqrt = second(rsqrt(x));
  EXPECT_TRUE(std::isnan(of_rsqrt.data<float>()[0]));
  EXPECT_EQ(of_rsqrt.data<float>()[1], -3.0F / 1024);
  const Tensor of_reciprocal = second(reciprocal(x));
  EXPECT_TRUE(std::isnan(of_reciprocal.data<float>()[0]));
  EXPECT_EQ(of_reciprocal.data<float>()[1], -1.0F / 256);
}

TEST_F(OpValuesTest, ReluHidesNoInfiniteGradient) {
  const Output x = constant({-1, 2, 7});
  const Output weights = constant({kInf, kInf, kInf});
  const auto gradient = [&](const Output& y) {
    return Session().run(gradients({y}, std::vector<Output>{x}, {weights})[0].values);
  };
  const Tensor of_relu = gradient(nn::relu(x));
  EXPECT_TRUE(std::isnan(of_relu.data<float>()[0]));
  EXPECT_EQ(of_relu.data<float>()[1], kInf);
  const Tensor of_relu6 = gradient(nn::relu6(x));
  EXPECT_TRUE(std::isnan(of_relu6.data<float>()[0]));
  EXPECT_EQ(of_relu6.data<float>()[1], kInf);
  EXPECT_TRUE(std::isnan(of_relu6.data<float>()[2]));
}

TEST_F(OpValuesTest, ASumOfNegativeZerosIsZero) {
  const Output zeros = constant({-0.0F, -0.0F});
  const Output rows = expand_dims(zeros, 1);
  EXPECT_EQ(Run(reciprocal(reduce_sum(zeros))), "[inf]");
  EXPECT_EQ(Run(reciprocal(reduce_sum(rows, 0))), "[inf]");
  // Nothing is added.
  EXPECT_EQ(Run(reciprocal(reduce_sum(rows, 1))), "[-inf -inf]");
  const Output one = constant(Tensor::Of<float>({1, 1}, {-1}));
  EXPECT_EQ(Run(reciprocal(nn::softmax_cross_entropy_with_logits_v2(one, one))), "[inf]");
}

// As TensorFlow takes them, in the calling thread and in the others.
TEST_F(OpValuesTest, DenormalsAreZero) {
  constexpr float kDenormal = 1e-40F;
  EXPECT_EQ(Run(constant({kDenormal}) * constant({1e30F})), "[0]");
  EXPECT_EQ(Run(constant({1e-30F}) * constant({1e-10F})), "[0]");
  const Tensor many = Tensor::Of<float>({1 << 20}, std::vector<float>(1 << 20, kDenormal));
  EXPECT_EQ(Run(reduce_max(constant(many) * 1e30F)), "[0]");
  volatile float outside = kDenormal;
  EXPECT_GT(outside * 1e30F, 0) << "only kernels do";
}

// Whole vectors of a processor, and what is left over.
TEST_F(OpValuesTest, WhatIsTooSmallIsZero) {
  for (int count = 1; count <= 17; ++count) {
    const Tensor lowest = Tensor::Of<float>({count}, std::vector<float>(count, -kInf));
    const Tensor small = Tensor::Of<double>({count}, std::vector<double>(count, -800));
    for (const Tensor& x : {lowest, small}) {
      EXPECT_EQ(Run(reduce_max(exp(constant(x)))), "[0]") << count;
      EXPECT_EQ(Run(reduce_max(sigmoid(constant(x)))), "[0]") << count;
    }
    const Output row = concat({constant(lowest), constant({1})}, 0);
    EXPECT_EQ(Run(reduce_max(slice(nn::softmax(row), {0}, {count}))), "[0]") << count;
  }
}

TEST_F(OpValuesTest, WhatTheGraphDoesNotKnowIsComputed) {
  const Output u = unknown_;
  const std::vector<Feed> matrix = {{u, Tensor::Of<float>({2, 2}, {1, 2, 3, 4})}};
  EXPECT_EQ(Run(reduce_sum(u), matrix), "[10]");
  EXPECT_EQ(Run(reshape(constant(Tensor(float32, {2, 3, 0})), {0, -1})), "[]");
  const varscope::Gradient rows = gradients({gather(u, 1)}, std::vector<Output>{u})[0];
  EXPECT_EQ(Run(rows.values, matrix), "[1 1]");
  const Output labels = constant(Tensor::Of<int32_t>({}, {0}));
  EXPECT_EQ(Run(nn::sparse_softmax_cross_entropy_with_logits(labels, u),
                {{u, Tensor::Of<float>({2}, {0, 0})}}),
            "[0.693147]");
  EXPECT_THROW(
      nn::sigmoid_cross_entropy_with_logits(constant(Tensor(float32, {3, 1})), constant({1, 2, 3})),
      ValueError);
  EXPECT_THROW(divide(constant(1, int32), constant(1.0)), TypeError);
}

template <typename T>
Output Repeated(T value, int64_t times) {
  return constant(Tensor::Of<T>({times}, std::vector<T>(times, value)));
}

// What TensorFlow 2.21 gives: the sum and the count of a mean have as many bits as they need.
TEST_F(OpValuesTest, MeansOfIntegersFitInThem) {
  const auto check = [&](auto zero) {
    using T = decltype(zero);
    for (const int64_t count : {1, 2, 3, 255, 256, 257, 65536}) {
      for (const T value : {T{1}, T{2}, std::numeric_limits<T>::max()}) {
        if (sizeof(T) == 8 && value > 2) continue;
        const Output x = Repeated<T>(value, count);
        const std::string expected = Summarize(Tensor::Of<T>({1}, {value}));
        EXPECT_EQ(Run(reduce_mean(x)), expected) << count;
        EXPECT_EQ(Run(reduce_mean(reshape(x, {1, count}), 1)), expected) << count;
        EXPECT_EQ(Run(reduce_mean(reshape(x, {count, 1}), 0)), expected) << count;
        EXPECT_EQ(Run(reduce_mean(reshape(x, {1, count, 1}), 1)), expected) << count;
      }
    }
    EXPECT_EQ(Run(reduce_mean(Repeated<T>(1, 0))), "[0]");
    EXPECT_EQ(Run(reduce_mean(reshape(Repeated<T>(1, 0), {2, 0}), 1)), "[0 0]");
  };
  check(int32_t{});
  check(int64_t{});
  check(uint8_t{});
  EXPECT_EQ(Run(reduce_mean(constant(Tensor::Of<int32_t>({2}, {-3, -4})))), "[-3]");
  EXPECT_EQ(Run(reduce_mean(constant(Tensor::Of<uint8_t>({2, 2}, {200, 100, 250, 101})), 0)),
            "[225 100]");
}

TEST_F(OpValuesTest, SumsAndProductsOfIntegersWrap) {
  const auto check = [&](auto zero, const std::string& twice, const std::string& cubed) {
    using T = decltype(zero);
    const T most = std::numeric_limits<T>::max();
    EXPECT_EQ(Run(reduce_sum(Repeated<T>(most, 2))), twice);
    EXPECT_EQ(Run(reduce_sum(reshape(Repeated<T>(most, 2), {2, 1}), 0)), twice);
    EXPECT_EQ(Run(reduce_sum(reshape(Repeated<T>(most, 2), {1, 2, 1}), 1)), twice);
    EXPECT_EQ(Run(add_n({Repeated<T>(most, 1), Repeated<T>(most, 1)})), twice);
    EXPECT_EQ(Run(reduce_prod(Repeated<T>(most - 1, 3))), cubed);
    EXPECT_EQ(Run(reduce_prod(reshape(Repeated<T>(most - 1, 3), {3, 1}), 0)), cubed);
  };
  check(int32_t{}, "[-2]", "[-8]");
  check(int64_t{}, "[-2]", "[-8]");
  check(uint8_t{}, "[254]", "[248]");
}

TEST_F(OpValuesTest, DivisionIsTensorFlowsTrueDivision) {
  for (const DTypeInfo& info : kDTypes) {
    Tensor six(info.dtype, Shape{1});
    std::memset(six.mutable_raw(), 0, six.byte_size());
    const Output x = constant(six);
    if (info.dtype == bool_) {
      EXPECT_THROW(divide(x, x), TypeError);
      EXPECT_THROW(x / x, TypeError);
    } else if (info.integer) {
      const DType quotient = info.size <= 2 ? float32 : float64;
      EXPECT_EQ(divide(x, x).dtype(), quotient) << info.name;
      EXPECT_EQ((x / x).dtype(), quotient) << info.name;
      EXPECT_EQ(Run(divide(cast(constant({6}), info.dtype), cast(constant({4}), info.dtype))),
                "[1.5]")
          << info.name;
    } else if (info.size >= 4) {
      EXPECT_EQ(divide(x, x).dtype(), info.dtype);
    }
  }
  EXPECT_EQ(divide(7, 2).dtype(), float64);
  EXPECT_EQ(Run(divide(7, 2)), "[3.5]");
}

// As TensorFlow's, which adds a multiple of the range.
TEST_F(OpValuesTest, RandomNumbersOfAnyParameters) {
  const auto within = [&](double minval, double maxval) {
    const Tensor drawn = Session().run(random_uniform({1000}, minval, maxval));
    for (const float x : drawn.values<float>()) {
      EXPECT_GE(x, std::min(minval, maxval));
      EXPECT_LE(x, std::max(minval, maxval));
    }
  };
  within(0, 1);
  within(2, 1);
  within(-1, -5);
  within(3, 3);
  within(-3e38, 3e38);
  EXPECT_EQ(Run(random_uniform({2}, kNan, 1)), "[nan nan]");
  EXPECT_EQ(Run(random_normal({2}, 5, 0)), "[5 5]");
  EXPECT_EQ(Run(random_normal({2}, kNan, 1)), "[nan nan]");
  EXPECT_EQ(Run(random_normal({2}, 0, kNan)), "[nan nan]");
  const Tensor drawn = Session().run(random_normal({10000}, 3, -2));
  double sum = 0;
  double squares = 0;
  for (const float x : drawn.values<float>()) {
    sum += x;
    squares += (x - 3) * (x - 3);
  }
  EXPECT_NEAR(sum / 10000, 3, 0.2);
  EXPECT_NEAR(squares / 10000, 4, 0.5);
}

TEST_F(OpValuesTest, NumbersKeepTheirKind) {
  const int64_t odd = (int64_t{1} << 53) + 1;
  const auto of = [](const Output& y) { return Session().run(y); };
  EXPECT_EQ(of(constant(odd, int64)).scalar<int64_t>(), odd);
  EXPECT_EQ(of(add(constant(Tensor::Scalar<int64_t>(0)), odd)).scalar<int64_t>(), odd);
  EXPECT_EQ(of(constant(Tensor::Scalar<int64_t>(0)) + odd).scalar<int64_t>(), odd);
  EXPECT_EQ(of(constant(std::numeric_limits<uint64_t>::max(), uint64)).scalar<uint64_t>(),
            std::numeric_limits<uint64_t>::max());
  EXPECT_EQ(of(constant(std::numeric_limits<uint64_t>::max(), float64)).scalar<double>(), 0x1p64);
  EXPECT_EQ(constant(3).dtype(), int32);
  EXPECT_EQ(constant(3U).dtype(), int32);
  EXPECT_EQ(constant(3LL).dtype(), int32);
  EXPECT_EQ(constant(3.0).dtype(), float32);
  EXPECT_EQ(constant(true).dtype(), bool_);
  EXPECT_EQ(constant(int64_t{1} << 40).dtype(), int64);
  EXPECT_EQ(constant(-(int64_t{1} << 40)).dtype(), int64);
  EXPECT_EQ(convert_to_tensor(7).dtype(), int32);
  EXPECT_EQ(convert_to_tensor(int64_t{1} << 40).dtype(), int64);
  EXPECT_EQ(Run(constant(300, uint8)), "[44]");
  EXPECT_EQ(Run(constant(-1, uint8)), "[255]");
  EXPECT_EQ(Run(constant(true, float32)), "[1]");
  EXPECT_EQ(Run(constant(2.7, float64)), "[2.7]");
  for (const DTypeInfo& info : kDTypes) {
    if (info.floating) continue;
    EXPECT_THROW(constant(2.7, info.dtype), TypeError) << info.name;
    EXPECT_THROW(constant(2.0F, info.dtype), TypeError) << info.name;
  }
  EXPECT_THROW(constant(1, bool_), TypeError);
  EXPECT_THROW(equal(constant(true), 1), TypeError);
  EXPECT_EQ(Run(equal(constant(true), true)), "[1]");
}

}  // namespace
}  // namespace varscope
