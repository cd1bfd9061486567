// What clip_norm of a group makes of its pushes.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "tests/unit/server/sync/synchronizer_fixture.h"

namespace varscope::server {
namespace {

using ClipTest = SynchronizerTest;

TEST_F(ClipTest, AGroupClipsEachPush) {
  Start({"async:clip_norm=2"}, {"a"});
  EXPECT_TRUE(Submit("a", 10).Get().ok());
  EXPECT_EQ(Value(), -2);
}

// A push that is cut into steps gets no further than one that is not.
TEST_F(ClipTest, AGroupClipsAPushAndNotItsSteps) {
  Start({"async:clip_norm=2"}, {"a"});
  Push many = Gradient("a", 10);
  for (int i = 1; i < 1000; ++i) many.steps.push_back(OptimizerStep(many.steps[0]));
  EXPECT_TRUE(Submit(many).Get().ok());
  const float together = Value();
  EXPECT_NEAR(together, -2 * std::sqrt(1000.0), 0.05);
  // Of each step what it asks for itself, first.
  Push two = Gradient("a", 30);
  two.steps.push_back(OptimizerStep(two.steps[0]));
  two.steps[0].clip_norm = 4;
  two.steps[1].clip_value = 3;
  EXPECT_TRUE(Submit(two).Get().ok());
  EXPECT_NEAR(Value() - together, -2 * (4 + 3) / 5.0, 1e-4);
  const float before = Value();
  Push small = Gradient("a", 30);
  small.steps.push_back(OptimizerStep(small.steps[0]));
  small.steps[0].clip_norm = 0.5;
  small.steps[1].clip_norm = 0.25;
  EXPECT_TRUE(Submit(small).Get().ok());
  EXPECT_NEAR(Value() - before, -0.75, 1e-4) << "it is within the group's";
}

// One step is clipped to the smaller of both norms, at once: its bits are those of one clipping.
TEST_F(ClipTest, AStepAloneIsClippedOnce) {
  Start({"async:clip_norm=0.7"}, {"a"});
  std::mt19937 random(3);
  for (int i = 0; i < 200; ++i) {
    const auto gradient = static_cast<float>(random() % 1000) / 37;
    const double own = static_cast<double>(random() % 100) / 70;
    Push push = Gradient("a", gradient);
    push.steps[0].clip_norm = own;
    const double norm = own > 0 ? std::min(own, 0.7) : 0.7;
    const double factor = gradient > norm ? norm / gradient : 1;
    const float before = Value();
    EXPECT_TRUE(Submit(push).Get().ok());
    EXPECT_EQ(Value(), before - static_cast<float>(gradient * factor)) << gradient << " " << own;
  }
}

}  // namespace
}  // namespace varscope::server
