// Conditions and loops: values, shapes, gradients of any order, changes of variables.
#include "varscope/control_flow.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/tensors.h"
#include "tests/unit/client/session/counting_store.h"
#include "varscope/varscope.h"

namespace varscope {
namespace {

using Outputs = std::vector<Output>;

class ControlFlowTest : public PlanTest {
 protected:
  static Output Slope(const Output& y, const Output& x) {
    return gradients({y}, Outputs{x})[0].values;
  }
  static Output SquareIfPositive(const Output& x) {
    return cond(
        greater(reduce_sum(x), 0), [&] { return Outputs{square(x)}; },
        [&] { return Outputs{x * 3}; })[0];
  }
  // x^n by n multiplications.
  static Output Power(const Output& x, const Output& n) {
    return while_loop([&](const Outputs& v) { return less(v[0], n); },
                      [&](const Outputs& v) {
                        return Outputs{v[0] + constant(1), multiply(v[1], x)};
                      },
                      {constant(0), ones_like(x)})[1];
  }

  std::string Run(const Output& y, const std::vector<Feed>& feeds = {}) {
    return Summarize(Session().run(y, feeds));
  }
};

TEST_F(ControlFlowTest, ARunTakesOneBranch) {
  const Output x = placeholder(float32, {2});
  const Output y = SquareIfPositive(x);
  EXPECT_EQ(y.name(), "cond/Merge:0");
  EXPECT_EQ(y.shape(), (Shape{2}));
  EXPECT_EQ(Run(y, {{x, Tensor::Of<float>({2}, {2, 3})}}), "[4 9]");
  EXPECT_EQ(Run(y, {{x, Tensor::Of<float>({2}, {-2, -3})}}), "[-6 -9]");
  // What would fail in the other branch does not run.
  const Output zero = placeholder(int32, {});
  const Output safe = cond(
      equal(zero, 0), [&] { return Outputs{constant(7)}; },
      [&] { return Outputs{floordiv(constant(1), zero)}; })[0];
  EXPECT_EQ(Run(safe, {{zero, Tensor::Scalar(int32_t{0})}}), "[7]");
  EXPECT_EQ(Run(safe, {{zero, Tensor::Scalar(int32_t{1})}}), "[1]");
}

TEST_F(ControlFlowTest, GradientsOfABranch) {
  const Output x = placeholder(float32, {2});
  const Output y = SquareIfPositive(x);
  const Output first = Slope(y, x);
  const Output second = Slope(reduce_sum(square(first)), x);
  const std::vector<Feed> up = {{x, Tensor::Of<float>({2}, {2, 3})}};
  const std::vector<Feed> down = {{x, Tensor::Of<float>({2}, {-2, -3})}};
  EXPECT_EQ(Run(first, up), "[4 6]");
  EXPECT_EQ(Run(first, down), "[3 3]");
  EXPECT_EQ(Run(second, up), "[16 24]");
  EXPECT_EQ(Run(second, down), "[0 0]");
}

TEST_F(ControlFlowTest, ALoopRunsAsLongAsItsConditionHolds) {
  const Output x = placeholder(float32, {2});
  const Output n = placeholder(int32, {});
  const Output y = Power(x, n);
  EXPECT_EQ(y.name(), "while/Exit_1:0");
  const Tensor base = Tensor::Of<float>({2}, {2, -3});
  EXPECT_EQ(Run(y, {{x, base}, {n, Tensor::Scalar(int32_t{3})}}), "[8 -27]");
  EXPECT_EQ(Run(y, {{x, base}, {n, Tensor::Scalar(int32_t{0})}}), "[1 1]");
}

TEST_F(ControlFlowTest, GradientsOfALoopOfAnyOrder) {
  const Output x = placeholder(float32, {2});
  const Output n = placeholder(int32, {});
  Output y = Power(x, n);
  const Tensor base = Tensor::Of<float>({2}, {2, -3});
  const auto at = [&](int32_t rounds) {
    return std::vector<Feed>{{x, base}, {n, Tensor::Scalar(rounds)}};
  };
  const Output first = Slope(y, x);
  EXPECT_EQ(Run(first, at(3)), "[12 27]");
  EXPECT_EQ(Run(first, at(0)), "[0 0]");
  const Output second = Slope(first, x);
  EXPECT_EQ(Run(second, at(3)), "[12 -18]");
  EXPECT_EQ(Run(second, at(1)), "[0 0]");
  const Output third = Slope(second, x);
  EXPECT_EQ(Run(third, at(4)), "[48 -72]");
  EXPECT_EQ(Run(y, at(3)), "[8 -27]");
}

TEST_F(ControlFlowTest, ALoopInALoopAndAConditionInIt) {
  const Output x = placeholder(float32, {});
  // Each round cubes the value when it is below 2 in size, else leaves it.
  const Output y = while_loop([](const Outputs& v) { return less(v[0], 2); },
                              [&](const Outputs& v) {
                                const Output next = cond(
                                    less(v[1], 2.0),
                                    [&] { return Outputs{multiply(Power(v[1], constant(3)), x)}; },
                                    [&] { return Outputs{v[1]}; })[0];
                                return Outputs{v[0] + 1, next};
                              },
                              {0, identity(x)})[1];
  const Output first = Slope(y, x);
  const Output second = Slope(first, x);
  const auto at = [&](float value) { return std::vector<Feed>{{x, Tensor::Scalar(value)}}; };
  // Twice: ((x^3 x)^3) x = x^13.
  EXPECT_EQ(Run(y, at(1)), "[1]");
  EXPECT_EQ(Run(first, at(1)), "[13]");
  EXPECT_EQ(Run(second, at(1)), "[156]");
  // 1.5: once, x^4 = 5.0625.
  EXPECT_EQ(Run(y, at(1.5F)), "[5.0625]");
  EXPECT_EQ(Run(first, at(1.5F)), "[13.5]");
  EXPECT_EQ(Run(second, at(1.5F)), "[27]");
}

TEST_F(ControlFlowTest, ListsCarryRowsThroughALoop) {
  const Output x = placeholder(float32, {-1, 2});
  // Running sums of the rows.
  const Outputs done = while_loop([](const Outputs& v) { return less(v[0], 3); },
                                  [](const Outputs& v) {
                                    const Popped row = list_pop(v[1], float32, {2});
                                    const Output sum = v[3] + row.last;
                                    return Outputs{v[0] + 1, row.list, list_push(v[2], sum), sum};
                                  },
                                  {0, list_of_rows(x), list_empty(), constant({0, 0})});
  const Output sums = list_stack(done[2], float32, {2});
  EXPECT_EQ(sums.shape().ToString(), "(None, 2)");
  const std::vector<Feed> feeds = {{x, Tensor::Of<float>({3, 2}, {1, 2, 3, 4, 5, 6})}};
  EXPECT_EQ(Run(sums, feeds), "[1 2 4 6 9 12]");
  const Output slope = Slope(reduce_sum(square(sums)), x);
  EXPECT_EQ(Run(slope, feeds), "[28 40 26 36 18 24]");
  const Output second = Slope(reduce_sum(square(slope)), x);
  EXPECT_EQ(Session().run(second, feeds).num_elements(), 6);
  EXPECT_THROW(Run(sums, {{x, Tensor::Of<float>({1, 2}, {1, 2})}}), InvalidArgumentError);
}

// A list's bytes are an output that a program may feed.
TEST_F(ControlFlowTest, BytesThatAreNoListAreRefused) {
  const Output one = list_push(list_empty(), constant({1, 2}));
  const Output two = list_push(one, constant(true));
  const Outputs readers = {list_stack(one, float32), list_pop(one, float32).last,
                           list_pop(one, float32).list,
                           list_pop(list_pop(two, bool_).list, float32).last};
  const Tensor whole = Session().run(one);
  for (size_t i = 0; i < 3; ++i) EXPECT_NO_THROW(Run(readers[i], {{one, whole}})) << i;
  EXPECT_EQ(Run(readers[0], {{one, whole}}), "[1 2]");
  const auto refused = [&](const Tensor& bytes) {
    for (const Output& y : Outputs{readers[0], readers[1]}) {
      EXPECT_THROW(Run(y, {{one, bytes}}), InvalidArgumentError) << Summarize(bytes, 100);
    }
    EXPECT_THROW(Run(readers[3], {{two, bytes}}), InvalidArgumentError) << Summarize(bytes, 100);
  };
  // Its end, its beginning, and every byte of what says where its tensors are.
  for (int64_t i = 1; i < whole.num_elements(); ++i) {
    const std::span<const uint8_t> bytes = whole.values<uint8_t>();
    const Shape rest{whole.num_elements() - i};
    refused(Tensor::Of(rest, std::vector<uint8_t>(bytes.begin() + i, bytes.end())));
    refused(Tensor::Of(rest, std::vector<uint8_t>(bytes.begin(), bytes.end() - i)));
    if (i < 2 * static_cast<int64_t>(sizeof(float))) continue;
    std::vector<uint8_t> other(bytes.begin(), bytes.end());
    other[i] = static_cast<uint8_t>(other[i] + 128);
    refused(Tensor::Of(whole.shape(), other));
  }
  refused(testing::Zeros(uint8, {100}));
  const Tensor flag = Session().run(list_push(list_empty(), constant(true)));
  std::vector<uint8_t> no_bool(flag.values<uint8_t>().begin(), flag.values<uint8_t>().end());
  no_bool[0] = 2;
  EXPECT_THROW(Run(list_pop(two, bool_).last, {{two, Tensor::Of(flag.shape(), no_bool)}}),
               InvalidArgumentError);
}

TEST_F(ControlFlowTest, VariablesAreReadOnceAndTrained) {
  const Output loss = while_loop([](const Outputs& v) { return less(v[0], 3); },
                                 [](const Outputs& v) {
                                   const variable_scope scope("cell", {.reuse = Reuse::kAuto});
                                   const Variable w = get_variable("w", {3});
                                   return Outputs{v[0] + 1, v[1] + reduce_sum(w * w)};
                                 },
                                 {0, constant(0.0F)})[1];
  const Operation train = train::GradientDescentOptimizer(0.1).minimize(loss);
  Session session;
  EXPECT_EQ(session.run({loss, train})[0].scalar<float>(), 9);
  EXPECT_THAT(store_->pulls, ::testing::ElementsAre(std::vector<std::string>{"cell/w"}));
  ASSERT_EQ(store_->pushes.size(), 1U);
  EXPECT_EQ(Summarize(store_->pushes[0].steps[0].updates[0].gradient), "[6 6 6]");
}

TEST_F(ControlFlowTest, ABranchChangesVariablesWhereItIsTaken) {
  const Variable w = get_variable("w", {3});
  const Output train = placeholder(bool_, {});
  const Output y = cond(
      train,
      [&] {
        const control_dependencies after({w.assign_add(constant({1, 2, 3})).op()});
        return Outputs{constant(1)};
      },
      [] { return Outputs{constant(2)}; })[0];
  EXPECT_EQ(Run(y, {{train, Tensor::Scalar(false)}}), "[2]");
  EXPECT_TRUE(store_->pushes.empty());
  EXPECT_EQ(Run(y, {{train, Tensor::Scalar(true)}}), "[1]");
  ASSERT_EQ(store_->pushes.size(), 1U);
  ASSERT_EQ(store_->pushes[0].assignments.size(), 1U);
  EXPECT_EQ(Summarize(store_->pushes[0].assignments[0].value), "[1 2 3]");
}

TEST_F(ControlFlowTest, WhatDoesNotFitIsRefused) {
  const Output x = placeholder(float32, {});
  const auto same = [&] { return Outputs{x}; };
  EXPECT_THROW(cond(x, same, same), TypeError);
  EXPECT_THROW(cond(true, same, [&] { return Outputs{x, x}; }), ValueError);
  EXPECT_THROW(cond(true, same, [] { return Outputs{constant(1)}; }), ValueError);
  const auto always = [](const Outputs&) { return constant(true); };
  EXPECT_THROW(while_loop(always, [](const Outputs&) { return Outputs{}; }, {x}), ValueError);
  EXPECT_THROW(while_loop(always, [](const Outputs&) { return Outputs{constant(1)}; }, {x}),
               TypeError);
  EXPECT_THROW(
      while_loop(always, [](const Outputs& v) { return Outputs{expand_dims(v[0], 0)}; }, {x}),
      ValueError);
  const Variable w = get_variable("w", {3});
  EXPECT_THROW(
      while_loop(always, [&](const Outputs&) { return Outputs{w.assign_add(w)}; }, {w.value()}),
      ValueError);
  Output inner;
  cond(
      true, [&] { return Outputs{inner = x * 2}; }, same);
  EXPECT_THROW(inner + 1, ValueError);
  EXPECT_THROW(Session().run(inner, {{x, Tensor::Scalar(1.0F)}}), ValueError);
  // The graph can be used after all of that.
  EXPECT_EQ(Run(x + 1, {{x, Tensor::Scalar(1.0F)}}), "[2]");
}

TEST_F(ControlFlowTest, AShapeInvariantLetsAVariableGrow) {
  const Output x = placeholder(float32, {1});
  const Outputs grown =
      while_loop([](const Outputs& v) { return less(v[0], 3); },
                 [&](const Outputs& v) {
                   return Outputs{v[0] + 1, concat({v[1], x * v[1]}, 0)};
                 },
                 {0, constant({1})}, OptionalList<Shape>(std::vector<Shape>{{}, {-1}}));
  const std::vector<Feed> feeds = {{x, Tensor::Of<float>({1}, {2})}};
  EXPECT_EQ(Run(grown[1], feeds), "[1 2 2 4 2 4 4 8]");
  EXPECT_EQ(Run(Slope(grown[1], x), feeds), "[27]");
}

}  // namespace
}  // namespace varscope
