// Blocks that are used again.
#include "proto/tensor/block_pool.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>

#include "proto/tensor/pages.h"

namespace varscope {
namespace {

TEST(BlockPoolTest, ABlockIsUsedAgainAndTheLimitHolds) {
  const auto pool = std::make_shared<BlockPool>(3 * BlockPool::kSmallest);
  const std::byte* first = nullptr;
  {
    const BlockRef block = pool->TryTake(BlockPool::kSmallest);
    first = block->data();
  }
  if (pool->kept() == 0) GTEST_SKIP() << "a sanitizer has it off";
  EXPECT_EQ(pool->kept(), BlockPool::kSmallest);
  const BlockRef again = pool->TryTake(BlockPool::kSmallest);
  EXPECT_EQ(again->data(), first);
  EXPECT_EQ(pool->kept(), 0U);
  {
    const BlockRef a = pool->TryTake(2 * BlockPool::kSmallest);
    const BlockRef b = pool->TryTake(2 * BlockPool::kSmallest);
    const BlockRef huge = pool->TryTake(4 * BlockPool::kSmallest);
  }
  EXPECT_LE(pool->kept(), 3 * BlockPool::kSmallest);
  EXPECT_GT(pool->kept(), 0U);
}

TEST(BlockPoolTest, ABlockAboveTheLimitIsKeptAlone) {
  const auto pool = std::make_shared<BlockPool>(BlockPool::kSmallest);
  constexpr size_t kLarge = 2 * kHugePageBytes;
  pool->TryTake(BlockPool::kSmallest);
  const std::byte* const first = pool->TryTake(kLarge)->data();
  if (pool->kept() == 0) GTEST_SKIP() << "a sanitizer has it off";
  EXPECT_EQ(pool->kept(), kLarge);
  {
    // Its pages were offered to the system: they are as good as new.
    const BlockRef again = pool->TryTake(kLarge);
    ASSERT_EQ(again->data(), first);
    std::memset(again->data(), 7, kLarge);
    EXPECT_EQ(std::count(again->data(), again->data() + kLarge, std::byte{7}),
              static_cast<int64_t>(kLarge));
  }
  pool->TryTake(BlockPool::kSmallest);
  EXPECT_EQ(pool->kept(), BlockPool::kSmallest);
}

}  // namespace
}  // namespace varscope
