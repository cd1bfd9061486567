// Which pushes count, by their numbers.
#include "server/sync/nonfinite_pushes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <random>
#include <set>
#include <vector>

#include "proto/wire/push_window.h"
#include "server/store/completion_records.h"

namespace varscope::server {
namespace {

// As real workers send them, in several lanes: in any order, and again, while less than a window
// apart.
TEST(NonfinitePushesTest, EachPushOfAWorkerCountsOnceInWhateverOrderItComes) {
  for (uint32_t seed = 1; seed <= 200; ++seed) {
    std::mt19937 random(seed);
    NonfinitePushes pushes;
    std::vector<uint64_t> under_way;
    std::set<uint64_t> sent;
    uint64_t incarnation = 1;
    uint64_t next = 1;
    uint64_t expected = 0;
    for (int i = 0; i < 500; ++i) {
      if (random() % 100 == 0) {
        ++incarnation;
        next = 1 + random() % 3;
        under_way.clear();
        sent.clear();
      }
      const auto oldest = std::min_element(under_way.begin(), under_way.end());
      if (oldest == under_way.end() || next - *oldest < kPushWindow) under_way.push_back(next++);
      const size_t one = random() % under_way.size();
      expected += sent.insert(under_way[one]).second ? 1 : 0;
      pushes.Count({"w", incarnation, under_way[one]}, 0);
      ASSERT_EQ(pushes.total(), expected) << "seed " << seed << ", push " << i;
      if (random() % 2 == 0) under_way.erase(under_way.begin() + static_cast<std::ptrdiff_t>(one));
    }
  }
}

TEST(NonfinitePushesTest, NoNumberKeepsOthersFromBeingCounted) {
  for (const uint64_t first : {uint64_t{1} << 62, CompletionRecords::kLastSequence, UINT64_MAX}) {
    NonfinitePushes pushes;
    pushes.Count({"w", 1, first}, 0);
    for (uint64_t i = 1; i <= 100; ++i) pushes.Count({"w", 1, i}, 0);
    EXPECT_EQ(pushes.total(), 101U) << first;
    pushes.Acted("w");
    EXPECT_FALSE(pushes.Count({"w", 1, first}, 1)) << "it was counted";
    for (int i = 0; i < 5; ++i) {
      EXPECT_TRUE(pushes.Count({"w", 1, 0}, 1));
      pushes.Acted("w");
    }
  }
}

TEST(NonfinitePushesTest, TheCountGoesOnInLaterIncarnationsUntilTheWorkerIsForgotten) {
  NonfinitePushes pushes;
  EXPECT_FALSE(pushes.Count({"w", 1, 1}, 3));
  EXPECT_FALSE(pushes.Count({"w", 2, 1}, 3));
  EXPECT_FALSE(pushes.Count({"other", 2, 1}, 3));
  EXPECT_TRUE(pushes.Count({"w", 3, 1}, 3));
  EXPECT_TRUE(pushes.Count({"w", 3, 1}, 3)) << "nothing has come of it yet";
  pushes.Acted("w");
  EXPECT_FALSE(pushes.Count({"w", 3, 2}, 3)) << "it begins anew";
  EXPECT_FALSE(pushes.Count({"w", 4, 1}, 3));
  pushes.Forget("w");
  EXPECT_FALSE(pushes.Count({"w", 5, 1}, 3));
  EXPECT_EQ(pushes.total(), 7U);
}

}  // namespace
}  // namespace varscope::server
