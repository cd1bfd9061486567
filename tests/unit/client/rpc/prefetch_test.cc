// Values that a push brings back: for the pull that was expected, once, and never when too old.
#include "client/rpc/prefetch.h"

#include <gtest/gtest.h>

#include <future>
#include <string>
#include <utility>
#include <vector>

namespace varscope::internal {
namespace {

using Names = Prefetch::Names;

PullResult One(float value) { return std::vector<PulledValue>{{Tensor::Scalar(value), 1}}; }

std::future<Prefetch::Values> Ready(Prefetch::Values values) {
  std::promise<Prefetch::Values> promise;
  promise.set_value(std::move(values));
  return promise.get_future();
}

TEST(PrefetchTest, ThePullThatFollowsGetsThemOnce) {
  Prefetch prefetch(true);
  EXPECT_EQ(prefetch.Expected(), nullptr);
  EXPECT_FALSE(prefetch.Take({"a", "b"}));  // the first pull; from now on these are expected
  EXPECT_EQ(*prefetch.Expected(), (Names{"a", "b"}));
  prefetch.Keep({"a", "b"}, Ready(One(7)));
  const Prefetch::Values taken = prefetch.Take({"a", "b"});
  ASSERT_TRUE(taken);
  EXPECT_EQ((*taken)[0].value.scalar<float>(), 7);
  EXPECT_FALSE(prefetch.Take({"a", "b"}));
}

TEST(PrefetchTest, APullOfOtherNamesGetsNothingAndIsExpectedNext) {
  Prefetch prefetch(true);
  prefetch.Take({"a"});
  prefetch.Keep({"a"}, Ready(One(1)));
  EXPECT_FALSE(prefetch.Take({"b"}));
  EXPECT_FALSE(prefetch.Take({"a"})) << "what was kept is older than the pull between";
  prefetch.Keep({"b"}, Ready(One(2)));  // of a pull that is not the last any more
  EXPECT_FALSE(prefetch.Take({"a"}));
}

TEST(PrefetchTest, WhatIsDroppedIsGone) {
  Prefetch prefetch(true);
  prefetch.Take({"a"});
  prefetch.Keep({"a"}, Ready(One(1)));
  prefetch.Drop();
  EXPECT_FALSE(prefetch.Take({"a"}));
  EXPECT_EQ(*prefetch.Expected(), Names{"a"});
}

TEST(PrefetchTest, ValuesThatCouldNotBeHadAreNone) {
  Prefetch prefetch(true);
  prefetch.Take({"a"});
  prefetch.Keep({"a"}, Ready(std::nullopt));
  EXPECT_FALSE(prefetch.Take({"a"}));
}

TEST(PrefetchTest, ValuesOnTheirWayAreWaitedFor) {
  Prefetch prefetch(true);
  prefetch.Take({"a"});
  std::promise<Prefetch::Values> arriving;
  prefetch.Keep({"a"}, arriving.get_future());
  std::future<Prefetch::Values> taken =
      std::async(std::launch::async, [&] { return prefetch.Take({"a"}); });
  arriving.set_value(One(3));
  EXPECT_EQ((*taken.get())[0].value.scalar<float>(), 3);
}

TEST(PrefetchTest, WhenItIsOffNothingIsExpected) {
  Prefetch prefetch(false);
  EXPECT_FALSE(prefetch.Take({"a"}));
  EXPECT_EQ(prefetch.Expected(), nullptr);
}

}  // namespace
}  // namespace varscope::internal
