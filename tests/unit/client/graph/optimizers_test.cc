// The hyperparameters that a push has.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <string>

#include "absl/strings/str_cat.h"
#include "tests/support/tensors.h"
#include "tests/unit/client/session/counting_store.h"
#include "varscope/varscope.h"

namespace varscope {
namespace {

class PushedHyperparametersTest : public PlanTest {
 protected:
  std::map<std::string, double> PushedBy(const train::Optimizer& optimizer) {
    Session().run(optimizer.minimize(reduce_sum(square(w_)), {}, {w_}));
    return store_->pushes.back().steps[0].state.hyperparameters;
  }

  const Variable w_ = get_variable("w", {2});
};

TEST_F(PushedHyperparametersTest, ANumberIsTheFloat32ThatTensorFlowMakesOfIt) {
  std::map<std::string, double> h = PushedBy(train::AdamOptimizer(0.1, {.beta1 = 0.7}));
  EXPECT_EQ(h["learning_rate"], static_cast<double>(0.1F));
  EXPECT_EQ(h["beta1"], static_cast<double>(0.7F));
  EXPECT_EQ(h["beta2"], static_cast<double>(0.999F));
  EXPECT_EQ(h["epsilon"], static_cast<double>(1e-8F));
  h = PushedBy(train::AdamWOptimizer(0.3));
  EXPECT_EQ(h["weight_decay"], static_cast<double>(0.3F));
  EXPECT_EQ(h["beta2"], static_cast<double>(0.999F));
  h = PushedBy(train::LAMBOptimizer(0.1));
  EXPECT_EQ(h["beta1"], static_cast<double>(0.9F));
}

TEST_F(PushedHyperparametersTest, ATensorStaysAsItIs) {
  EXPECT_EQ(
      PushedBy(train::GradientDescentOptimizer(constant(Tensor::Scalar(0.1))))["learning_rate"],
      0.1);
  EXPECT_EQ(PushedBy(train::GradientDescentOptimizer(Tensor::Scalar(0.1)))["learning_rate"], 0.1);
}

TEST_F(PushedHyperparametersTest, ANumberThatFloat32DoesNotHaveStays) {
  for (const double number : {1e300, -1e300, 1e-300, 0.0}) {
    EXPECT_EQ(PushedBy(train::GradientDescentOptimizer(number))["learning_rate"], number);
  }
}

TEST_F(PushedHyperparametersTest, WhatSlotsBeginWithIsNotRounded) {
  EXPECT_EQ(PushedBy(train::AdagradOptimizer(
                0.1, {.initial_accumulator_value = 0.3}))["initial_accumulator_value"],
            0.3);
}

TEST(OptimizerTest, RefusesWhatNoPushCouldHave) {
  for (const double wrong : {-1.0, HUGE_VAL, std::nan("")}) {
    train::Optimizer optimizer = train::GradientDescentOptimizer(1.0);
    EXPECT_THROW(optimizer.with({.clip_norm = wrong}), ValueError) << wrong;
    EXPECT_THROW(optimizer.with({.clip_value = wrong}), ValueError) << wrong;
  }
  train::Optimizer optimizer = train::GradientDescentOptimizer(1.0);
  EXPECT_THROW(optimizer.with({.weight_decay = INFINITY}), ValueError);
  EXPECT_NO_THROW(optimizer.with({.clip_norm = 1, .weight_decay = -1}));
}

// With TensorFlow's text.
TEST(OptimizerTest, TrainsRealNumbersOnly) {
  Graph graph;
  const auto use = graph.as_default();
  const train::Optimizer optimizer = train::GradientDescentOptimizer(1.0);
  for (const DType dtype : testing::AllDTypes()) {
    const Variable w = get_variable(std::string(Name(dtype)), {.shape = Shape{2}, .dtype = dtype});
    const train::GradientsAndVariables update = {{Gradient{placeholder(dtype, Shape{2})}, w}};
    if (dtype == DType::kFloat32 || dtype == DType::kFloat64) {
      EXPECT_NO_THROW(optimizer.apply_gradients(update));
      continue;
    }
    try {
      optimizer.apply_gradients(update);
      ADD_FAILURE() << Name(dtype);
    } catch (const ValueError& error) {
      EXPECT_EQ(error.message(), absl::StrCat("Invalid type tf.", Name(dtype), " for ", w.name(),
                                              ", expected: [tf.float32, tf.float64]."));
    }
  }
}

}  // namespace
}  // namespace varscope
