// Memory straight from the system.
#include "proto/tensor/pages.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace varscope {
namespace {

TEST(PagesTest, AreZeroAndLieAtAHugePage) {
  for (const size_t size : {size_t{1}, kHugePageBytes, 3 * kHugePageBytes + 5}) {
    std::byte* const pages = MapPages(size);
    ASSERT_NE(pages, nullptr);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(pages) % kHugePageBytes, 0U);
    EXPECT_EQ(pages[0], std::byte{0});
    EXPECT_EQ(pages[size - 1], std::byte{0});
    std::memset(pages, 1, size);
    UnmapPages(pages, size);
  }
  EXPECT_EQ(MapPages(SIZE_MAX), nullptr);
  EXPECT_EQ(MapPages(size_t{1} << 60), nullptr);
}

}  // namespace
}  // namespace varscope
