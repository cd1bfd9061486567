// What a worker holds of its last pulls, and when that is no longer current.
#include "client/rpc/pull_cache.h"

#include <gtest/gtest.h>

namespace varscope::internal {
namespace {

PulledValue Value(float value, uint64_t version) { return {Tensor::Scalar(value), version}; }

TEST(PullCacheTest, KnowsWhatWasPulledInTheSameEpoch) {
  PullCache cache(true);
  cache.Keep({7, 1}, {"a", "b"}, std::vector{Value(1, 10), Value(2, 20)});
  const PullCache::Known known = cache.Find({"b", "c", "a"}, 1);
  EXPECT_EQ(known.epoch.server, 7U);
  ASSERT_EQ(known.values.size(), 3U);
  EXPECT_EQ(known.values[0]->version, 20U);
  EXPECT_FALSE(known.values[1].has_value());
  EXPECT_EQ(known.values[2]->value.scalar<float>(), 1);
}

TEST(PullCacheTest, AnotherIncarnationKnowsNothing) {
  PullCache cache(true);
  cache.Keep({7, 1}, {"a"}, std::vector{Value(1, 10)});
  EXPECT_FALSE(cache.Find({"a"}, 2).values[0].has_value());
}

TEST(PullCacheTest, AnotherEpochOfTheServerReplacesAll) {
  PullCache cache(true);
  cache.Keep({7, 1}, {"a", "b"}, std::vector{Value(1, 10), Value(2, 20)});
  cache.Keep({8, 1}, {"a"}, std::vector{Value(3, 10)});
  const PullCache::Known known = cache.Find({"a", "b"}, 1);
  EXPECT_EQ(known.epoch.server, 8U);
  EXPECT_EQ(known.values[0]->value.scalar<float>(), 3);
  EXPECT_FALSE(known.values[1].has_value());
}

// Large values under the same block: nothing of it is written, so it costs no memory.
TEST(PullCacheTest, WhatDoesNotFitIsNotKeptAndWhatIsReplacedMakesRoom) {
  PullCache cache(true);
  const Tensor large(DType::kUint8, Shape{static_cast<int64_t>(PullCache::kMaxBytes / 2 + 1)});
  const auto known = [&](const std::string& name) {
    return cache.Find({name}, 1).values[0].has_value();
  };
  cache.Keep({7, 1}, {"a", "b"}, std::vector<PulledValue>{{large, 1}, {large, 1}});
  EXPECT_TRUE(known("a"));
  EXPECT_FALSE(known("b"));
  cache.Keep({7, 1}, {"a"}, std::vector{Value(1, 2)});
  cache.Keep({7, 1}, {"b"}, std::vector<PulledValue>{{large, 2}});
  EXPECT_TRUE(known("b"));
  // An epoch of the server that is over takes nothing.
  cache.Keep({8, 1}, {"c"}, std::vector<PulledValue>{{large, 1}});
  EXPECT_TRUE(known("c"));
  EXPECT_FALSE(known("b"));
}

TEST(PullCacheTest, AValueThatDidNotComeLeavesTheOneThatIsHeld) {
  PullCache cache(true);
  cache.Keep({7, 1}, {"a"}, std::vector{Value(1, 10)});
  cache.Keep({7, 1}, {"a"}, std::vector<PulledValue>{{Tensor(), 11}});
  EXPECT_EQ(cache.Find({"a"}, 1).values[0]->version, 10U);
  // Rows of it were read: a gradient that follows is of that version.
  EXPECT_EQ(cache.VersionOf("a"), 11U);
  cache.Keep({7, 1}, {"a"}, std::vector{Value(2, 12)});
  EXPECT_EQ(cache.VersionOf("a"), 12U);
  // Of what is not held nothing is known.
  cache.Keep({7, 1}, {"b"}, std::vector<PulledValue>{{Tensor(), 11}});
  EXPECT_EQ(cache.VersionOf("b"), std::nullopt);
  cache.Keep({7, 1}, {"a"}, std::vector<PulledValue>{{Tensor(), 13}});
  cache.Keep({8, 1}, {"a"}, std::vector{Value(3, 1)});
  EXPECT_EQ(cache.VersionOf("a"), 1U);
}

TEST(PullCacheTest, WhenItIsOffNothingIsKept) {
  PullCache cache(false);
  cache.Keep({7, 1}, {"a"}, std::vector{Value(1, 10)});
  EXPECT_FALSE(cache.Find({"a"}, 1).values[0].has_value());
}

}  // namespace
}  // namespace varscope::internal
