// How shapes print, which fit together, and how many bytes they take.
#include "varscope/shape.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "proto/tensor/shape_rules.h"

namespace varscope {
namespace {

TEST(ShapeTest, PrintsAsPython) {
  EXPECT_EQ(Shape{}.ToString(), "()");
  EXPECT_EQ(Shape{2}.ToString(), "(2,)");
  EXPECT_EQ((Shape{2, 3}).ToString(), "(2, 3)");
  EXPECT_EQ((Shape{Shape::kUnknownDim, 3}).ToString(), "(None, 3)");
  EXPECT_EQ(Shape::Unknown().ToString(), "<unknown>");
}

TEST(ShapeTest, ByteSizeRefusesWhatDoesNotFit) {
  EXPECT_EQ(ByteSize(DType::kFloat32, Shape{2, 3}).value(), 24U);
  EXPECT_EQ(ByteSize(DType::kFloat64, Shape{}).value(), 8U);
  EXPECT_EQ(ByteSize(DType::kFloat32, (Shape{0, int64_t{1} << 40})).value(), 0U);
  EXPECT_FALSE(ByteSize(DType::kFloat32, Shape{-1}).ok());
  EXPECT_FALSE(ByteSize(DType::kFloat32, Shape::Unknown()).ok());
  EXPECT_FALSE(ByteSize(DType::kFloat32, (Shape{int64_t{1} << 40, int64_t{1} << 40})).ok());
  EXPECT_FALSE(ByteSize(DType::kFloat64, Shape{int64_t{1} << 61}).ok());
  EXPECT_FALSE(ByteSize(DType::kFloat32, Shape(std::vector<int64_t>(17, 1))).ok());
}

TEST(ShapeTest, Compatibility) {
  EXPECT_TRUE((Shape{2, -1}).IsCompatibleWith(Shape{2, 5}));
  EXPECT_TRUE(Shape::Unknown().IsCompatibleWith(Shape{2}));
  EXPECT_FALSE((Shape{2}).IsCompatibleWith(Shape{3}));
  EXPECT_FALSE((Shape{2}).IsCompatibleWith(Shape{2, 1}));
}

TEST(ShapeTest, BroadcastsAsNumPy) {
  EXPECT_EQ(Broadcast(Shape{2, 1, 3}, Shape{4, 1}).value(), (Shape{2, 4, 3}));
  EXPECT_EQ(Broadcast(Shape{}, Shape{5}).value(), Shape{5});
  EXPECT_EQ(Broadcast(Shape{-1, 3}, Shape{1}).value(), (Shape{-1, 3}));
  EXPECT_FALSE(Broadcast(Shape{2}, Shape{3}).ok());
}

}  // namespace
}  // namespace varscope
