// The factors of matrices give these again; what has no factors, or no gradient, is an error.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "client/graph/handles.h"
#include "client/graph/state.h"
#include "tests/support/no_store.h"
#include "tests/support/tensors.h"
#include "varscope/array_ops.h"
#include "varscope/math_ops.h"
#include "varscope/varscope.h"

namespace varscope {
namespace {

using ::testing::DoubleNear;
using ::testing::Each;
using ::testing::Pointwise;

class DecompositionsTest : public ::testing::Test {
 protected:
  DecompositionsTest() { internal::Unwrap(graph_)->Connect(std::make_shared<testing::NoStore>()); }

  Tensor Random(const Shape& shape) {
    Tensor tensor(float64, shape);
    std::normal_distribution<double> normal;
    for (double& x : tensor.mutable_values<double>()) x = normal(random_);
    return tensor;
  }
  void ExpectSame(const Output& product, const Tensor& x) {
    const Tensor value = Session().run(product, {{u_, x}});
    ASSERT_EQ(value.shape(), x.shape());
    EXPECT_THAT(value.values<double>(), Pointwise(DoubleNear(1e-9), x.values<double>()));
  }
  Output Slope(const Output& y) { return gradients({y}, std::vector<Output>{u_})[0].values; }

  std::mt19937 random_{11};
  Graph graph_;
  ScopeGuard use_ = graph_.as_default();
  Output u_ = placeholder(float64, Shape::Unknown(), "u");
};

TEST_F(DecompositionsTest, TheFactorsGiveTheMatrices) {
  const SingularValues few = svd(u_);
  const OrthogonalTriangular factors = qr(u_);
  const OrthogonalTriangular whole = qr(u_, true);
  const Output product = matmul(few.u * expand_dims(few.s, -2), few.v, false, true);
  for (const Shape& shape :
       {Shape{1, 1}, Shape{4, 4}, Shape{5, 2}, Shape{2, 5}, Shape{3, 4, 2}, Shape{2, 2, 3, 3},
        Shape{0, 3, 3}, Shape{20, 17}, Shape{0, 3}, Shape{3, 0}, Shape{2, 0, 0}}) {
    const Tensor x = Random(shape);
    ExpectSame(product, x);
    ExpectSame(matmul(factors.q, factors.r), x);
    ExpectSame(matmul(whole.q, whole.r), x);
  }
  const EigenPairs pairs = self_adjoint_eig(u_);
  const Output again =
      matmul(pairs.vectors * expand_dims(pairs.values, -2), pairs.vectors, false, true);
  for (const int64_t n : {0, 1, 2, 5, 18}) {
    const Tensor x = Random({2, n, n});
    ExpectSame(again, Session().run(matmul(constant(x), constant(x), false, true)));
  }
}

TEST_F(DecompositionsTest, TheBandOfMatrices) {
  const Output x = reshape(range(1, 13, 1), {3, 4});
  const auto band = [&](int64_t lower, int64_t upper) {
    return Summarize(Session().run(matrix_band_part(x, lower, upper)), 12);
  };
  EXPECT_EQ(band(-1, -1), "[1 2 3 4 5 6 7 8 9 10 11 12]");
  EXPECT_EQ(band(0, 0), "[1 0 0 0 0 6 0 0 0 0 11 0]");
  EXPECT_EQ(band(-1, 0), "[1 0 0 0 5 6 0 0 9 10 11 0]");
  EXPECT_EQ(band(0, -1), "[1 2 3 4 0 6 7 8 0 0 11 12]");
  EXPECT_EQ(band(1, 1), "[1 2 0 0 5 6 7 0 0 10 11 12]");
  EXPECT_EQ(band(3, 4), band(-1, -1));
  constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
  EXPECT_THROW(band(kMost, 0), InvalidArgumentError);
  EXPECT_THROW(band(0, kMost), InvalidArgumentError);
  const Output tall = matrix_band_part(ones({4, 1}), 0, 0);
  EXPECT_EQ(Summarize(Session().run(tall)), "[1 0 0 0]");
  EXPECT_THROW(matrix_band_part(ones({4}), 0, 0), ValueError);
}

TEST_F(DecompositionsTest, ADeterminantOfUnknownRankHasAGradient) {
  const Tensor x = Random({3, 2, 2});
  const Output slope = Slope(matrix_determinant(u_));
  const double* const m = x.data<double>();
  std::vector<double> expected;
  for (int i = 0; i < 3; ++i) {
    const double* const of = m + 4 * i;
    expected.insert(expected.end(), {of[3], -of[2], -of[1], of[0]});
  }
  EXPECT_THAT(Session().run(slope, {{u_, x}}).values<double>(),
              Pointwise(DoubleNear(1e-9), expected));
}

// Their sum is that of the diagonal.
TEST_F(DecompositionsTest, EigenvaluesOfUnknownRankHaveAGradient) {
  const Output slope = Slope(reduce_sum(self_adjoint_eigvals(u_)));
  const Tensor values = Session().run(slope, {{u_, Random({2, 2, 2})}});
  EXPECT_THAT(values.values<double>(),
              Pointwise(DoubleNear(1e-9), {1.0, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 1.0}));
}

TEST_F(DecompositionsTest, WhatHasNoGradientIsSaid) {
  EXPECT_THROW(Slope(svd(u_).u), LookupError);
  EXPECT_THROW(Slope(qr(u_).q), LookupError);
  const Output tall = placeholder(float64, {4, 2});
  EXPECT_THROW(gradients({qr(tall, true).q}, std::vector<Output>{tall}), LookupError);
  EXPECT_THROW(gradients({svd(tall, true).u}, std::vector<Output>{tall}), LookupError);
  EXPECT_NO_THROW(gradients({qr(tall).q}, std::vector<Output>{tall}));
}

TEST_F(DecompositionsTest, WhatHasNoFactorsIsRefusedOrNaN) {
  EXPECT_THROW(self_adjoint_eig(ones({2, 3})), ValueError);
  EXPECT_THROW(svd(ones({3})), ValueError);
  EXPECT_THROW(qr(constant({1, 2})), ValueError);
  for (const Shape& shape : {Shape{}, Shape{3}}) {
    for (const Output& y : {svd(u_).s, qr(u_).q, self_adjoint_eigvals(u_)}) {
      EXPECT_THROW(Session().run(y, {{u_, testing::Zeros(float64, shape)}}), InvalidArgumentError);
    }
  }
  Tensor bad = Random({3, 3});
  for (const double x : {std::nan(""), std::numeric_limits<double>::infinity()}) {
    bad.mutable_data<double>()[0] = x;
    const std::vector<Tensor> values = Session().run({svd(u_).s, svd(u_).v}, {{u_, bad}});
    for (const Tensor& value : values) {
      EXPECT_THAT(value.values<double>(), Each(::testing::IsNan()));
    }
    EXPECT_NO_THROW(Session().run(qr(u_).r, {{u_, bad}}));
  }
}

}  // namespace
}  // namespace varscope
