// Variables that are split into parts.
#include "client/checkpoint/parts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace varscope::checkpoint {
namespace {

TEST(PartsTest, JoinUndoesCut) {
  Tensor whole(DType::kFloat32, Shape{4, 5, 3});
  for (int64_t i = 0; i < whole.num_elements(); ++i) whole.mutable_data<float>()[i] = i;
  for (int axis = 0; axis < 3; ++axis) {
    std::vector<int64_t> partitions = {1, 1, 1};
    partitions[axis] = 2;
    std::vector<int64_t> first = whole.shape().dims();
    std::vector<int64_t> second = first;
    first[axis] = 2;
    second[axis] -= 2;
    const std::vector<Tensor> parts = Cut(whole, partitions, {Shape(first), Shape(second)});
    ASSERT_EQ(parts.size(), 2U);
    EXPECT_TRUE(BytesEqual(Join(parts, partitions), whole)) << axis;
    EXPECT_TRUE(Cut(whole, partitions, {Shape(first), Shape(first)}).empty() || axis == 0);
  }
  EXPECT_TRUE(Cut(whole, {}, {Shape{4, 5, 2}}).empty());
}

}  // namespace
}  // namespace varscope::checkpoint
