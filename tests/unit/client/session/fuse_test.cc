// A convolution with its bias and relu is one kernel, and gives the same bits as three.
#include "client/session/fuse.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "tests/unit/client/session/counting_store.h"
#include "tests/unit/client/session/with_all_inputs.h"
#include "varscope/varscope.h"

namespace varscope {
namespace {

class FuseTest : public PlanTest {
 protected:
  std::vector<std::string> Kernels(const std::vector<Fetch>& fetches,
                                   const std::vector<Output>& feeds) {
    const internal::Plan plan = Compile(fetches, feeds);
    std::vector<std::string> names;
    for (const internal::Plan::Stage& stage : plan.stages) {
      for (const auto* const kernels : {&stage.early_kernels, &stage.kernels}) {
        for (const internal::Plan::Kernel& kernel : *kernels) {
          names.emplace_back(kernel.node->def->name);
        }
      }
    }
    return names;
  }

  Tensor Random(const Shape& shape, bool special = false) {
    constexpr float kInf = std::numeric_limits<float>::infinity();
    Tensor t(float32, shape);
    for (float& value : t.mutable_values<float>()) {
      value = std::uniform_real_distribution<float>(-1, 1)(random_);
      const int kind = std::uniform_int_distribution<int>(0, 400)(random_);
      if (special && kind == 0) value = std::numeric_limits<float>::quiet_NaN();
      if (special && kind == 1) value = kInf;
      if (special && kind == 2) value = -kInf;
    }
    return t;
  }

  // Bits, but for which NaN it is.
  static void ExpectSame(const Tensor& a, const Tensor& b) {
    ASSERT_EQ(a.shape(), b.shape());
    for (int64_t i = 0; i < a.num_elements(); ++i) {
      const float x = a.data<float>()[i];
      const float y = b.data<float>()[i];
      ASSERT_TRUE(std::memcmp(&x, &y, sizeof(x)) == 0 || (std::isnan(x) && std::isnan(y)))
          << i << ": " << x << ", not " << y;
    }
  }

  const Output x_ = placeholder(float32, {-1, 9, 9, 8}, "x");
  const Output filter_ = placeholder(float32, {3, 3, 8, 16}, "filter");
  const Output bias_ = placeholder(float32, {16}, "bias");
  const Output maps_ = nn::conv2d(x_, filter_, {1, 1, 1, 1}, "SAME");
  std::mt19937 random_{20261128};
};

TEST_F(FuseTest, WhatNobodyElseNeedsIsNotMade) {
  const std::vector<Output> fed = {x_, filter_, bias_};
  const std::vector<std::string> one = {"Conv2D"};
  const Output biased = nn::bias_add(maps_, bias_);
  const Output relu = nn::relu(biased);
  EXPECT_EQ(Kernels({biased}, fed), one);
  EXPECT_EQ(Kernels({relu}, fed), one);
  EXPECT_EQ(Kernels({nn::relu(maps_ + bias_)}, fed), one);
  EXPECT_EQ(Kernels({nn::elu(biased)}, fed), (std::vector<std::string>{"Conv2D", "Elu"}));
  EXPECT_EQ(Kernels({relu, biased}, fed), (std::vector<std::string>{"Conv2D", "Relu"}));
  EXPECT_EQ(Kernels({relu, maps_}, fed), (std::vector<std::string>{"Conv2D", "BiasAdd", "Relu"}));
  EXPECT_EQ(Kernels({relu}, {x_, filter_, bias_, maps_}),
            (std::vector<std::string>{"BiasAdd", "Relu"}));
  // What is added may be something else than a bias.
  EXPECT_EQ(Kernels({maps_ + constant(Tensor(float32, {1}))}, fed),
            (std::vector<std::string>{"Conv2D", "Add"}));
  EXPECT_EQ(Kernels({maps_ + maps_}, fed), (std::vector<std::string>{"Conv2D", "Add"}));
}

TEST_F(FuseTest, ABiasThatIsComputedComesFirst) {
  const Output late = square(exp(bias_));
  const Output y = nn::relu(nn::bias_add(maps_, late));
  const std::vector<Feed> feeds = {
      {x_, Random({2, 9, 9, 8})}, {filter_, Random({3, 3, 8, 16})}, {bias_, Random({16})}};
  ExpectSame(Session().run(y, feeds), Session().run(WithAllInputs(y), feeds)[0]);
  const std::vector<std::string> kernels = Kernels({y}, {x_, filter_, bias_});
  EXPECT_EQ(kernels.back(), "Conv2D");
  EXPECT_EQ(kernels.size(), 3U);
}

// By oneDNN, of 16 images, and by patches, of one.
TEST_F(FuseTest, ItIsTheSameAsOneAfterTheOther) {
  for (const int64_t batch : {1, 16}) {
    for (int i = 0; i < 10; ++i) {
      const std::vector<Feed> feeds = {{x_, Random({batch, 9, 9, 8}, i % 2 == 1)},
                                       {filter_, Random({3, 3, 8, 16})},
                                       {bias_, Random({16}, i % 4 == 3)}};
      for (const Output& y : {nn::bias_add(maps_, bias_), nn::relu(nn::bias_add(maps_, bias_))}) {
        ExpectSame(Session().run(y, feeds), Session().run(WithAllInputs(y), feeds)[0]);
      }
    }
  }
}

TEST_F(FuseTest, GradientsAreTheSame) {
  const Output y = nn::relu(nn::bias_add(maps_, bias_));
  const Output loss = reduce_sum(square(y));
  const std::vector<Gradient> all = gradients({loss}, std::vector<Output>{x_, filter_, bias_});
  const std::vector<Feed> feeds = {
      {x_, Random({16, 9, 9, 8})}, {filter_, Random({3, 3, 8, 16})}, {bias_, Random({16})}};
  for (const Gradient& gradient : all) {
    const Tensor fused = Session().run(gradient.values, feeds);
    ExpectSame(fused, Session().run(WithAllInputs(gradient.values), feeds)[0]);
  }
}

TEST_F(FuseTest, WhatDoesNotFitIsRefusedByName) {
  const Output images = placeholder(float32, Shape::Unknown(), "images");
  const Output maps = nn::conv2d(images, filter_, {1, 1, 1, 1}, "SAME", "maps");
  const Output y = nn::relu(nn::bias_add(maps, bias_));
  try {
    Session().run(
        y,
        {{images, Random({1, 9, 9, 7})}, {filter_, Random({3, 3, 8, 16})}, {bias_, Random({16})}});
    FAIL();
  } catch (const InvalidArgumentError& error) {
    EXPECT_THAT(error.message(), ::testing::HasSubstr("[op 'maps' (Conv2D)]"));
  }
}

}  // namespace
}  // namespace varscope
