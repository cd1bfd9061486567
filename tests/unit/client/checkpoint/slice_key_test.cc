// Keys of slices in TensorFlow's table.
#include "client/checkpoint/slice_key.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace varscope::checkpoint {
namespace {

BundleSlice SliceOf(const std::vector<std::pair<int64_t, int64_t>>& extents) {
  BundleSlice slice;
  for (const auto& [start, length] : extents) {
    BundleSlice::Extent* const extent = slice.add_extent();
    extent->set_start(start);
    if (length >= 0) extent->set_length(length);
  }
  return slice;
}

// A tensor whose elements are their numbers.
Tensor Numbered(const Shape& shape) {
  Tensor tensor(DType::kInt64, shape);
  std::span<int64_t> values = tensor.mutable_values<int64_t>();
  std::iota(values.begin(), values.end(), 0);
  return tensor;
}

// The tensor's elements in rows [first, first + rows) and columns likewise.
Tensor Cut(const Tensor& whole, int64_t first_row, int64_t rows, int64_t first_column,
           int64_t columns) {
  Tensor part(DType::kInt64, Shape{rows, columns});
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t c = 0; c < columns; ++c) {
      part.mutable_values<int64_t>()[r * columns + c] =
          whole.values<int64_t>()[(first_row + r) * whole.shape().dim(1) + first_column + c];
    }
  }
  return part;
}

// Any grid, in any order; then one more slice, anywhere, is one too many.
TEST(SliceKeyTest, SlicesMakeTheWholeAndNeverOverlap) {
  std::mt19937 random(1);
  for (int round = 0; round < 200; ++round) {
    const int64_t rows = 1 + random() % 9;
    const int64_t columns = 1 + random() % 9;
    const int64_t height = 1 + random() % rows;
    const int64_t width = 1 + random() % columns;
    const Tensor expected = Numbered(Shape{rows, columns});
    std::vector<std::pair<BundleSlice, Tensor>> parts;
    for (int64_t r = 0; r < rows; r += height) {
      for (int64_t c = 0; c < columns; c += width) {
        const int64_t h = std::min(height, rows - r);
        const int64_t w = std::min(width, columns - c);
        parts.emplace_back(SliceOf({{r, h}, {c, w == columns ? -1 : w}}),
                           Cut(expected, r, h, c, w));
      }
    }
    std::shuffle(parts.begin(), parts.end(), random);
    Tensor whole(DType::kInt64, Shape{rows, columns});
    std::vector<bool> placed(rows * columns);
    for (const auto& [slice, part] : parts) ASSERT_TRUE(PlaceSlice(part, slice, whole, placed));
    const auto made = whole.values<int64_t>();
    const auto wanted = expected.values<int64_t>();
    EXPECT_TRUE(std::equal(made.begin(), made.end(), wanted.begin(), wanted.end()));
    EXPECT_EQ(std::count(placed.begin(), placed.end(), true), rows * columns);
    const int64_t r = random() % rows;
    const int64_t c = random() % columns;
    EXPECT_FALSE(PlaceSlice(Cut(expected, r, 1, c, 1), SliceOf({{r, 1}, {c, 1}}), whole, placed));
  }
}

// As many as there are elements.
TEST(SliceKeyTest, ManySlicesTakeNoLonger) {
  constexpr int64_t kSlices = 300000;
  Tensor whole(DType::kInt64, Shape{kSlices});
  std::vector<bool> placed(kSlices);
  Tensor part(DType::kInt64, Shape{1});
  for (int64_t i = 0; i < kSlices; ++i) {
    part.mutable_values<int64_t>()[0] = i;
    ASSERT_TRUE(PlaceSlice(part, SliceOf({{i, 1}}), whole, placed));
  }
  EXPECT_EQ(whole.values<int64_t>()[kSlices - 1], kSlices - 1);
}

TEST(SliceKeyTest, NumbersTakeAsManyBytesAsTheyNeed) {
  const auto key = [](int64_t start, int64_t length) {
    BundleSlice slice;
    BundleSlice::Extent* const extent = slice.add_extent();
    extent->set_start(start);
    if (length >= 0) extent->set_length(length);
    return SliceKey("n", slice).substr(6);  // after 0, "n", its end, and the rank
  };
  EXPECT_EQ(key(0, 3), std::string("\x80\x83"));
  EXPECT_EQ(key(0, -1), std::string("\x80\x7f"));
  EXPECT_EQ(key(63, 64), std::string("\xbf\xc0\x40"));
  EXPECT_EQ(key(8191, 8192), std::string("\xdf\xff\xe0\x20\x00", 5));
}

}  // namespace
}  // namespace varscope::checkpoint
