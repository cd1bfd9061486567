// Values that repeat a smaller tensor: element-wise ops take that one, and give what they would
// give for the repetition.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "client/session/run_kernel.h"
#include "tests/unit/client/session/counting_store.h"
#include "tests/unit/client/session/with_all_inputs.h"
#include "varscope/varscope.h"

namespace varscope {
namespace {

using ::testing::Pair;
using ::testing::UnorderedElementsAre;

class RepeatedTest : public PlanTest {
 protected:
  // How many elements the outputs of the run's kernels have in the end, by op, when nothing is
  // thrown away: what a kernel needed whole is whole. The run needs no variable.
  std::map<std::string, int64_t> Made(const Output& fetch, const std::vector<Feed>& feeds) {
    std::vector<Output> fed;
    std::vector<Tensor> given;
    for (const auto& [output, value] : feeds) {
      fed.push_back(output);
      given.push_back(value);
    }
    internal::Plan plan = Compile({fetch}, fed);
    internal::Values values{std::vector<Tensor>(plan.slots), {}};
    for (size_t i = 0; i < given.size(); ++i) values.tensors[plan.feeds[i]] = given[i];
    for (const auto& [slot, value] : plan.constants) values.tensors[slot] = value;
    internal::RunShapes shapes(*plan.shapes, given, plan.kernels);
    internal::Device device(1);
    std::map<std::string, int64_t> made;
    for (internal::Plan::Kernel& kernel : plan.stages.at(0).early_kernels) {
      kernel.last_use.assign(kernel.inputs.size(), false);
      internal::RunKernel(kernel, values, shapes, device);
    }
    for (const internal::Plan::Kernel& kernel : plan.stages[0].early_kernels) {
      for (int slot : kernel.outputs) {
        made[std::string(kernel.node->def->name)] += values.tensors[slot].num_elements();
      }
    }
    return made;
  }

  void ExpectSameBits(const Output& y, const std::vector<Feed>& feeds, const std::string& what) {
    const Tensor value = Session().run(y, feeds);
    const Tensor whole = Session().run(WithAllInputs(y), feeds)[0];
    ASSERT_EQ(value.shape(), whole.shape()) << what;
    ASSERT_EQ(value.byte_size(), whole.byte_size()) << what;
    EXPECT_EQ(std::memcmp(value.raw(), whole.raw(), value.byte_size()), 0)
        << what << ": " << Summarize(value, 100) << ", not " << Summarize(whole, 100);
  }

  // Of no two the same, and none exact in binary.
  static Tensor Fractions(const Shape& shape) {
    Tensor value(float32, shape);
    float next = 0.1F;
    for (float& x : value.mutable_values<float>()) x = next += 0.3F;
    return value;
  }

