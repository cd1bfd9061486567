// The local graph: names, collections, scope defaults, and errors when it is built.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/string_view.h"
#include "client/graph/op_def.h"
#include "varscope/varscope.h"

namespace varscope {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class GraphTest : public ::testing::Test {
 protected:
  Graph graph_;
  Graph::AsDefault use_ = graph_.as_default();
};

template <typename Fn>
std::string ValueErrorOf(Fn&& fn) {
  try {
    fn();
  } catch (const ValueError& error) {
    return error.message();
  }
  return "no error";
}

std::vector<std::string> Names(const std::vector<Variable>& variables) {
  std::vector<std::string> names;
  for (const Variable& variable : variables) names.push_back(variable.name());
  return names;
}

TEST_F(GraphTest, ErrorsAtConstructionNameTheOpAndBothShapes) {
  const Output a = placeholder(float32, {2, 3}, "a");
  const Output b = placeholder(float32, {4, 5}, "b");
  EXPECT_THAT(ValueErrorOf([&] { matmul(a, b, false, false, "product"); }),
              AllOf(HasSubstr("product"), HasSubstr("[2,3]"), HasSubstr("[4,5]")));
  EXPECT_THAT(ValueErrorOf([&] { add(a, b); }), AllOf(HasSubstr("Add"), HasSubstr("[4,5]")));
  EXPECT_NE(ValueErrorOf([&] { add(a, cast(b, int32)); }), "no error");
  EXPECT_NE(ValueErrorOf([&] { reshape(a, {4}); }), "no error");
  EXPECT_NE(ValueErrorOf([&] { concat({a, b}, 0); }), "no error");
  EXPECT_NE(ValueErrorOf([&] { reduce_sum(a, 2); }), "no error");
  EXPECT_NE(ValueErrorOf([&] { transpose(a, {0, 0}); }), "no error");
  EXPECT_NE(ValueErrorOf([&] { nn::conv2d(a, b, {1, 1, 1, 1}, "SAME"); }), "no error");
}

TEST_F(GraphTest, UnknownDimensionsPassUntilTheyAreKnown) {
  const Output images = placeholder(float32, {-1, 8, 8, 1});
  EXPECT_EQ(nn::max_pool(images, {1, 2, 2, 1}, {1, 2, 2, 1}, "SAME").shape(), (Shape{-1, 4, 4, 1}));
  EXPECT_EQ(reshape(images, {-1, 64}).shape(), (Shape{-1, 64}));
  EXPECT_EQ(placeholder(float32).shape(), Shape::Unknown());
}

TEST_F(GraphTest, OperatorsNameTheirOpsAsPythonDoes) {
  const Output x = placeholder(float32, {2}, "x");
  EXPECT_EQ((1.0 + x).op().name(), "add");
  EXPECT_EQ((x - 1).op().name(), "sub");
  EXPECT_EQ((x * x).op().name(), "mul");
  EXPECT_EQ((x / 2).op().name(), "truediv");
  EXPECT_EQ((-x).op().name(), "Neg");
  EXPECT_EQ((x + x).op().name(), "add_1");
  EXPECT_EQ(add(x, x).op().name(), "Add_2");  // names that differ only in case collide
}

TEST_F(GraphTest, CollectionsKeepOrderAndFilterByScope) {
  {
    const variable_scope scope("a");
    get_variable("w", {1});
    get_variable("frozen", {.shape = Shape{1}, .trainable = false});
  }
  {
    const variable_scope scope("ab");
    get_variable("w", {1});
  }
  EXPECT_THAT(Names(global_variables()), ::testing::ElementsAre("a/w:0", "a/frozen:0", "ab/w:0"));
  EXPECT_THAT(Names(trainable_variables()), ::testing::ElementsAre("a/w:0", "ab/w:0"));
  EXPECT_THAT(Names(global_variables("a/")), ::testing::ElementsAre("a/w:0", "a/frozen:0"));
}

TEST_F(GraphTest, OnlyUsesUnderControlAreReadsOfTheirOwn) {
  const Variable w = get_variable("w", Shape{2});
  EXPECT_EQ(w.value().op().name(), "w/Read/ReadVariableOp");
  const Operation before = no_op();
  {
    const control_dependencies after({before});
    EXPECT_EQ(w.value().op().name(), "ReadVariableOp");
    EXPECT_EQ(identity(w).op().name(), "Identity");
    EXPECT_EQ(get_variable("v", Shape{2}).unordered_value().op().name(), "v/Read/ReadVariableOp");
    EXPECT_EQ(w.unordered_value().op().name(), "w/Read/ReadVariableOp");
  }
  EXPECT_EQ(w.value().op().name(), "w/Read/ReadVariableOp");
}

TEST_F(GraphTest, ScopesHandDownTheirDefaults) {
  std::vector<std::string> seen;
  const CustomGetter getter = [&](const Getter& next, const std::string& name,
                                  const GetVariableArgs& args) {
    seen.push_back(name);
    return next(name, args);
  };
  const variable_scope outer("outer",
                             {.regularizer = [](const Variable& v) { return nn::l2_loss(v); },
                              .dtype = float64,
                              .custom_getter = getter});
  const variable_scope inner("inner", {.partitioner = fixed_size_partitioner(2)});
  const Variable v = get_variable("v", {4});
  EXPECT_EQ(v.dtype(), float64);
  EXPECT_TRUE(v.is_partitioned());
  EXPECT_THAT(Names(v.parts()),
              ::testing::ElementsAre("outer/inner/v/part_0:0", "outer/inner/v/part_1:0"));
  EXPECT_THAT(seen, ::testing::Contains("outer/inner/v"));
  EXPECT_EQ(regularization_losses().size(), regularization_losses("outer").size());
  EXPECT_FALSE(regularization_losses().empty());
}

TEST_F(GraphTest, GraphsDoNotMix) {
  const Output x = placeholder(float32, {1});
  Graph other;
  const auto use_other = other.as_default();
  EXPECT_NE(ValueErrorOf([&] { add(x, 1); }), "no error");
}

TEST_F(GraphTest, ScopesEndInTheReverseOrderEvenWhenAnErrorLeavesThem) {
  try {
    const variable_scope a("a");
    const variable_scope b("b", {.reuse = Reuse::kTrue});
    get_variable("missing", {1});
    FAIL();
  } catch (const ValueError&) {
  }
  EXPECT_EQ(get_variable_scope().name(), "");
  EXPECT_EQ(get_variable("w", {1}).name(), "w:0");
}

TEST_F(GraphTest, FindsOpsByName) {
  const Output x = placeholder(float32, {1}, "x");
  EXPECT_EQ(graph_.get_operation_by_name("x").type(), "Placeholder");
  EXPECT_EQ(graph_.get_tensor_by_name("x:0"), x);
  EXPECT_THROW(graph_.get_operation_by_name("y"), ValueError);
  EXPECT_THROW(graph_.get_tensor_by_name("x:1"), ValueError);
  EXPECT_EQ(graph_.unique_name("x"), "x_1");
  EXPECT_EQ(graph_.unique_name("X"), "X_2");
}

TEST_F(GraphTest, GradientsOfUnrelatedTensorsAreUndefined) {
  const Output x = placeholder(float32, {2}, "x");
  const Output y = placeholder(float32, {2}, "y");
  const std::vector<Gradient> grads = gradients({reduce_sum(x)}, {x, y});
  EXPECT_TRUE(grads[0].defined());
  EXPECT_FALSE(grads[1].defined());
  EXPECT_THROW(train::GradientDescentOptimizer(1).minimize(reduce_sum(x)), ValueError);
}

TEST(OpTableTest, EveryOpHasAKernelOrIsTheSessionsOwn) {
  const std::vector<std::string> of_the_session = {"Placeholder",
                                                   "Const",
                                                   "NoOp",
                                                   "VarHandleOp",
                                                   "ReadVariableOp",
                                                   "AssignVariableOp",
                                                   "AssignAddVariableOp",
                                                   "AssignSubVariableOp",
                                                   "ResourceScatterUpdate",
                                                   "ResourceScatterAdd",
                                                   "ResourceScatterSub",
                                                   "ApplyGradients",
                                                   "InitializeVariables"};
  for (absl::string_view name : internal::OpNames()) {
    const internal::OpDef& op = internal::FindOp(name);
    if (op.kernel == nullptr) {
      EXPECT_THAT(of_the_session, ::testing::Contains(std::string(name)));
    }
  }
}

}  // namespace
}  // namespace varscope
