// What is kept of what was met last.
#include "client/kernels/recent.h"

#include <gtest/gtest.h>

#include <memory>

namespace varscope::internal {
namespace {

TEST(RecentTest, KeepsWhatWasAskedForLast) {
  Recent<int, int> recent(2);
  EXPECT_EQ(recent.Find(1), nullptr);
  recent.Keep(1, std::make_shared<const int>(10));
  recent.Keep(2, std::make_shared<const int>(20));
  EXPECT_EQ(*recent.Find(1), 10);
  recent.Keep(3, std::make_shared<const int>(30));
  EXPECT_EQ(recent.Find(2), nullptr);
  EXPECT_EQ(*recent.Find(1), 10);
  recent.Keep(1, std::make_shared<const int>(11));
  EXPECT_EQ(*recent.Find(1), 11);
  EXPECT_EQ(*recent.Find(3), 30);
}

}  // namespace
}  // namespace varscope::internal
