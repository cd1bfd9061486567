// Keys of slices in TensorFlow's table.
#include "client/checkpoint/slice_key.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace varscope::checkpoint {
namespace {

TEST(SliceKeyTest, SlicesOverlapWhenTheyDoInEveryDimension) {
  const auto slice = [](const std::vector<std::pair<int64_t, int64_t>>& extents) {
    BundleSlice slice;
    for (const auto& [start, length] : extents) {
      BundleSlice::Extent* const extent = slice.add_extent();
      extent->set_start(start);
      if (length >= 0) extent->set_length(length);
    }
    return slice;
  };
  EXPECT_TRUE(Overlap(slice({{0, 3}, {0, -1}}), slice({{2, 3}, {0, -1}})));
  EXPECT_FALSE(Overlap(slice({{0, 3}, {0, -1}}), slice({{3, 2}, {0, -1}})));
  EXPECT_FALSE(Overlap(slice({{0, 3}, {0, 1}}), slice({{0, 3}, {1, 1}})));
  EXPECT_TRUE(Overlap(slice({{0, -1}}), slice({{5, 1}})));
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
