// Many workers' pushes as one: means, robust means, sparse rows, exactness.
#include "server/sync/aggregate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

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
  step.state = {.optimizer = "GradientDescent", .name = "GradientDescent", .group = "w"};
  step.updates = std::move(updates);
  return push;
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
                            Aggregation aggregation, uint32_t faulty = 0) {
  const Push merged = Aggregate(Dense(gradients), aggregation, faulty).value();
  return Values(merged.steps.at(0).updates.at(0).gradient);
}

TEST(AggregateTest, MeanIsTheMean) {
  EXPECT_THAT(Combined({{1, 2}, {3, 4}, {5, 9}}, Aggregation::kMean), ElementsAre(3, 5));
}

// Workers that built the same optimizer in other scopes have slots of their own.
TEST(AggregateTest, GradientsForOtherSlotsAreNotMixed) {
  const auto push = [](const std::string& worker, float gradient, const std::string& slot) {
    return PushOf(worker, {{.variable = "w", .gradient = Vector({gradient}), .slots = {slot}}});
  };
  const Push merged =
      Aggregate({push("a", 1, "w/Momentum"), push("b", 3, "w/Momentum"), push("c", 8, "o/w/M")},
                Aggregation::kMean, 0)
          .value();
  ASSERT_EQ(merged.steps.size(), 1U);
  const std::vector<GradientUpdate>& updates = merged.steps[0].updates;
  ASSERT_EQ(updates.size(), 2U);
  EXPECT_THAT(Values(updates[0].gradient), ElementsAre(2));
  EXPECT_THAT(updates[0].slots, ElementsAre("w/Momentum"));
  EXPECT_THAT(Values(updates[1].gradient), ElementsAre(8));
  EXPECT_THAT(updates[1].slots, ElementsAre("o/w/M"));
}

TEST(AggregateTest, MedianAndTrimmedMeanLeaveOutliersOut) {
  const std::vector<std::vector<float>> gradients = {{1}, {2}, {3}, {4}, {1e9F}};
  EXPECT_THAT(Combined(gradients, Aggregation::kMedian), ElementsAre(3));
  EXPECT_THAT(Combined(gradients, Aggregation::kTrimmedMean, 1), ElementsAre(3));
  EXPECT_THAT(Combined({{1}, {2}, {3}, {4}}, Aggregation::kMedian), ElementsAre(2.5));
}

TEST(AggregateTest, WithTooFewGradientsAsManyAsPossibleAreTrimmed) {
  EXPECT_THAT(Combined({{1}, {5}}, Aggregation::kTrimmedMean, 3), ElementsAre(3));
  EXPECT_THAT(Combined({{1}, {5}, {100}}, Aggregation::kTrimmedMean, 3), ElementsAre(5));
  EXPECT_THAT(Combined({{7}}, Aggregation::kKrum, 1), ElementsAre(7));
}

TEST(AggregateTest, KrumTakesOneOfTheGradientsThatAgree) {
  const std::vector<float> chosen =
      Combined({{1, 1}, {1.1F, 1}, {-50, 60}, {0.9F, 1}, {1, 1.05F}}, Aggregation::kKrum, 1);
  EXPECT_NEAR(chosen[0], 1, 0.11);
  EXPECT_NEAR(chosen[1], 1, 0.11);
}

TEST(AggregateTest, RowsThatAWorkerDoesNotHaveCountAsZero) {
  const auto sparse = [](const std::string& worker, const std::vector<int64_t>& rows,
                         const std::vector<float>& values) {
    const auto count = static_cast<int64_t>(rows.size());
    return PushOf(worker, {{.variable = "table",
                            .gradient = Tensor::Of<float>(Shape{count, 2}, values),
                            .rows = Tensor::Of<int64_t>(Shape{count}, rows)}});
  };
  const Push merged = Aggregate({sparse("a", {7, 3}, {1, 2, 3, 4}), sparse("b", {3}, {10, 20})},
                                Aggregation::kMean, 0)
                          .value();
  const GradientUpdate& update = merged.steps.at(0).updates.at(0);
  EXPECT_THAT(update.rows->values<int64_t>(), ElementsAre(3, 7));
  EXPECT_THAT(Values(update.gradient), ElementsAre(6.5, 12, 0.5, 1));
}

TEST(AggregateTest, AVariableIsTheMeanOfThoseThatHaveIt) {
  Push both = PushOf("a", {{.variable = "v", .gradient = Vector({2})},
                           {.variable = "w", .gradient = Vector({4})}});
  Push one = PushOf("b", {{.variable = "w", .gradient = Vector({6})}});
  const Push merged = Aggregate({both, one}, Aggregation::kMean, 0).value();
  ASSERT_EQ(merged.steps.size(), 1U);
  EXPECT_THAT(Values(merged.steps[0].updates.at(0).gradient), ElementsAre(2));
  EXPECT_THAT(Values(merged.steps[0].updates.at(1).gradient), ElementsAre(5));
}

TEST(AggregateTest, DifferentOptimizersStayApartAndAssignmentsFollowEachOther) {
  Push a = PushOf("a", {{.variable = "w", .gradient = Vector({4})}});
  Push b = PushOf("b", {{.variable = "w", .gradient = Vector({6})}});
  b.steps[0].state.optimizer = "Adam";
  a.assignments.push_back({"count", AssignOp::kAdd, Vector({1})});
  b.assignments.push_back({"count", AssignOp::kAdd, Vector({1})});
  const Push merged = Aggregate({a, b}, Aggregation::kMean, 0).value();
  EXPECT_EQ(merged.steps.size(), 2U);
  EXPECT_EQ(merged.assignments.size(), 2U);
  EXPECT_EQ(merged.id.worker_id, "a");
  ASSERT_EQ(merged.others.size(), 1U);
  EXPECT_EQ(merged.others[0].worker_id, "b");
}

}  // namespace
}  // namespace varscope::server