  Output GradientOf(const Output& y, const Output& x, const Output& dy) {
    return gradients({y}, std::vector<Output>{x}, {dy})[0].values;
  }
};

const Shape kShape = {3, 4, 5};

TEST_F(RepeatedTest, TheGradientOfASumOfSquaresIsOnePass) {
  const Output x = placeholder(float32, kShape);
  for (const Output& loss : {reduce_sum(square(x)), reduce_mean(square(x))}) {
    const Output gradient = gradients({loss}, std::vector<Output>{x})[0].values;
    EXPECT_THAT(Made(gradient, {{x, Fractions(kShape)}}),
                UnorderedElementsAre(Pair("BroadcastReduced", 1), Pair("SquareGrad", 60)));
  }
}

TEST_F(RepeatedTest, TheGradientOfAReductionIsNotMadeForElementwiseOps) {
  using Make = std::function<Output(const Output&, const Output&)>;
  const std::map<std::string, Make> expressions = {
      {"square", [](auto x, auto) { return square(x); }},
      {"abs", [](auto x, auto) { return abs(x); }},
      {"negative", [](auto x, auto) { return exp(negative(x)); }},
      {"sqrt", [](auto x, auto) { return sqrt(x); }},
      {"tanh", [](auto x, auto) { return tanh(x); }},
      {"sigmoid", [](auto x, auto) { return sigmoid(x); }},
      {"relu", [](auto x, auto) { return nn::relu(x); }},
      {"elu", [](auto x, auto) { return nn::elu(x); }},
      {"identity", [](auto x, auto) { return identity(square(x)); }},
      {"x * y", [](auto x, auto y) { return x * y; }},
      {"y * x", [](auto x, auto y) { return y * x; }},
      {"x * x", [](auto x, auto) { return x * x; }},
      {"x / y", [](auto x, auto y) { return divide(x, y); }},
      {"y / x", [](auto x, auto y) { return divide(y, x); }},
      {"squared difference", [](auto x, auto y) { return squared_difference(y, x); }},
      {"square of a difference", [](auto x, auto y) { return square(y - x); }},
      {"pow", [](auto x, auto y) { return pow(x, y); }},
      {"sum", [](auto x, auto) { return x + square(x); }},
      {"weighted", [](auto x, auto) { return square(x) * 3.0F - 1.0F; }},
  };
  using Reduce = Output (*)(const Input&, const Axes&, bool, const std::string&);
  const std::map<std::string, Reduce> reductions = {{"Sum", reduce_sum},
                                                    {"Mean", reduce_mean},
                                                    {"Max", reduce_max},
                                                    {"Min", reduce_min},
                                                    {"Prod", reduce_prod}};
  const Axes axes[] = {{}, {0}, {1}, {-1}, {0, 1}, {0, 2}, {1, 2}, {0, 1, 2}};
  const Shape known[] = {kShape, Shape{-1, 4, -1}, Shape::Unknown()};
  for (const auto& [of, expression] : expressions) {
    for (const auto& [name, reduce] : reductions) {
      for (const Axes& axis : axes) {
        for (const bool keepdims : {false, true}) {
          for (const Shape& shape : known) {
            const std::string what = name + " of " + of + ", " + shape.ToString() +
                                     (axis.given() ? ", " + std::to_string(axis->size()) : "");
            const Output x = placeholder(float32, shape);
            const Output y = placeholder(float32, shape);
            const Output reduced = reduce(expression(x, y), axis, keepdims, "");
            const std::vector<Feed> operands = {{x, Fractions(kShape)}, {y, Fractions(kShape)}};
            const Shape small = Session().run(reduced, operands).shape();
            const Output dy = placeholder(float32, reduced.shape());
            const Output gradient = GradientOf(reduced, x, dy);
            std::vector<Feed> feeds = operands;
            feeds.emplace_back(dy, Fractions(small));
            // Extremes spread themselves and their number, too.
            const int64_t spreads = name[0] == 'M' && name != "Mean" ? 3 : 1;
            ASSERT_EQ(Made(gradient, feeds)["BroadcastReduced"], spreads * small.num_elements())
                << what;
            ExpectSameBits(gradient, feeds, what);
            const Output second = GradientOf(gradient, x, ones_like(gradient));
            if (second.defined()) ExpectSameBits(second, feeds, "second derivative of " + what);
          }
        }
      }
    }
  }
}

// What repeats all that it is made of is small, too.
TEST_F(RepeatedTest, OpsOfRepeatedValuesAloneComputeOnce) {
  const Output x = placeholder(float32);
  const std::vector<Feed> feeds = {{x, Fractions(kShape)}};
  const Output one = GradientOf(reduce_sum(x), x, constant(0.3F));
  const Output row = GradientOf(reduce_mean(x, {0}), x, constant(Fractions({4, 5})));
  const Output column = GradientOf(reduce_sum(x, {1, 2}), x, constant(Fractions({3})));
  const Output y = x * add_n({negative(one) * 2.0F, maximum(row, one), column * ones_like(x),
                              cast(less(row, column), float32), identity(row)});
  const std::map<std::string, int64_t> made = Made(y, feeds);
  EXPECT_EQ(made.at("BroadcastReduced"), 1 + 4 * 5 + 3);
  EXPECT_EQ(made.at("Neg"), 1);
  EXPECT_EQ(made.at("OnesLike"), 1);
  EXPECT_EQ(made.at("Maximum"), 4 * 5);
  EXPECT_EQ(made.at("Less"), 3 * 4 * 5);
  EXPECT_EQ(made.at("Mul"), 1 + 3 + 60);
  ExpectSameBits(y, feeds, "sum");
}

// Whatever lies between a loss and what it is the sum of, when one number is repeated.
TEST_F(RepeatedTest, OneNumberPassesThroughShapesAndChoices) {
  for (const Shape& shape : {kShape, Shape{-1, 4, -1}, Shape::Unknown()}) {
    const Output x = placeholder(float32, shape);
    const Output y = placeholder(float32, shape);
    const std::vector<Feed> feeds = {{x, Fractions(kShape)}, {y, Fractions(kShape)}};
    const Output losses[] = {reduce_mean(reduce_sum(square(x), {1})),
                             reduce_sum(reduce_mean(square(x), {0, 2}, true), {1}),
                             reduce_mean(reshape(square(x), {-1})),
                             reduce_sum(expand_dims(reduce_sum(square(x), {2}), 0)),
                             reduce_sum(squeeze(reduce_mean(square(x), {2}, true), {2})),
                             reduce_sum(y + square(x)),
                             reduce_sum(square(square(x) - y)),
                             reduce_sum(maximum(square(x), y)),
                             reduce_sum(where(greater(x, 1.0F), square(x), y)),
                             reduce_mean(clip_by_value(square(x), 0.5F, 3.0F))};
    for (const Output& loss : losses) {
      const Output gradient = gradients({loss}, std::vector<Output>{x})[0].values;
      std::map<std::string, int64_t> made = Made(gradient, feeds);
      const std::string what = loss.name();
      EXPECT_LE(made["BroadcastReduced"], 2) << what;
      EXPECT_LE(made["ReshapeLike"], 1) << what;
      EXPECT_LE(made["ZerosLike"], 2) << what;
      ExpectSameBits(gradient, feeds, what);
    }
  }
}

TEST_F(RepeatedTest, WhoeverNeedsThemWholeGetsThem) {
  const Output x = placeholder(float32, {2, 3});
  const std::vector<Feed> feeds = {{x, Tensor::Of<float>({2, 3}, {1, 2, 3, 4, 5, 6})}};
  const Output y = square(x);
  const std::vector<Gradient> of = gradients({reduce_sum(y)}, std::vector<Output>{y, x});
  const Output spread = of[0].values;
  const Output gradient = of[1].values;
  Session session;
  // Fetched alone, with what takes it unrepeated, through other ops, and of both kinds at once.
  EXPECT_EQ(Summarize(session.run(spread, feeds)), "[1 1 1 1 1 1]");
  const std::vector<Tensor> both = session.run({gradient, spread}, feeds);
  EXPECT_EQ(both[0].shape(), (Shape{2, 3}));
  EXPECT_EQ(Summarize(both[0]), "[2 4 6 8 10 12]");
  EXPECT_EQ(both[1].shape(), (Shape{2, 3}));
  EXPECT_EQ(Summarize(both[1]), "[1 1 1 1 1 1]");
  EXPECT_EQ(Summarize(session.run(matmul(x, transpose(spread, {1, 0})), feeds)), "[6 6 15 15]");
  EXPECT_EQ(Summarize(session.run(concat({spread * x, spread}, 1), feeds), 12),
            "[1 2 3 1 1 1 4 5 6 1 1 1]");
  EXPECT_EQ(Summarize(session.run(reduce_sum(negative(spread), {0}), feeds)), "[-2 -2 -2]");
  EXPECT_EQ(Summarize(session.run(where(greater(spread, 0.5F), x, spread), feeds)),
            "[1 2 3 4 5 6]");
  // One kernel makes it whole and writes over that; the other takes it as it was.
  const Output two = spread + 1.0F;
  EXPECT_EQ(Summarize(session.run(concat({reciprocal(two), two * x}, 1), feeds), 12),
            "[0.5 0.5 0.5 2 4 6 0.5 0.5 0.5 8 10 12]");
  // Fed, it is what was fed.
  const Feed fed = {spread, Tensor::Of<float>({2, 3}, {1, 0, 1, 0, 1, 0})};
  EXPECT_EQ(Summarize(session.run(gradient, {feeds[0], fed})), "[2 0 6 0 10 0]");
}

TEST_F(RepeatedTest, OfNothingNothingIsRefused) {
  const Output x = placeholder(int32);
  const Tensor none(int32, {0, 3});
  EXPECT_EQ(Session().run(floordiv(x, zeros_like(x)), {{x, none}}).shape(), (Shape{0, 3}));
  const Output y = placeholder(float32);
  const Output gradient = gradients({reduce_mean(square(y))}, std::vector<Output>{y})[0].values;
  EXPECT_EQ(Session().run(gradient, {{y, Tensor(float32, {0, 3})}}).shape(), (Shape{0, 3}));
}

TEST_F(RepeatedTest, TheyOutliveAStageAndArePushedWhole) {
  const Variable v = get_variable("v", {2, 2});
  const Variable w = get_variable("w", {2, 2});
  const Output spread = gradients({reduce_mean(v * 4.0F)}, {v})[0].values;
  const control_dependencies after({v.assign(negative(spread)).op()});
  const Output later = w.assign_add(spread * v);
  Session().run(later);
  ASSERT_EQ(store_->pushes.size(), 2U);
  for (const internal::PushRequest& push : store_->pushes) {
    ASSERT_EQ(push.assignments.size(), 1U);
    EXPECT_EQ(push.assignments[0].value.shape(), (Shape{2, 2}));
  }
  EXPECT_EQ(Summarize(store_->pushes[0].assignments[0].value), "[-1 -1 -1 -1]");
  EXPECT_EQ(Summarize(store_->pushes[1].assignments[0].value), "[1 1 1 1]");
}

}  // namespace
}  // namespace varscope
