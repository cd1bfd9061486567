// What a graph refuses when it is built: names, dtypes, values and variables that cannot be.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "client/graph/handles.h"
#include "client/graph/node.h"
#include "client/graph/optimizer_slots.h"
#include "client/graph/variable_state.h"
#include "varscope/varscope.h"

namespace varscope {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class ArgumentsTest : public ::testing::Test {
 protected:
  Graph graph_;
  ScopeGuard use_ = graph_.as_default();
};

// What it throws: the class, and the message.
std::string Thrown(const std::function<void()>& call) {
  try {
    call();
  } catch (const ValueError& error) {
    return "ValueError: " + error.message();
  } catch (const TypeError& error) {
    return "TypeError: " + error.message();
  } catch (const LookupError& error) {
    return "LookupError: " + error.message();
  } catch (const Error& error) {
    return "another Error: " + error.message();
  } catch (const std::exception& error) {
    return std::string("no Error: ") + error.what();
  }
  return "nothing";
}

using Named = std::function<std::string(const std::string& name)>;

// One of each way to make an op.
std::vector<Named> WaysToNameAnOp() {
  const Output x = placeholder(float32, {2, 2});
  const Variable v = get_variable("v", {2, 2});
  return {[](const std::string& name) { return constant(1.0, float32, name).op().name(); },
          [](const std::string& name) { return placeholder(float32, {2}, name).op().name(); },
          [](const std::string& name) { return zeros({2}, float32, name).op().name(); },
          [](const std::string& name) { return random_uniform({2}, 0, 1, name).op().name(); },
          [](const std::string& name) { return no_op(name).name(); },
          [](const std::string& name) { return group({}, name).name(); },
          [x](const std::string& name) { return add(x, x, name).op().name(); },
          [x](const std::string& name) { return add(x, 1.0, name).op().name(); },
          [x](const std::string& name) { return exp(x, name).op().name(); },
          [x](const std::string& name) { return reduce_sum(x, {}, false, name).op().name(); },
          [x](const std::string& name) {
            return nn::sigmoid_cross_entropy_with_logits(x, x, name).op().name();
          },
          [v](const std::string& name) { return v.assign(v, name).op().name(); }};
}

// TensorFlow's rule, with its class of error.
TEST_F(ArgumentsTest, NamesOfOpsAreTensorFlows) {
  for (const Named& make : WaysToNameAnOp()) {
    for (const char* bad : {"bad name!", "a:b", "_x", "\xc3\xa9", "x\n", "/", "-a"}) {
      EXPECT_THAT(Thrown([&] { make(bad); }),
                  AllOf(HasSubstr("ValueError"), HasSubstr("is not a valid")))
          << bad;
    }
    for (const char* good : {"good", "A.b", "a/b", "a>b", "a\\b", "0", "a-"}) {
      EXPECT_EQ(Thrown([&] { make(good); }), "nothing") << good;
    }
    const name_scope inside("scope");
    EXPECT_EQ(Thrown([&] { make("_x"); }), "nothing");
    EXPECT_THAT(Thrown([&] { make("bad!"); }), HasSubstr("ValueError"));
  }
}

TEST_F(ArgumentsTest, ANameThatIsTakenAsItIsIsTakenOnce) {
  int i = 0;
  for (const Named& make : WaysToNameAnOp()) {
    const std::string name = "d" + std::to_string(i++);
    EXPECT_EQ(make(name + "/"), name);
    EXPECT_THAT(Thrown([&] { make(name + "/"); }),
                AllOf(HasSubstr("ValueError"), HasSubstr("Duplicate node name in graph: '")));
  }
  EXPECT_EQ(graph_.get_operation_by_name("d0").type(), "Const");
}

// A variable's op has the name that the store gives it: what an op of the graph has already is no
// reason to refuse the variable.
TEST_F(ArgumentsTest, VariablesStandBesideOpsOfTheirNames) {
  placeholder(float32, {}, "w/read");
  const Variable w = get_variable("w", {2});
  EXPECT_EQ(w.name(), "w:0");
  EXPECT_NE(w.value().op().name(), "w/read");
}

TEST_F(ArgumentsTest, NothingHasNoDType) {
  const Output x = placeholder(float32, {2});
  const DType none = DType::kInvalid;
  const DType no_such = static_cast<DType>(99);
  for (const DType bad : {none, no_such}) {
    const std::vector<std::function<void()>> calls = {
        [&] { constant(1.0, bad); },
        [&] { constant(1, bad); },
        [&] { zeros({2}, bad); },
        [&] { ones({2}, bad); },
        [&] { placeholder(bad); },
        [&] { cast(x, bad); },
        [&] { one_hot(constant(1, int32), 3, "", bad); },
        [&] { Variable(1.0, {.dtype = bad}); },
        [&] { get_variable("a", {.shape = Shape{2}, .dtype = bad}); },
        [&] { get_variable("b", Shape{2}, bad); },
        [&] {
          const variable_scope scope("s", {.dtype = bad});
          get_variable("c", Shape{2});
        },
        [&] {
          get_variable("d",
                       {.shape = Shape{4}, .dtype = bad, .partitioner = fixed_size_partitioner(2)});
        }};
    for (size_t i = 0; i < calls.size(); ++i) {
      EXPECT_THAT(Thrown(calls[i]), HasSubstr("TypeError: ")) << i;
    }
  }
  EXPECT_TRUE(global_variables().empty());
}

TEST_F(ArgumentsTest, AnUndefinedTensorIsNoValue) {
  const Output x = placeholder(float32, {2});
  const Variable v = get_variable("v", {2});
  const std::vector<std::function<void()>> calls = {
      [&] { constant(Tensor()); },
      [&] { convert_to_tensor(Tensor()); },
      [&] { add(x, Tensor()); },
      [&] { add(Tensor(), x); },
      [&] { exp(Tensor()); },
      [&] { reduce_sum(Tensor()); },
      [&] {
        concat({x, Tensor()}, 0);
      },
      [&] { v.assign(Tensor()); },
      [&] { v.scatter_add(Tensor(), x); },
      [&] { v.scatter_add(0, Tensor()); },
      [&] { Variable{Initializer(Tensor())}; },
      [&] { Variable(Tensor(), {.dtype = float64}); },
      [&] { get_variable("a", {.initializer = Tensor()}); },
      [&] { get_variable("b", {.dtype = float32, .initializer = Tensor()}); },
      [&] {
        get_variable(
            "c",
            {.shape = Shape{4}, .initializer = Tensor(), .partitioner = fixed_size_partitioner(2)});
      }};
  for (size_t i = 0; i < calls.size(); ++i) {
    EXPECT_THAT(Thrown(calls[i]), HasSubstr("ValueError: ")) << i;
  }
  EXPECT_EQ(global_variables().size(), 1U);
}

// What TensorFlow 2.21 calls them.
TEST_F(ArgumentsTest, SumsAndConcatenationsOfOne) {
  const Output x = placeholder(float32, {2}, "x");
  EXPECT_EQ(concat({x}, 0).op().name(), "concat/concat");
  EXPECT_EQ(concat({x}, 0, "c").op().name(), "c/c");
  EXPECT_EQ(concat({x, x}, 0).op().name(), "concat_1");
  EXPECT_EQ(concat({x, x}, 0, "d").op().name(), "d");
  EXPECT_EQ(concat({x, Tensor::Of<float>({1}, {1})}, 0).op().name(), "concat_2");
  EXPECT_EQ(graph_.get_operation_by_name("concat_2/values_1").type(), "Const");
  EXPECT_EQ(add_n({x}), x);
  EXPECT_EQ(add_n({x}, "a").op().name(), "a");
  EXPECT_EQ(add_n({x}, "a").op().type(), "Identity");
  EXPECT_EQ(add_n({x, x}).op().name(), "AddN");
}

// Names are unique in the graph of the operands, whichever graph is the default one.
TEST_F(ArgumentsTest, OpsAreOfTheGraphOfTheirOperands) {
  const Output x = placeholder(float32, {2});
  const Output here = x / x;
  const Graph other;
  const auto use_other = other.as_default();
  for (const Output& y : {x / x, divide(x, x), concat({x, x}, 0), add_n({x, x}), x + x,
                          concat({x}, 0), gather(x, cast(x, int32))}) {
    EXPECT_EQ(y.graph(), graph_);
    EXPECT_NE(y.op().name(), here.op().name());
  }
  EXPECT_TRUE(other.get_operations().empty());
}

// As TensorFlow's, and to the last bit.
TEST_F(ArgumentsTest, InitialValuesAreOfTheirOwnKind) {
  const int64_t odd = (int64_t{1} << 53) + 1;
  const auto first = [](const Variable& v) {
    return internal::Unwrap(v)->pending->initializer->value;
  };
  EXPECT_EQ(Variable(3).dtype(), int32);
  EXPECT_EQ(Variable(true).dtype(), bool_);
  EXPECT_EQ(Variable(3.0).dtype(), float32);
  EXPECT_EQ(Variable(odd).dtype(), int64);
  EXPECT_EQ(Variable({1, 2}).dtype(), float32);
  EXPECT_EQ(Variable(3, {.dtype = float32}).dtype(), float32);
  EXPECT_EQ(first(Variable(odd, {.dtype = int64})).scalar<int64_t>(), odd);
  EXPECT_EQ(first(Variable(0.1, {.dtype = float64})).scalar<double>(), 0.1);
  EXPECT_EQ(first(Variable({0.1}, {.dtype = float64})).scalar<double>(), 0.1);
  EXPECT_THAT(Thrown([] { Variable(2.5, {.dtype = int32}); }), HasSubstr("TypeError: "));
  EXPECT_EQ(get_variable("a", {.initializer = 3}).dtype(), int32);
  EXPECT_EQ(get_variable("b", {.initializer = true}).dtype(), bool_);
  EXPECT_EQ(get_variable("c", {.dtype = float32, .initializer = 3.0}).dtype(), float32);
  EXPECT_EQ(get_variable("d", {.dtype = int64, .initializer = odd}).dtype(), int64);
  EXPECT_THAT(Thrown([] { get_variable("e", {.dtype = float32, .initializer = 3}); }),
              AllOf(HasSubstr("ValueError: "), HasSubstr("don't match")));
}

// One row of the values for each index, as far as both are known.
TEST_F(ArgumentsTest, ScattersNeedARowForEachNumber) {
  const Variable v = get_variable("v", {3, 2});
  const Output two = constant(Tensor::Of<int32_t>({2}, {0, 1}));
  const Output unknown = placeholder(int64, {-1});
  const auto values = [](int64_t rows) { return placeholder(float32, {rows, 2}); };
  using Scatter = Output (Variable::*)(const Input&, const Input&, const std::string&) const;
  for (const Scatter scatter :
       {&Variable::scatter_update, &Variable::scatter_add, &Variable::scatter_sub}) {
    const auto thrown = [&](const Output& rows, const Output& from) {
      return Thrown([&] { (v.*scatter)(rows, from, ""); });
    };
    EXPECT_THAT(thrown(two, values(3)), AllOf(HasSubstr("ValueError: "), HasSubstr("v:0"),
                                              HasSubstr("(2,)"), HasSubstr("(3, 2)")));
    EXPECT_THAT(thrown(two, values(0)), HasSubstr("ValueError: "));
    EXPECT_EQ(thrown(two, values(2)), "nothing");
    EXPECT_EQ(thrown(two, values(-1)), "nothing");
    EXPECT_EQ(thrown(unknown, values(3)), "nothing");
    EXPECT_EQ(thrown(two, placeholder(float32)), "nothing");
  }
}

TEST_F(ArgumentsTest, SparseGradientsNeedARowForEachNumber) {
  const Variable v = get_variable("v", {3, 2});
  const train::Optimizer sgd = train::GradientDescentOptimizer(1);
  const Output two = constant(Tensor::Of<int32_t>({2}, {0, 1}));
  const auto thrown = [&](const Output& values, const Output& indices) {
    return Thrown([&] { sgd.apply_gradients({{{values, indices}, v}}); });
  };
  EXPECT_THAT(thrown(zeros({3, 2}), two), AllOf(HasSubstr("ValueError: "), HasSubstr("v:0")));
  EXPECT_THAT(thrown(zeros({2, 3}), two), HasSubstr("ValueError: "));
  EXPECT_THAT(thrown(zeros({2}), two), HasSubstr("ValueError: "));
  EXPECT_THAT(thrown(zeros({2, 2}, float64), two), HasSubstr("ValueError: "));
  EXPECT_THAT(thrown(zeros({2, 2}), zeros({2})), HasSubstr("ValueError: "));
  EXPECT_THAT(thrown(zeros({2, 2}), constant(1, int32)), HasSubstr("ValueError: "));
  EXPECT_EQ(thrown(zeros({2, 2}), two), "nothing");
}

TEST_F(ArgumentsTest, APartitionersAxisCountsFromTheEndToo) {
  const auto parts = [](const std::string& name, int64_t shards, int axis) {
    std::string shapes;
    const Variable v = get_variable(
        name, {.shape = Shape{4, 6}, .partitioner = fixed_size_partitioner(shards, axis)});
    for (const Variable& part : v.parts()) shapes += part.shape().ToString();
    return shapes;
  };
  EXPECT_EQ(parts("a", 2, -1), "(4, 3)(4, 3)");
  EXPECT_EQ(parts("b", 2, 1), "(4, 3)(4, 3)");
  EXPECT_EQ(parts("c", 2, -2), "(2, 6)(2, 6)");
  EXPECT_EQ(parts("d", 9, 0), "(1, 6)(1, 6)(1, 6)(1, 6)");
  for (const int axis : {2, 5, -3, -1000000, 1000000}) {
    EXPECT_THAT(Thrown([&] { parts("e", 2, axis); }), HasSubstr("LookupError: ")) << axis;
  }
  EXPECT_THAT(Thrown([&] { parts("e", 0, 0); }), HasSubstr("ValueError: "));
  EXPECT_THAT(Thrown([&] { parts("e", -1, 0); }), HasSubstr("ValueError: "));
}

TEST_F(ArgumentsTest, PartitionedVariablesAreDifferentiatedAndTrainedPartByPart) {
  const Variable v =
      get_variable("v", {.shape = Shape{4}, .partitioner = fixed_size_partitioner(2)});
  const Output loss = reduce_sum(square(v));
  const auto refuses = AllOf(HasSubstr("ValueError: "), HasSubstr("v"), HasSubstr("parts()"));
  EXPECT_THAT(Thrown([&] { gradients({loss}, std::vector<Variable>{v}); }), refuses);
  const train::Optimizer sgd = train::GradientDescentOptimizer(1);
  EXPECT_THAT(Thrown([&] { sgd.apply_gradients({{{zeros({4}), Output()}, v}}); }), refuses);
  EXPECT_EQ(gradients({loss}, v.parts()).size(), 2U);
  EXPECT_EQ(sgd.compute_gradients(loss, {v}).size(), 2U);
  EXPECT_EQ(Thrown([&] { sgd.minimize(loss, {}, {v}); }), "nothing");
}

// No op of the public interface is such a one: this one reads an assignment without its read op.
TEST_F(ArgumentsTest, AnOpWithoutAGradientIsALookupError) {
  const Output delta = placeholder(float32, {2});
  const Output changed = get_variable("v", {2}).assign_add(delta);
  const Output y = identity(constant({0, 0}));
  internal::Unwrap(y).node->inputs = {internal::Unwrap(changed)};
  EXPECT_THAT(Thrown([&] { gradients({y}, std::vector<Output>{delta}); }),
              AllOf(HasSubstr("LookupError: "), HasSubstr("No gradient defined for operation '"),
                    HasSubstr("(op type: AssignAddVariableOp)")));
}

// An optimizer gets its number in each graph that it trains, not where it was made.
TEST_F(ArgumentsTest, TwoOptimizersOfOneNameAreTwoInEveryGraph) {
  const auto instance = [](const train::Optimizer& optimizer) {
    const Variable w = get_variable("w", {.shape = Shape{2}, .reuse = AUTO_REUSE});
    const Operation train = optimizer.minimize(reduce_sum(square(w)));
    return internal::Unwrap(train)->control_inputs.at(0)->apply->slots->instance;
  };
  const train::Optimizer made_here = train::AdamOptimizer();
  Graph other;
  const auto use_other = other.as_default();
  const train::Optimizer made_there = train::AdamOptimizer();
  EXPECT_EQ(instance(made_here), 0U);
  EXPECT_EQ(instance(made_there), 1U);
  EXPECT_EQ(instance(made_here), 0U) << "again";
  const auto use_first = graph_.as_default();
  EXPECT_EQ(instance(made_there), 0U);
  EXPECT_EQ(instance(made_here), 1U);
}

}  // namespace
}  // namespace varscope
