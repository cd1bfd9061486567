// The local graph: names, collections, scope defaults, and errors when it is built.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "absl/strings/string_view.h"
#include "client/graph/apply_spec.h"
#include "client/graph/handles.h"
#include "client/graph/node.h"
#include "client/graph/op_def.h"
#include "proto/optimizers/optimizer.h"
#include "varscope/varscope.h"

namespace varscope {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class GraphTest : public ::testing::Test {
 protected:
  Graph graph_;
  ScopeGuard use_ = graph_.as_default();
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

// What TensorFlow 2.21 gives for the same variables; Python's re.match.
TEST_F(GraphTest, CollectionsAreFilteredByRegularExpressions) {
  const auto in = [](const std::string& scope, const std::vector<std::string>& names) {
    const variable_scope open(
        scope, {.regularizer = [](const Variable& v) { return multiply(v, 2, "reg"); }});
    for (const std::string& name : names) get_variable(name, Shape{1});
  };
  in("D", {"w", "w.x"});
  in("G", {"w", "b"});
  in("GD", {"w"});
  const auto found = [](const std::string& scope) {
    std::string text;
    for (const Variable& variable : trainable_variables(scope)) text += variable.name() + " ";
    EXPECT_EQ(Names(global_variables(scope)), Names(trainable_variables(scope)));
    return text;
  };
  const std::string all = "D/w:0 D/w.x:0 G/w:0 G/b:0 GD/w:0 ";
  EXPECT_EQ(found("[DG]/"), "D/w:0 D/w.x:0 G/w:0 G/b:0 ");
  EXPECT_EQ(found("D"), "D/w:0 D/w.x:0 ");
  EXPECT_EQ(found(".*w"), "D/w:0 D/w.x:0 G/w:0 GD/w:0 ");
  EXPECT_EQ(found("w"), "");
  EXPECT_EQ(found("G/w$"), "");
  EXPECT_EQ(found("G/w:0$"), "G/w:0 ");
  EXPECT_EQ(found("D/w.x"), "D/w.x:0 ");
  EXPECT_EQ(found("(?!G)"), "D/w:0 D/w.x:0 ");
  EXPECT_EQ(found("^G"), "G/w:0 G/b:0 GD/w:0 ");
  EXPECT_EQ(found("(?i)d"), "D/w:0 D/w.x:0 ");
  EXPECT_EQ(found("(D|G)/w"), "D/w:0 D/w.x:0 G/w:0 ");
  EXPECT_EQ(found("D/(?P<n>w)"), "D/w:0 D/w.x:0 ");
  EXPECT_EQ(found("D|X"), "D/w:0 D/w.x:0 ");
  EXPECT_EQ(found("a{2"), "");
  EXPECT_EQ(found("(?<=x)"), "");
  EXPECT_EQ(found("\\Z"), "");
  EXPECT_EQ(found(".*:0"), all);
  EXPECT_EQ(found(""), all);
  ASSERT_EQ(regularization_losses("GD/w/Reg.*/reg:0$").size(), 1U);
  EXPECT_EQ(regularization_losses("GD").front().name(), "GD/w/Regularizer/reg:0");
  EXPECT_EQ(regularization_losses("[DG]+/").size(), 5U);
  for (const char* const wrong : {"[", "(", "*", "\\", "a)", "(?P<"}) {
    EXPECT_THAT(ValueErrorOf([&] { global_variables(wrong); }),
                AllOf(HasSubstr(wrong), HasSubstr("is not a regular expression")));
    EXPECT_NE(ValueErrorOf([&] { trainable_variables(wrong); }), "no error");
    EXPECT_NE(ValueErrorOf([&] { regularization_losses(wrong); }), "no error");
  }
  // What would take for ever is given up.
  const Variable v = get_variable(std::string(60, 'a'), Shape{1});
  EXPECT_THAT(ValueErrorOf([&] { global_variables("(a*)*b"); }),
              ::testing::AnyOf("no error", HasSubstr("cannot be matched")));
}

// A list of nothing is not a list left out.
TEST_F(GraphTest, EmptyListsAreWhatTensorFlowTakesThemFor) {
  EXPECT_EQ(ValueErrorOf([] { train::Saver(); }), "No variables to save");
  const Variable w = get_variable("w", Shape{1, 2});
  const Output loss = reduce_sum(w * w);
  const train::Optimizer sgd = train::GradientDescentOptimizer(0.5);
  const std::vector<Variable> none = trainable_variables("typo/");
  EXPECT_EQ(ValueErrorOf([&] { sgd.minimize(loss, {}, none); }), "No variables to optimize.");
  EXPECT_EQ(ValueErrorOf([&] { sgd.compute_gradients(loss, none); }), "No variables to optimize.");
  EXPECT_EQ(sgd.compute_gradients(loss).size(), 1U);
  EXPECT_EQ(sgd.compute_gradients(loss, {}).size(), 1U);
  EXPECT_EQ(sgd.compute_gradients(loss, {w}).size(), 1U);
  EXPECT_EQ(ValueErrorOf([&] { sgd.apply_gradients({}); }), "No variables provided.");
  EXPECT_EQ(ValueErrorOf([] { train::GradientDescentOptimizer(0.5, ""); }),
            "Must specify the optimizer name");
  EXPECT_EQ(ValueErrorOf([&] { train::Saver(std::vector<Variable>()); }), "No variables to save");
  EXPECT_EQ(ValueErrorOf([&] { train::Saver(std::map<std::string, Variable>()); }),
            "No variables to save");

  EXPECT_EQ(gradients({loss}, std::vector<Variable>()).size(), 0U);
  const std::vector<Gradient> of_nothing = gradients({}, std::vector<Variable>{w});
  ASSERT_EQ(of_nothing.size(), 1U);
  EXPECT_FALSE(of_nothing[0].defined());
  const Output x = w;
  EXPECT_EQ(ValueErrorOf([&] { gradients({loss}, {x}, std::vector<Output>()); }),
            "Length mismatch. Passed 0 grad_ys for 1 ys");
  EXPECT_EQ(ValueErrorOf([&] {
              gradients({loss}, {x}, {loss, loss});
            }),
            "Length mismatch. Passed 2 grad_ys for 1 ys");
  EXPECT_TRUE(gradients({loss}, {x}, {Output()})[0].defined());
  EXPECT_TRUE(clip_by_global_norm({}, 1.0).first.empty());
  EXPECT_FALSE(clip_by_global_norm({Gradient()}, 1.0).first.at(0).defined());

  EXPECT_EQ(transpose(w).shape(), (Shape{2, 1}));
  EXPECT_EQ(transpose(w, {}).shape(), (Shape{2, 1}));
  EXPECT_NE(ValueErrorOf([&] { transpose(w, std::vector<int64_t>()); }), "no error");
  EXPECT_EQ(transpose(constant(1.0), std::vector<int64_t>()).shape(), Shape{});
  EXPECT_NE(ValueErrorOf([] { transpose(placeholder(float32)); }), "no error");
  EXPECT_EQ(squeeze(w, {}).shape(), Shape{2});
  EXPECT_EQ(reduce_sum(w, std::vector<int64_t>()).shape(), (Shape{1, 2}));
  EXPECT_EQ(reduce_sum(w, {}).shape(), Shape{});
  EXPECT_EQ(reduce_logsumexp(w, std::vector<int64_t>()).shape(), (Shape{1, 2}));
  EXPECT_EQ(nn::l2_normalize(w, std::vector<int64_t>()).shape(), (Shape{1, 2}));
  EXPECT_EQ(ValueErrorOf([] { concat({}, 0); }),
            "List argument 'values' to 'ConcatV2' Op with length 0 shorter than minimum length 2.");
  EXPECT_EQ(stack({}).shape(), Shape{0});
  EXPECT_NE(ValueErrorOf([] { add_n({}); }), "no error");
  EXPECT_NE(ValueErrorOf([&] { slice(w, {}, {}); }), "no error");
  EXPECT_NE(ValueErrorOf([&] { tile(w, {}); }), "no error");
  for (const Output& x : {w.value(), constant(3), placeholder(float32)}) {
    EXPECT_NE(ValueErrorOf([&] { pad(x, {}); }).find("Shape must be rank 2 but is rank 1"),
              std::string::npos);
  }
  EXPECT_EQ(reshape(constant({3}), {}).shape(), Shape{});
  const Output image = zeros({1, 2, 2, 1});
  EXPECT_NE(ValueErrorOf([&] { nn::max_pool(image, {}, {1, 1, 1, 1}, "SAME"); }), "no error");
  EXPECT_NE(ValueErrorOf([&] { nn::avg_pool(image, {1, 1, 1, 1}, {}, "SAME"); }), "no error");
  EXPECT_NE(ValueErrorOf([&] { nn::conv2d(image, image, {}, "SAME"); }), "no error");
  EXPECT_NE(ValueErrorOf([] {
              get_variable("p", {.shape = Shape{4}, .partitioner = [](const Shape&, DType) {
                                   return std::vector<int64_t>();
                                 }});
            }),
            "no error");
  EXPECT_EQ(group({}).name(), "group_deps");
  const control_dependencies nothing({});
  EXPECT_EQ(w.value(), w.unordered_value());
}

// What an optimizer sends without being given it is what the server would take.
TEST_F(GraphTest, DefaultsOfOptimizersAreTheServers) {
  const std::vector<std::pair<train::Optimizer, std::set<std::string>>> all = {
      {train::GradientDescentOptimizer(1), {"learning_rate"}},
      {train::MomentumOptimizer(1, 1), {"learning_rate", "momentum"}},
      {train::AdagradOptimizer(1), {"learning_rate"}},
      {train::AdadeltaOptimizer(), {}},
      {train::AdamOptimizer(), {}},
      {train::RMSPropOptimizer(1), {"learning_rate"}},
      {train::FtrlOptimizer(1), {"learning_rate"}},
      {train::AdamWOptimizer(1), {"weight_decay"}},
      {train::LAMBOptimizer(), {}}};
  EXPECT_EQ(all.size(), optimizers::OptimizerNames().size());
  const Variable w = get_variable("w", Shape{2});
  for (const auto& [optimizer, given] : all) {
    const internal::Node* const update =
        internal::Unwrap(optimizer.minimize(reduce_sum(w * w)))->control_inputs.at(0);
    const internal::ApplySpec& spec = *update->apply;
    const auto& defs = optimizers::FindOptimizer(spec.optimizer)->hyperparameters;
    ASSERT_EQ(spec.hyperparameters.size(), defs.size()) << spec.optimizer;
    for (size_t i = 0; i < defs.size(); ++i) {
      const std::string& name = spec.hyperparameters[i];
      if (given.contains(name)) continue;
      const auto def = std::find_if(defs.begin(), defs.end(),
                                    [&](const auto& known) { return known.name == name; });
      ASSERT_NE(def, defs.end()) << spec.optimizer << " " << name;
      // Numbers are float32, but for what slots begin with.
      const double expected = name == "initial_accumulator_value"
                                  ? def->default_value
                                  : static_cast<double>(static_cast<float>(def->default_value));
      EXPECT_EQ(update->inputs[i].node->attrs.tensor("value").scalar<double>(), expected)
          << spec.optimizer << " " << name;
    }
  }
}

// As TensorFlow's, checked with it: slots are variables that get_variable makes.
TEST_F(GraphTest, AnOptimizerUnderReuseNeedsSlotsThatThereAre) {
  const auto adam = [] { return train::AdamOptimizer(0.1); };
  const Variable w = get_variable("w", Shape{2});
  const Output loss = reduce_sum(w * w);
  const auto missing = [](const std::string& key) {
    return "Variable " + key +
           " does not exist, or was not created with tf.get_variable(). Did you mean to set "
           "reuse=tf.AUTO_REUSE in VarScope?";
  };
  const auto existing = [](const std::string& key) {
    return "Variable " + key +
           " already exists, disallowed. Did you mean to set reuse=True or reuse=tf.AUTO_REUSE in "
           "VarScope?";
  };
  const train::Optimizer first = adam();
  first.minimize(loss);
  {
    const variable_scope opt("opt");
    adam().minimize(loss);
  }
  {
    const variable_scope opt("opt");
    EXPECT_EQ(ValueErrorOf([&] { adam().minimize(loss); }), existing("opt/w/Adam/"));
  }
  {
    // The former optimizer's slots, opt/w/Adam and opt/w/Adam_1, are there to be reused.
    const variable_scope opt("opt", {.reuse = Reuse::kTrue});
    EXPECT_EQ(ValueErrorOf([&] { adam().minimize(loss); }), "no error");
    EXPECT_EQ(ValueErrorOf([&] { adam().minimize(loss); }), missing("opt/w/Adam_2/"));
  }
  {
    const variable_scope open("", {.reuse = AUTO_REUSE});
    EXPECT_EQ(ValueErrorOf([&] { adam().minimize(loss); }), "no error");
  }
  get_variable_scope().reuse_variables();
  EXPECT_EQ(ValueErrorOf([&] { adam().minimize(loss); }), missing("w/Adam_4/"));
  EXPECT_EQ(ValueErrorOf([&] { train::MomentumOptimizer(0.1, 0.9).minimize(loss); }),
            missing("w/Momentum/"));
  EXPECT_EQ(ValueErrorOf([&] { train::RMSPropOptimizer(0.1).minimize(loss); }),
            missing("w/RMSProp/"));
  // Who has its slots already, or needs none, goes on.
  EXPECT_EQ(ValueErrorOf([&] { first.minimize(loss); }), "no error");
  EXPECT_EQ(ValueErrorOf([&] { train::GradientDescentOptimizer(0.1).minimize(loss); }), "no error");
}

TEST_F(GraphTest, AnOptimizerWithoutGradientsTakesNoName) {
  const Variable w = get_variable("w", Shape{2});
  EXPECT_THAT(ValueErrorOf([] { train::AdamOptimizer(0.1).minimize(constant(1.0)); }),
              HasSubstr("No gradients provided for any variable"));
  EXPECT_EQ(train::AdamOptimizer(0.1).minimize(reduce_sum(w)).name(), "Adam");
}

TEST_F(GraphTest, OnlyUsesUnderControlAreReadsOfTheirOwn) {
  const Variable w = get_variable("w", Shape{2});
  EXPECT_EQ(w.value().op().name(), "w/read");
  const Operation before = no_op();
  {
    const control_dependencies after({before});
    EXPECT_EQ(w.value().op().name(), "ReadVariableOp");
    EXPECT_EQ(identity(w).op().name(), "Identity");
    EXPECT_EQ(get_variable("v", Shape{2}).unordered_value().op().name(), "v/read");
    EXPECT_EQ(w.unordered_value().op().name(), "w/read");
  }
  EXPECT_EQ(w.value().op().name(), "w/read");
}

TEST_F(GraphTest, AFinalizedGraphTakesNoOps) {
  const Variable w = get_variable("w", Shape{2});
  const train::Optimizer adam = train::AdamOptimizer(0.1);
  const train::GradientsAndVariables slopes = adam.compute_gradients(reduce_sum(w));
  EXPECT_FALSE(graph_.finalized());
  graph_.finalize();
  EXPECT_TRUE(graph_.finalized());
  EXPECT_THROW(constant(1.0), RuntimeError);
  EXPECT_THROW(get_variable("v", Shape{2}), RuntimeError);
  EXPECT_THROW(get_variable("p", {.shape = Shape{4}, .partitioner = fixed_size_partitioner(2)}),
               RuntimeError);
  EXPECT_THROW(Variable(Initializer({1, 2})), RuntimeError);
  EXPECT_THROW(adam.apply_gradients(slopes), RuntimeError);
  EXPECT_EQ(w.value().op().name(), "w/read");
  // Nothing of what was refused is left.
  EXPECT_EQ(global_variables().size(), 1U);
  EXPECT_TRUE(adam.slots().empty());
  EXPECT_THROW(get_variable("v", {.shape = Shape{2}, .reuse = Reuse::kTrue}), ValueError);
}

TEST_F(GraphTest, GradientsAreNamedByWhatTheyAreOf) {
  const Output x = placeholder(float32, {2}, "x");
  const name_scope scope("a");
  const std::vector<Gradient> slopes = gradients({square(x)}, {x});
  EXPECT_THAT(slopes[0].values.name(), HasSubstr("a/gradients/a/Square_grad/"));
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

}  // namespace
}  // namespace varscope
