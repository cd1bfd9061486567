#include "proto/tensor/rows.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <new>
#include <random>

#include "tests/support/sanitizer.h"
#include "tests/unit/server/failing_memory.h"

namespace varscope {
namespace {

// What the header promises, looked for one by one.
RowIndex Expected(const std::vector<int64_t>& rows) {
  RowIndex index;
  for (const int64_t row : rows) {
    const auto found = std::find(index.distinct.begin(), index.distinct.end(), row);
    index.of.push_back(static_cast<uint32_t>(found - index.distinct.begin()));
    if (found == index.distinct.end()) index.distinct.push_back(row);
  }
  return index;
}

TEST(RowsTest, IndexFindsEqualRowsInTheOrderOfTheirFirstAppearance) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 500; ++round) {
    std::vector<int64_t> rows(random() % 80);
    const uint64_t different = 1 + random() % 100;
    // Powers of two, too, which a table without a hash would take for the same.
    const int shift = static_cast<int>(random() % 56);
    for (int64_t& row : rows) row = static_cast<int64_t>((random() % different) << shift);
    const RowIndex expected = Expected(rows);
    const RowIndex index = IndexRows(rows);
    EXPECT_EQ(index.distinct, expected.distinct) << "round " << round;
    EXPECT_EQ(index.of, expected.of) << "round " << round;
  }
}

TEST(RowsTest, WithoutMemoryTheIndexThrowsAndNothingElse) {
  if (testing::IsSanitized()) GTEST_SKIP() << "the sanitizer has an operator new of its own";
  const std::vector<int64_t> rows = {5, 3, 5, 1, 2, 8, 9, 10, 11, 3};
  uint64_t calls = 0;
  for (bool failed = true; failed; ++calls) {
    ASSERT_LT(calls, 100);
    const testing::FailingMemory memory(calls);
    try {
      EXPECT_EQ(IndexRows(rows).distinct.size(), 8);
    } catch (const std::bad_alloc&) {
    }
    failed = memory.failed();
  }
  EXPECT_GT(calls, 1);
}

}  // namespace
}  // namespace varscope
