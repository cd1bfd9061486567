// Many workers' pushes as one: means, robust means, sparse rows, exactness.
#include "server/sync/aggregate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <tuple>

#include "tests/support/push.h"

namespace varscope::server {
namespace {

using ::testing::ElementsAre;

Tensor Vector(const std::vector<float>& values) {
  return Tensor::Of<float>(Shape{static_cast<int64_t>(values.size())}, values);
}

std::vector<float> Values(const Tensor& tensor) {
  const auto values = tensor.values<float>();
  return {values.begin(), values.end()};
}

Push PushOf(const std::string& worker, std::vector<GradientUpdate> updates) {
  Push push{.id = {worker, 1, 1}};
  OptimizerStep& step = push.steps.emplace_back();
  step.state = {.optimizer = "GradientDescent",
                .hyperparameters = {{"learning_rate", 1}},
                .name = "GradientDescent",
                .group = "w"};
  step.updates = std::move(updates);
  return push;
}

// Of a store that has their variables; tables have eight rows.
absl::StatusOr<ValidPush> TryMerge(const std::vector<Push>& pushes, Aggregation aggregation,
                                   uint32_t byzantine) {
  Store store(StoreLimits{});
  const auto create = [&](const std::string& name, const Tensor& value, bool sparse) {
    std::vector<int64_t> dims = value.shape().dims();
    if (sparse) dims[0] = 8;
    ResolveRequest request;
    request.request = {name, value.dtype(), Shape(dims), Reuse::kAuto, std::nullopt};
    request.name = name;
    request.initializer = InitializerSpec{.kind = "zeros"};
    EXPECT_TRUE(store.catalog.Resolve({"w", 1, Sharing::kGlobal}, request).ok());
  };
  std::vector<ValidPush> valid;
  for (const Push& push : pushes) {
    for (const OptimizerStep& step : push.steps) {
      for (const GradientUpdate& u : step.updates) {
        create(u.variable, u.gradient, u.rows.has_value());
      }
      for (const SlotRequest& c : step.create_slots) create(c.variable, Vector({0}), false);
    }
    for (const Assignment& a : push.assignments) create(a.variable, a.value, false);
    valid.push_back(Validated(store, push).value());
  }
  return Aggregate(std::move(valid), "", aggregation, byzantine);
}

PushContents Merge(const std::vector<Push>& pushes, Aggregation aggregation, uint32_t byzantine) {
  return TryMerge(pushes, aggregation, byzantine).value().Take();
}

std::vector<Push> Dense(const std::vector<std::vector<float>>& gradients) {
  std::vector<Push> pushes;
  for (size_t i = 0; i < gradients.size(); ++i) {
    pushes.push_back(PushOf("worker" + std::to_string(i),
                            {{.variable = "w", .gradient = Vector(gradients[i])}}));
  }
  return pushes;
}

std::vector<float> Combined(const std::vector<std::vector<float>>& gradients,
                            Aggregation aggregation, uint32_t byzantine = 0) {
  const PushContents merged = Merge(Dense(gradients), aggregation, byzantine);
  return Values(merged.steps.at(0).updates.at(0).gradient.value);
}

TEST(AggregateTest, MeanIsTheMean) {
  EXPECT_THAT(Combined({{1, 2}, {3, 4}, {5, 9}}, Aggregation::kMean), ElementsAre(3, 5));
}

// Workers that built the same optimizer in other scopes have slots of their own.
TEST(AggregateTest, GradientsForOtherSlotsAreNotMixed) {
  const auto push = [](const std::string& worker, float gradient, const std::string& slot) {
    Push push =
        PushOf(worker, {{.variable = "w", .gradient = Vector({gradient}), .slots = {slot}}});
    push.steps[0].state.optimizer = "Momentum";
    push.steps[0].state.hyperparameters = {{"learning_rate", 1}, {"momentum", 0.9}};
    return push;
  };
  const PushContents merged =
      Merge({push("a", 1, "w/Momentum"), push("b", 3, "w/Momentum"), push("c", 8, "o/w/M")},
            Aggregation::kMean, 0);
  ASSERT_EQ(merged.steps.size(), 1U);
  const std::vector<PushUpdate>& updates = merged.steps[0].updates;
  ASSERT_EQ(updates.size(), 2U);
  EXPECT_THAT(Values(updates[0].gradient.value), ElementsAre(2));
  EXPECT_THAT(*updates[0].slot_names, ElementsAre("w/Momentum"));
  EXPECT_THAT(Values(updates[1].gradient.value), ElementsAre(8));
  EXPECT_THAT(*updates[1].slot_names, ElementsAre("o/w/M"));
}

// Also those of a step that has no gradient.
TEST(AggregateTest, SlotsWithoutAnUpdateAreCreatedOnce) {
  const auto created = [](const std::vector<bool>& creators, bool with_gradients,
                          Aggregation aggregation) {
    std::vector<Push> pushes;
    for (size_t i = 0; i < creators.size(); ++i) {
      Push& push = pushes.emplace_back(PushOf("worker" + std::to_string(i), {}));
      push.steps[0].state.optimizer = "Momentum";
      push.steps[0].state.hyperparameters = {{"learning_rate", 1}, {"momentum", 0.9}};
      if (with_gradients) {
        push.steps[0].updates = {{.variable = "w", .gradient = Vector({1})}};
      }
      if (creators[i]) push.steps[0].create_slots = {{.variable = "unused"}};
    }
    std::vector<std::string> names;
    for (const PushStep& step : Merge(pushes, aggregation, 0).steps) {
      for (const SlotCreation& c : step.slot_creations) names.push_back(c.variable->def.name);
    }
    return names;
  };
  for (const bool with_gradients : {false, true}) {
    EXPECT_THAT(created({true, true, true}, with_gradients, Aggregation::kMean),
                ElementsAre("unused"));
    EXPECT_THAT(created({true, true, false}, with_gradients, Aggregation::kMedian),
                ElementsAre("unused"));
  }
  EXPECT_THAT(created({false, true, false}, true, Aggregation::kMean), ElementsAre("unused"));
  // One of three decides nothing.
  EXPECT_THAT(created({false, true, false}, true, Aggregation::kMedian), ElementsAre());
}

TEST(AggregateTest, MedianAndTrimmedMeanLeaveOutliersOut) {
  const std::vector<std::vector<float>> gradients = {{1}, {2}, {3}, {4}, {1e9F}};
  EXPECT_THAT(Combined(gradients, Aggregation::kMedian), ElementsAre(3));
  EXPECT_THAT(Combined(gradients, Aggregation::kTrimmedMean, 1), ElementsAre(3));
  EXPECT_THAT(Combined({{1}, {2}, {3}, {4}}, Aggregation::kMedian), ElementsAre(2.5));
}

TEST(AggregateTest, WithFewerPushesThanARobustMeanNeedsNothingIsApplied) {
  const auto status = [](size_t pushes, Aggregation aggregation, uint32_t byzantine) {
    return TryMerge(Dense(std::vector<std::vector<float>>(pushes, {1})), aggregation, byzantine)
        .status()
        .code();
  };
  for (const auto& [aggregation, byzantine, least] :
       {std::tuple(Aggregation::kMedian, 1U, 3U), std::tuple(Aggregation::kTrimmedMean, 1U, 3U),
        std::tuple(Aggregation::kTrimmedMean, 3U, 7U), std::tuple(Aggregation::kKrum, 1U, 5U)}) {
    EXPECT_EQ(status(least - 1, aggregation, byzantine), absl::StatusCode::kUnavailable);
    EXPECT_EQ(status(least, aggregation, byzantine), absl::StatusCode::kOk);
  }
}

TEST(AggregateTest, KrumTakesOneOfTheGradientsThatAgree) {
  const std::vector<float> chosen =
      Combined({{1, 1}, {1.1F, 1}, {-50, 60}, {0.9F, 1}, {1, 1.05F}}, Aggregation::kKrum, 1);
  EXPECT_NEAR(chosen[0], 1, 0.11);
  EXPECT_NEAR(chosen[1], 1, 0.11);
}

// Whose only gradient is nobody else's is the closest to all, and has nothing that is kept.
TEST(AggregateTest, KrumTakesNoPushOfWhichNothingIsLeft) {
  const auto push = [](const std::string& variable, float gradient) {
    return PushOf(variable, {{.variable = variable, .gradient = Vector({gradient})}});
  };
  const std::vector<Push> pushes = {push("a", 1), push("a", -1), push("b", 1), push("b", -1),
                                    push("c", 1)};
  const PushContents merged = Merge(pushes, Aggregation::kKrum, 1);
  ASSERT_EQ(merged.steps.at(0).updates.size(), 1U);
  EXPECT_NE(merged.steps[0].updates[0].variable->def.name, "c");
}

TEST(AggregateTest, RowsThatAWorkerDoesNotHaveCountAsZero) {
  const auto sparse = [](const std::string& worker, const std::vector<int64_t>& rows,
                         const std::vector<float>& values) {
    const auto count = static_cast<int64_t>(rows.size());
    return PushOf(worker, {{.variable = "table",
                            .gradient = Tensor::Of<float>(Shape{count, 2}, values),
                            .rows = Tensor::Of<int64_t>(Shape{count}, rows)}});
  };
  const PushContents merged =
      Merge({sparse("a", {7, 3}, {1, 2, 3, 4}), sparse("b", {3}, {10, 20})}, Aggregation::kMean, 0);
  const PushUpdate& update = merged.steps.at(0).updates.at(0);
  EXPECT_THAT(update.indices->value.values<int64_t>(), ElementsAre(3, 7));
  EXPECT_THAT(Values(update.gradient.value), ElementsAre(6.5, 12, 0.5, 1));
}

TEST(AggregateTest, AVariableIsTheMeanOfThoseThatHaveIt) {
  Push both = PushOf("a", {{.variable = "v", .gradient = Vector({2})},
                           {.variable = "w", .gradient = Vector({4})}});
  Push one = PushOf("b", {{.variable = "w", .gradient = Vector({6})}});
  const PushContents merged = Merge({both, one}, Aggregation::kMean, 0);
  ASSERT_EQ(merged.steps.size(), 1U);
  EXPECT_THAT(Values(merged.steps[0].updates.at(0).gradient.value), ElementsAre(2));
  EXPECT_THAT(Values(merged.steps[0].updates.at(1).gradient.value), ElementsAre(5));
}

TEST(AggregateTest, DifferentOptimizersStayApartAndAssignmentsFollowEachOther) {
  Push a = PushOf("a", {{.variable = "w", .gradient = Vector({4})}});
  Push b = PushOf("b", {{.variable = "w", .gradient = Vector({6})}});
  b.steps[0].state.optimizer = "Adam";
  b.steps[0].state.hyperparameters = {};
  a.assignments.push_back({"count", AssignOp::kAdd, Vector({1})});
  b.assignments.push_back({"count", AssignOp::kAdd, Vector({1})});
  const PushContents merged = Merge({a, b}, Aggregation::kMean, 0);
  EXPECT_EQ(merged.steps.size(), 2U);
  EXPECT_EQ(merged.assignments.size(), 2U);
  EXPECT_EQ(merged.id.worker_id, "a");
  ASSERT_EQ(merged.others.size(), 1U);
  EXPECT_EQ(merged.others[0].worker_id, "b");
}

}  // namespace
}  // namespace varscope::server
