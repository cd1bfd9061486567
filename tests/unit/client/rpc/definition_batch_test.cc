// How many definitions one call defines.
#include "client/rpc/definition_batch.h"

#include <gtest/gtest.h>

#include <limits>
#include <random>
#include <vector>

namespace varscope::internal {
namespace {

int64_t VariablesOf(std::span<const Definition> definitions) {
  int64_t variables = 0;
  for (const Definition& definition : definitions) {
    variables += definition.partitions ? definition.partitions->back() : 1;
  }
  return variables;
}

TEST(DefinitionBatchTest, EachHasSomeAndNoMoreThanOneDefinitionMayHave) {
  std::mt19937 random(5);
  for (int round = 0; round < 100; ++round) {
    std::vector<Definition> all(1 + random() % 10000);
    for (Definition& definition : all) {
      if (random() % 20 == 0)
        definition.partitions = {1, std::uniform_int_distribution<int64_t>(1, kMaxParts)(random)};
    }
    size_t count = 0;
    for (std::span<const Definition> rest = all; !rest.empty();) {
      const std::span<const Definition> batch = FirstBatch(rest);
      ASSERT_FALSE(batch.empty());
      EXPECT_LE(VariablesOf(batch), kMaxParts);
      // One more would be too many.
      if (batch.size() < rest.size()) {
        EXPECT_GT(VariablesOf(rest.first(batch.size() + 1)), kMaxParts);
      }
      count += batch.size();
      rest = rest.subspan(batch.size());
    }
    EXPECT_EQ(count, all.size());
  }
}

// The server says what is wrong with them.
TEST(DefinitionBatchTest, OneThatCannotBeIsABatchToo) {
  std::vector<Definition> wrong(2);
  wrong[0].partitions = {std::numeric_limits<int64_t>::max()};
  wrong[1].partitions = std::vector<int64_t>{};
  EXPECT_EQ(FirstBatch(wrong).size(), 1U);
  wrong[0].partitions = {-5};
  EXPECT_EQ(FirstBatch(wrong).size(), 2U);
  EXPECT_TRUE(FirstBatch({}).empty());
}

}  // namespace
}  // namespace varscope::internal
