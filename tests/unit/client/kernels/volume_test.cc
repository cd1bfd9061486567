// Windows over volumes: those over volumes of one slice are those over images, and nothing else
// fits.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "client/graph/handles.h"
#include "client/graph/state.h"
#include "tests/support/no_store.h"
#include "tests/support/tensors.h"
#include "varscope/array_ops.h"
#include "varscope/varscope.h"

namespace varscope {
namespace {

using ::testing::FloatNear;
using ::testing::Pointwise;
using Sizes = std::vector<int64_t>;

class VolumeTest : public ::testing::Test {
 protected:
  VolumeTest() { internal::Unwrap(graph_)->Connect(std::make_shared<testing::NoStore>()); }

  int64_t Draw(int64_t from, int64_t to) {
    return std::uniform_int_distribution<int64_t>(from, to)(random_);
  }
  // No element is there twice.
  Tensor Distinct(const Shape& shape) {
    Tensor tensor(float32, shape);
    float next = -1;
    for (float& x : tensor.mutable_values<float>()) x = next += 0.25F;
    std::shuffle(tensor.mutable_values<float>().begin(), tensor.mutable_values<float>().end(),
                 random_);
    return tensor;
  }
  // The values, gradients by `xs`, and gradients of the squares of these.
  std::vector<Tensor> All(const Output& y, const std::vector<Output>& xs) {
    std::vector<Fetch> fetches = {y};
    std::vector<Output> squares;
    for (const Gradient& gradient : gradients({square(y)}, xs)) {
      fetches.emplace_back(gradient.values);
      squares.push_back(square(gradient.values));
    }
    for (const Gradient& gradient : gradients(squares, xs)) fetches.emplace_back(gradient.values);
    return Session().run(fetches);
  }
  static Output OneSlice(const Output& images) { return expand_dims(images, 1); }
  void ExpectSame(const std::vector<Tensor>& images, const std::vector<Tensor>& volumes) {
    ASSERT_EQ(images.size(), volumes.size());
    for (size_t i = 0; i < images.size(); ++i) {
      ASSERT_EQ(images[i].num_elements(), volumes[i].num_elements());
      const std::span<const float> expected = images[i].values<float>();
      float largest = 1;
      for (const float x : expected) largest = std::max(largest, std::abs(x));
      EXPECT_THAT(volumes[i].values<float>(), Pointwise(FloatNear(1e-4F * largest), expected));
    }
  }

  std::mt19937 random_{7};
  Graph graph_;
  ScopeGuard use_ = graph_.as_default();
};

TEST_F(VolumeTest, OneSliceIsAnImage) {
  for (int round = 0; round < 20; ++round) {
    const Sizes strides = {1, Draw(1, 3), Draw(1, 3), 1};
    const Sizes ksize = {1, Draw(1, 3), Draw(1, 3), 1};
    const std::string padding = Draw(0, 1) == 0 ? "SAME" : "VALID";
    const auto with_z = [](Sizes list) {
      list.insert(list.begin() + 1, 1);
      return list;
    };
    const Shape shape = {Draw(1, 2), Draw(3, 6), Draw(3, 6), Draw(1, 3)};
    const Output x = constant(Distinct(shape));
    const Output filter = constant(Distinct({Draw(1, 3), Draw(1, 3), shape.dim(3), Draw(1, 3)}));
    const Output slices = OneSlice(x);
    ExpectSame(
        All(nn::conv2d(x, filter, strides, padding), {x, filter}),
        All(nn::conv3d(slices, expand_dims(filter, 0), with_z(strides), padding), {x, filter}));
    ExpectSame(All(nn::max_pool(x, ksize, strides, padding), {x}),
               All(nn::max_pool3d(slices, with_z(ksize), with_z(strides), padding), {x}));
    ExpectSame(All(nn::avg_pool(x, ksize, strides, padding), {x}),
               All(nn::avg_pool3d(slices, with_z(ksize), with_z(strides), padding), {x}));
  }
}

TEST_F(VolumeTest, AWindowOfAllSlicesIsTheirSumAndTheirLargest) {
  const Output x = constant(Distinct({2, 3, 2, 2, 1}));
  const Output sum = nn::conv3d(x, ones({3, 1, 1, 1, 1}), {1, 1, 1, 1, 1}, "VALID");
  const Output largest = nn::max_pool3d(x, {1, 3, 1, 1, 1}, {1, 1, 1, 1, 1}, "VALID");
  const std::vector<Tensor> values =
      Session().run({sum, reduce_sum(x, {1}, true), largest, reduce_max(x, {1}, true)});
  EXPECT_EQ(Summarize(values[0], 20), Summarize(values[1], 20));
  EXPECT_EQ(Summarize(values[2], 20), Summarize(values[3], 20));
}

TEST_F(VolumeTest, EqualLargestElementsAllHaveTheGradient) {
  const Output x = ones({1, 2, 1, 1, 1});
  const Output y = nn::max_pool3d(x, {1, 2, 1, 1, 1}, {1, 1, 1, 1, 1}, "VALID");
  EXPECT_EQ(Summarize(Session().run(gradients({y}, std::vector<Output>{x})[0].values)), "[1 1]");
}

TEST_F(VolumeTest, WhatDoesNotFitIsRefused) {
  const Output u = placeholder(float32);
  const Output dy = placeholder(float32);
  const Sizes one = {1, 1, 1, 1, 1};
  const Output conv = nn::conv3d(u, ones({1, 2, 2, 1, 1}), one, "VALID");
  const Output pooled = nn::max_pool3d(u, {1, 2, 2, 2, 1}, one, "VALID");
  for (const Shape& shape : {Shape{}, Shape{2, 2, 2, 1}, Shape{1, 2, 2, 2, 2, 1}}) {
    for (const Output& y : {conv, pooled}) {
      EXPECT_THROW(Session().run(y, {{u, testing::Zeros(float32, shape)}}), InvalidArgumentError);
    }
  }
  const Tensor volumes = testing::Zeros(float32, {1, 2, 2, 2, 1});
  for (const Output& y : {conv, pooled}) {
    const Output slope = gradients({y}, std::vector<Output>{u}, std::vector<Output>{dy})[0].values;
    for (const Shape& shape : {Shape{}, Shape{1, 1, 1, 1, 2}, Shape{1, 3, 1, 1, 1}}) {
      EXPECT_THROW(Session().run(slope, {{u, volumes}, {dy, testing::Zeros(float32, shape)}}),
                   InvalidArgumentError);
    }
  }
  EXPECT_THROW(nn::conv3d(u, ones({1, 1, 1, 1}), one, "SAME"), ValueError);
  EXPECT_THROW(nn::avg_pool3d(u, {1, 0, 1, 1, 1}, one, "SAME"), ValueError);
  EXPECT_THROW(nn::avg_pool3d(u, {1, 1, 1, 1}, one, "SAME"), ValueError);
  EXPECT_THROW(nn::avg_pool3d(u, one, {2, 1, 1, 1, 1}, "SAME"), ValueError);
}

}  // namespace
}  // namespace varscope
