// One run is one pull, no work twice, one push: counted at the store's interface.
#include "client/session/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/client/session/counting_store.h"
#include "varscope/varscope.h"

namespace varscope {
namespace {

TEST_F(PlanTest, ATrainingStepIsOnePullAndOnePush) {
  const Variable w = get_variable("w", {3});
  const Variable b = get_variable("b", {3});
  const Output loss = reduce_sum(square(w + b)) + reduce_sum(w);
  const Operation train = train::GradientDescentOptimizer(0.1).minimize(loss);
  Session session;
  EXPECT_EQ(session.run({loss, train})[0].scalar<float>(), 15);
  ASSERT_EQ(store_->pulls.size(), 1U);
  EXPECT_THAT(store_->pulls[0], ::testing::UnorderedElementsAre("w", "b"));
  ASSERT_EQ(store_->pushes.size(), 1U);
  ASSERT_EQ(store_->pushes[0].steps.size(), 1U);
  EXPECT_EQ(Summarize(store_->pushes[0].steps[0].updates[0].gradient), "[5 5 5]");
  EXPECT_EQ(Summarize(store_->pushes[0].steps[0].updates[1].gradient), "[4 4 4]");
}

TEST_F(PlanTest, EachGroupHasItsPushAndTheLastIsKnown) {
  store_->sync_groups = {{}, {.prefix = "a"}, {.prefix = "b"}};
  const Output loss = reduce_sum(get_variable("a/w", {2})) + reduce_sum(get_variable("b/w", {2})) +
                      reduce_sum(get_variable("w", {2}));
  Session().run(train::GradientDescentOptimizer(0.1).minimize(loss));
  std::vector<std::string> updated;
  std::vector<bool> more;
  for (const internal::PushRequest& push : store_->pushes) {
    ASSERT_EQ(push.steps.size(), 1U);
    ASSERT_EQ(push.steps[0].updates.size(), 1U);
    updated.push_back(push.steps[0].updates[0].variable);
    more.push_back(push.more_to_come);
  }
  EXPECT_THAT(updated, ::testing::UnorderedElementsAre("a/w", "b/w", "w"));
  EXPECT_THAT(more, ::testing::ElementsAre(true, true, false));
}

TEST_F(PlanTest, ARunPullsOnlyWhatItNeeds) {
  const Variable used = get_variable("used", {1});
  get_variable("unused", {1});
  Session session;
  session.run(used + 1);
  EXPECT_THAT(store_->pulls, ::testing::ElementsAre(std::vector<std::string>{"used"}));
  session.run(constant(1) + 2);
  EXPECT_EQ(store_->pulls.size(), 1U);
  EXPECT_TRUE(store_->pushes.empty());
}

TEST_F(PlanTest, AGradientNeedsNoValueOfWhichItTakesTheKnownShape) {
  const Variable w = get_variable("w", {2, 3});
  // Nobody feeds it: the sum must not run.
  const Output x = w + placeholder(float32, {2, 3}, "unfed");
  Session session;
  for (const Output& loss : {reduce_sum(x), reduce_sum(reduce_sum(x, {0})),
                             reduce_sum(reduce_sum(x, {1}, true)), reduce_sum(reshape(x, {6})),
                             reduce_sum(squeeze(expand_dims(x, 0))), reduce_mean(x) * 6.0F}) {
    const Tensor gradient = session.run(gradients({loss}, {w})[0].values);
    EXPECT_EQ(gradient.shape(), (Shape{2, 3})) << loss.name();
    EXPECT_EQ(Summarize(gradient), "[1 1 1 1 1 1]") << loss.name();
  }
  EXPECT_TRUE(store_->pulls.empty());
}

TEST_F(PlanTest, EqualOpsOnEqualInputsRunOnce) {
  const Output x = placeholder(float32, {2}, "x");
  const Output twice = exp(x) + exp(x);
  const internal::Plan plan = Compile({Fetch(twice)}, {x});
  EXPECT_EQ(plan.stages[0].early_kernels.size(), 2U);
  // Random ops are never merged.
  const Output noise = random_uniform({2}) - random_uniform({2});
  EXPECT_EQ(Compile({Fetch(noise)}, {}).stages[0].early_kernels.size(), 3U);
}

TEST_F(PlanTest, BuffersAreFreeAfterTheirLastUse) {
  const Output x = placeholder(float32, {2}, "x");
  const Output y = exp(x);
  const internal::Plan plan = Compile({Fetch(square(y) * y)}, {x});
  ASSERT_EQ(plan.stages[0].early_kernels.size(), 3U);
  EXPECT_THAT(plan.stages[0].early_kernels[1].last_use, ::testing::ElementsAre(false));
  EXPECT_THAT(plan.stages[0].early_kernels[2].last_use, ::testing::ElementsAre(true, true));
}

TEST_F(PlanTest, WhatNeedsNoVariableComesBeforeThePull) {
  const Output x = placeholder(float32, {2}, "x");
  const Output w = get_variable("w", {2});
  const Output scaled = exp(x) * 2;
  const internal::Plan plan = Compile({Fetch(square(scaled * w))}, {x});
  ASSERT_EQ(plan.stages[0].early_kernels.size(), 2U);
  EXPECT_EQ(plan.stages[0].early_kernels[1].node, internal::Unwrap(scaled).node);
  EXPECT_EQ(plan.stages[0].kernels.size(), 2U);
}

using Names = std::vector<std::string>;

TEST_F(PlanTest, WhatDependsOnAWriteIsAnotherStage) {
  const Variable x = get_variable("x", {1});
  const Variable y = get_variable("y", {1});
  const control_dependencies after({x.assign(x * 2).op()});
  const Output q = x.assign(x * 3);
  Session session;
  EXPECT_EQ(Summarize(session.run(q + y)), "[2]");
  EXPECT_THAT(store_->pulls, ::testing::ElementsAre(Names{"x"}, Names{"x", "y"}, Names{"x"}));
  EXPECT_EQ(store_->pushes.size(), 2U);
  // Both later pulls came with the pushes before them.
  EXPECT_EQ(store_->pulled_with_push, 2);
}

TEST_F(PlanTest, WritesThatDependOnNothingAreOnePush) {
  const Variable x = get_variable("x", {1});
  const Variable y = get_variable("y", {1});
  const Output a = x.assign(x * 2);
  const Output b = y.assign(x + y);
  Session session;
  session.run({a, b, x, group({a.op(), b.op()})});
  EXPECT_EQ(store_->pushes.size(), 1U);
  EXPECT_THAT(store_->pulls, ::testing::ElementsAre(Names{"x", "y"}, Names{"x", "y"}));
  EXPECT_EQ(Compile({Fetch(x * 2 + y)}, {}).stages.size(), 1U);
}

TEST_F(PlanTest, ControlOfWhatWritesNothingIsNoOtherStage) {
  const Variable x = get_variable("x", {1});
  const Output read = x * 2;
  const control_dependencies after({read.op()});
  Session().run({train::GradientDescentOptimizer(0.1).minimize(reduce_sum(x * read)), read});
  EXPECT_EQ(store_->pulls.size(), 1U);
  EXPECT_EQ(store_->pushes.size(), 1U);
}

TEST_F(PlanTest, AGradientNamesNoVersionThatTheRunHasItselfMadeOld) {
  const Variable x = get_variable("x", {1});
  const Variable y = get_variable("y", {1});
  const Output loss = reduce_sum(x * y);
  const train::Optimizer sgd = train::GradientDescentOptimizer(0.1);
  const control_dependencies after({x.assign({1}).op()});
  Session().run(sgd.minimize(loss));
  ASSERT_EQ(store_->pushes.size(), 2U);
  EXPECT_EQ(store_->pushes[1].steps[0].updates[0].base_version, std::nullopt);
  EXPECT_EQ(store_->pushes[1].steps[0].updates[1].base_version, store_->version);
  Session().run(sgd.minimize(reduce_sum(x * y)));
  ASSERT_EQ(store_->pushes.size(), 4U);
  EXPECT_EQ(store_->pushes[3].steps[0].updates[0].base_version, store_->version);
  EXPECT_TRUE(store_->pushes[2].more_to_come);
  EXPECT_FALSE(store_->pushes[3].more_to_come);
}

TEST_F(PlanTest, AnErrorSaysWhatTheRunHadDone) {
  const Variable x = get_variable("x", {1});
  const Variable y = get_variable("y", {1});
  const Variable z = get_variable("z", {1});
  const Operation first = group({x.assign({1}).op(), y.assign({1}).op()});
  std::optional<control_dependencies> after(std::in_place, std::vector<Operation>{first});
  const Operation second = train::GradientDescentOptimizer(0.1).minimize(reduce_sum(z));
  after.emplace(std::vector<Operation>{second});
  const Output third = x.assign_add({1});
  const auto error = [&](size_t refuse_from) -> std::string {
    store_->pushes.clear();
    store_->refuse_from = refuse_from;
    try {
      Session().run(third);
    } catch (const InvalidArgumentError& refused) {
      EXPECT_EQ(refused.what(), refused.message());
      return refused.message();
    }
    return "none";
  };
  EXPECT_EQ(error(0), "refused");
  EXPECT_EQ(error(1), "refused; applied before, in the same run: x, y");
  EXPECT_EQ(error(2), "refused; applied before, in the same run: x, y, z");
  EXPECT_EQ(error(3), "none");
}

TEST_F(PlanTest, AnErrorInTheSecondGroupSaysWhatTheFirstHadDone) {
  store_->sync_groups = {{}, {.prefix = "a"}};
  const Output loss = reduce_sum(get_variable("a/w", {2})) + reduce_sum(get_variable("w", {2}));
  const Operation train = train::GradientDescentOptimizer(0.1).minimize(loss);
  store_->refuse_from = 1;
  try {
    Session().run(train);
    FAIL() << "the second push is refused";
  } catch (const InvalidArgumentError& error) {
    EXPECT_EQ(error.message(), "refused; applied before, in the same run: " +
                                   store_->pushes.at(0).steps[0].updates[0].variable);
  }
}

TEST_F(PlanTest, TheSameWorkBeforeAndAfterAWriteRunsWhereItIsNeededFirst) {
  const Variable x = get_variable("x", {1});
  const Output feed = placeholder(float32, {1});
  Output late;
  {
    // Created first, but after the write.
    const control_dependencies after({x.assign({5}).op()});
    late = exp(feed);
  }
  const Output early = exp(feed);
  const Output write = x.assign(early);
  const internal::Plan plan = Compile({Fetch(late), Fetch(write)}, {feed});
  ASSERT_EQ(plan.stages.size(), 2U);
  EXPECT_EQ(plan.stages[0].early_kernels.size(), 1U);
  EXPECT_EQ(plan.stages[1].early_kernels.size(), 1U);
}

TEST_F(PlanTest, AnOptimizersStateIsKeptByTheFirstVariableThatItTrained) {
  store_->sync_groups = {{}, {.prefix = "a"}};
  const Variable v = get_variable("v", {2});
  const Variable w = get_variable("w", {2});
  const Variable in_a = get_variable("a/w", {2});
  const train::Optimizer adam = train::AdamOptimizer(0.1);
  adam.minimize(reduce_sum(v), {}, {v});
  const Operation second = adam.minimize(reduce_sum(w) + reduce_sum(in_a), {}, {w, in_a});
  Session().run(second);
  std::map<std::string, std::string> groups;
  for (const internal::PushRequest& push : store_->pushes) {
    const internal::PushRequest::Step& step = push.steps.at(0);
    groups[step.updates.at(0).variable] = step.state.group;
    EXPECT_THAT(step.state.non_slots, ::testing::ElementsAre("beta1_power", "beta2_power"));
  }
  EXPECT_THAT(groups, ::testing::ElementsAre(std::pair("a/w", "a/w"), std::pair("w", "v")));
  EXPECT_THAT(
      store_->pushes[0].steps[0].updates[0].slots,
      ::testing::ElementsAre(::testing::EndsWith("w/Adam"), ::testing::EndsWith("w/Adam_1")));
}

TEST_F(PlanTest, FeedsReplaceAnyOutput) {
  const Variable w = get_variable("w", {2});
  const Output doubled = w * 2;
  Session session;
  EXPECT_EQ(Summarize(session.run(doubled + 1, {{doubled, Tensor::Of<float>({2}, {7, 8})}})),
            "[8 9]");
  EXPECT_TRUE(store_->pulls.empty());
}

TEST_F(PlanTest, WrongFeedsAndMissingOnesAreNamed) {
  const Output x = placeholder(float32, {2}, "x");
  Session session;
  EXPECT_THROW(session.run(x + 1), ValueError);
  EXPECT_THROW(session.run(x + 1, {{x, Tensor::Scalar(1.0F)}}), ValueError);
  EXPECT_THROW(session.run(x + 1, {{x, Tensor::Of<double>({2}, {1, 2})}}), ValueError);
}

TEST_F(PlanTest, TheOrderOfFeedsDoesNotMatter) {
  const Output a = placeholder(float32, {}, "a");
  const Output b = placeholder(float32, {}, "b");
  const Output difference = a - b;
  const Feed three = {a, Tensor::Scalar(3.0F)};
  const Feed one = {b, Tensor::Scalar(1.0F)};
  Session session;
  for (const std::vector<Feed>& feeds : std::vector<std::vector<Feed>>{
           {three, one}, {one, three}, {{a, Tensor::Scalar(9.0F)}, one, three}}) {
    EXPECT_EQ(session.run(difference, feeds).scalar<float>(), 2);
  }
}

// More than a session keeps the plans of.
TEST_F(PlanTest, AnyNumberOfPlans) {
  const Variable w = get_variable("w", {});
  std::vector<Output> sums = {w};
  for (int i = 0; i < 200; ++i) sums.push_back(sums.back() + 1);
  Session session;
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < 200; ++i) {
      EXPECT_EQ(session.run(sums[i]).scalar<float>(), static_cast<float>(1 + i));
    }
  }
}

// Whichever variable each of its ops trains.
TEST_F(PlanTest, AnOptimizerHasOneStateForAllItsOps) {
  const Variable v = get_variable("v", {1});
  const Variable w = get_variable("w", {1});
  const train::Optimizer adam = train::AdamOptimizer(0.1);
  const Operation first = adam.minimize(reduce_sum(v), {}, {v});
  const Operation second = adam.minimize(reduce_sum(w), {}, {w});
  Session session;
  session.run(second);
  session.run(first);
  ASSERT_EQ(store_->pushes.size(), 2U);
  const internal::OptimizerState& a = store_->pushes[0].steps[0].state;
  const internal::OptimizerState& b = store_->pushes[1].steps[0].state;
  EXPECT_EQ(a.group, b.group);
  EXPECT_EQ(a.instance, b.instance);
  EXPECT_EQ(a.non_slots, b.non_slots);
}

}  // namespace
}  // namespace varscope
