// Handles own their graph: none dangles, the last one frees it; undefined ones, and those of
// another graph, are refused wherever they are used.
#include "client/graph/handles.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "client/graph/state.h"
#include "client/session/access.h"
#include "tests/support/no_store.h"
#include "varscope/varscope.h"

namespace varscope {
namespace {

using internal::Unwrap;
using ::testing::HasSubstr;

using Use = std::pair<std::string, std::function<void()>>;

// Each use throws a ValueError that has `text` in it.
void ExpectRefused(const std::vector<Use>& uses, const std::string& text) {
  for (const auto& [name, use] : uses) {
    try {
      use();
      ADD_FAILURE() << name << " was not refused";
    } catch (const ValueError& error) {
      EXPECT_THAT(error.message(), HasSubstr(text)) << name;
    }
  }
}

Output LookUp(const Input& table, const Input& ids, const std::string& name) {
  return nn::embedding_lookup(table, ids, name);
}

std::weak_ptr<internal::GraphState> Watch(const Graph& graph) { return Unwrap(graph); }

// A graph with one of everything that a graph can hold.
struct Everything {
  Everything() {
    const auto use = graph.as_default();
    x = placeholder(float32, {2}, "x");
    const variable_scope scope(
        "s",
        {.initializer = Initializer(ones({2})),
         .regularizer = [](const Variable& v) { return nn::l2_loss(v); },
         .custom_getter = [y = x](const Getter& getter, const std::string& name,
                                  const GetVariableArgs& args) { return getter(name, args); }});
    v = get_variable("v");
    parts = get_variable("p", {.shape = Shape{4},
                               .initializer = zeros_initializer(),
                               .partitioner = fixed_size_partitioner(2)});
    captured = get_variable_scope();
    const control_dependencies after({v.assign(x).op()});
    sum = reduce_sum(v * x) + reduce_sum(parts);
    optimizer.emplace(train::AdamOptimizer(x.op().defined() ? Input(reduce_sum(x)) : Input(1)));
    train = optimizer->minimize(sum);
    init = global_variables_initializer();
    gradient = gradients({sum}, {v})[0];
    saver.emplace();
    Unwrap(graph)->Connect(std::make_shared<testing::NoStore>());
    session.emplace();
    session->run(no_op(), {{x, Tensor::Of<float>(Shape{2}, {1, 2})}});
  }

  Graph graph;
  Output x;
  Variable v;
  Variable parts;
  std::optional<VariableScope> captured;
  Output sum;
  std::optional<train::Optimizer> optimizer;
  Operation train;
  Operation init;
  Gradient gradient;
  std::optional<train::Saver> saver;
  std::optional<Session> session;
};

TEST(HandlesTest, TheLastHandleFreesTheGraph) {
  std::optional<Everything> all(std::in_place);
  const std::weak_ptr<internal::GraphState> graph = Watch(all->graph);
  EXPECT_FALSE(graph.expired());
  all.reset();
  EXPECT_TRUE(graph.expired()) << graph.use_count() << " owners are left";
}

// Each kind of handle alone keeps the graph, and works when the Graph object is gone.
TEST(HandlesTest, EachHandleKeepsItsGraph) {
  const auto expect_kept = [](const char* what, const auto& take, const auto& use) {
    std::weak_ptr<internal::GraphState> graph;
    {
      auto kept = [&] {
        Everything all;
        graph = Watch(all.graph);
        return take(all);
      }();
      ASSERT_FALSE(graph.expired()) << what;
      use(kept);
    }
    EXPECT_TRUE(graph.expired()) << what;
  };
  const auto nothing = [](const auto&) {};
  expect_kept(
      "Output", [](Everything& all) { return all.sum; },
      [](const Output& sum) {
        EXPECT_EQ(sum.graph(), sum.op().graph());
        const Output more = exp(sum);
        EXPECT_EQ(more.shape(), Shape{});
        EXPECT_EQ(sum.graph().get_tensor_by_name(sum.name()), sum);
      });
  expect_kept(
      "Operation", [](Everything& all) { return all.train; },
      [](const Operation& train) {
        EXPECT_EQ(train.type(), "NoOp");
        EXPECT_EQ(train.graph().get_operation_by_name(train.name()), train);
      });
  expect_kept(
      "Variable", [](Everything& all) { return all.v; },
      [](const Variable& v) {
        EXPECT_EQ(v.name(), "s/v:0");
        EXPECT_EQ(v.assign_add(v).shape(), (Shape{2}));
      });
  expect_kept(
      "a part", [](Everything& all) { return all.parts.parts()[1]; },
      [](const Variable& part) { EXPECT_EQ(part.value().shape(), (Shape{2})); });
  expect_kept(
      "Gradient", [](Everything& all) { return all.gradient; },
      [](const Gradient& gradient) { EXPECT_EQ(gradient.values.dtype(), float32); });
  expect_kept(
      "Session", [](Everything& all) { return *all.session; },
      [](Session& session) { EXPECT_EQ(session.global_step(), 0U); });
  expect_kept(
      "Saver", [](Everything& all) { return *all.saver; }, nothing);
  expect_kept(
      "Optimizer", [](Everything& all) { return *all.optimizer; }, nothing);
  expect_kept(
      "Graph", [](Everything& all) { return all.graph; },
      [](const Graph& graph) { EXPECT_FALSE(graph.get_operations().empty()); });
  expect_kept(
      "Fetch", [](Everything& all) { return Fetch(all.sum); }, nothing);
  expect_kept(
      "Input", [](Everything& all) { return Input(all.v); }, nothing);
}

TEST(HandlesTest, CopiesAreTheSameObject) {
  const Graph graph;
  const Graph copy = graph;
  EXPECT_EQ(copy, graph);
  EXPECT_NE(Graph(), graph);
  const auto use = Graph(graph).as_default();
  EXPECT_EQ(Graph::get_default(), graph);
  const Output x = placeholder(float32, {2}, "x");
  EXPECT_EQ(copy.get_tensor_by_name("x:0"), x);
  EXPECT_EQ(x.graph(), graph);
}

// By its place among the operands of each op.
TEST(HandlesTest, AnUndefinedOutputIsRefusedByEveryOp) {
  Graph graph;
  const auto use = graph.as_default();
  const Output u;
  const Output x = placeholder(float32, {2, 2}, "x");
  const Output i = placeholder(int32, {2}, "i");
  const Output b = placeholder(bool_, {2, 2}, "b");
  const Output image = placeholder(float32, {1, 2, 2, 1}, "image");
  using Unary = Output (*)(const Input&, const std::string&);
  using Binary = Output (*)(const Input&, const Input&, const std::string&);
  std::vector<Use> uses;
  std::vector<Use> beside_numbers;  // which may be refused before it
  for (const Unary op : std::vector<Unary>{negative,
                                           abs,
                                           sign,
                                           square,
                                           sqrt,
                                           rsqrt,
                                           reciprocal,
                                           exp,
                                           log,
                                           log1p,
                                           sin,
                                           cos,
                                           tanh,
                                           sigmoid,
                                           floor,
                                           identity,
                                           stop_gradient,
                                           zeros_like,
                                           ones_like,
                                           convert_to_tensor,
                                           nn::relu,
                                           nn::relu6,
                                           nn::elu,
                                           nn::selu,
                                           nn::softplus,
                                           nn::sigmoid,
                                           nn::tanh,
                                           nn::softmax,
                                           nn::log_softmax,
                                           nn::l2_loss}) {
    uses.emplace_back("unary " + std::to_string(uses.size()), [=] {
      const Output y = op(u, "");
      static_cast<void>(y.name());  // convert_to_tensor gives back what it gets
    });
  }
  for (const Binary op : std::vector<Binary>{add,
                                             subtract,
                                             multiply,
                                             divide,
                                             floordiv,
                                             maximum,
                                             minimum,
                                             squared_difference,
                                             pow,
                                             equal,
                                             not_equal,
                                             less,
                                             less_equal,
                                             greater,
                                             greater_equal,
                                             gather,
                                             nn::bias_add,
                                             LookUp,
                                             nn::softmax_cross_entropy_with_logits_v2,
                                             nn::sparse_softmax_cross_entropy_with_logits,
                                             nn::sigmoid_cross_entropy_with_logits}) {
    const std::string number = std::to_string(uses.size());
    uses.emplace_back("binary, left " + number, [=] { op(u, x, ""); });
    uses.emplace_back("binary, right " + number, [=] { op(x, u, ""); });
    uses.emplace_back("binary, both " + number, [=] { op(u, u, ""); });
    beside_numbers.emplace_back("binary, beside a number " + number, [=] { op(u, 1, ""); });
    uses.emplace_back("binary, beside a tensor " + number,
                      [=] { op(Tensor::Of<float>(Shape{1}, {1}), u, ""); });
  }
  for (const bool first : {true, false}) {
    uses.emplace_back("operators", [=] { first ? u + 1 : x* u; });
    uses.emplace_back("operators", [=] { first ? 1 - u : u / x; });
    uses.emplace_back("matmul", [=] { matmul(first ? u : x, first ? x : u); });
    uses.emplace_back("conv2d", [=] {
      nn::conv2d(first ? u : image, first ? image : u, {1, 1, 1, 1}, "SAME");
    });
  }
  const std::vector<Use> others = {
      {"negation", [=] { -u; }},
      {"add_n",
       [=] {
         add_n({x, u});
       }},
      {"add_n", [=] { add_n({u}); }},
      {"concat",
       [=] {
         concat({u, x}, 0);
       }},
      {"stack",
       [=] {
         stack({x, u});
       }},
      {"stack", [=] { stack({u}); }},
      {"clip_by_value", [=] { clip_by_value(u, 0, 1); }},
      {"clip_by_value", [=] { clip_by_value(x, u, 1); }},
      {"clip_by_value", [=] { clip_by_value(x, 0, u); }},
      {"cast", [=] { cast(u, float64); }},
      {"cast to what it is", [=] { static_cast<void>(cast(u, float32).name()); }},
      {"where", [=] { where(u, x, x); }},
      {"where", [=] { where(b, u, x); }},
      {"where", [=] { where(b, x, u); }},
      {"reduce_sum", [=] { reduce_sum(u); }},
      {"reduce_mean", [=] { reduce_mean(u, 0); }},
      {"reduce_max", [=] { reduce_max(u); }},
      {"reduce_min", [=] { reduce_min(u); }},
      {"reduce_prod", [=] { reduce_prod(u); }},
      {"reduce_logsumexp", [=] { reduce_logsumexp(u); }},
      {"argmax", [=] { argmax(u); }},
      {"argmin", [=] { argmin(u); }},
      {"reshape", [=] { reshape(u, {1}); }},
      {"transpose", [=] { transpose(u); }},
      {"expand_dims", [=] { expand_dims(u, 0); }},
      {"squeeze", [=] { squeeze(u); }},
      {"slice", [=] { slice(u, {0}, {1}); }},
      {"tile", [=] { tile(u, {1}); }},
      {"pad",
       [=] {
         pad(u, {{0, 0}});
       }},
      {"one_hot", [=] { one_hot(u, 2); }},
      {"leaky_relu", [=] { nn::leaky_relu(u); }},
      {"l2_normalize", [=] { nn::l2_normalize(u, 0); }},
      {"max_pool",
       [=] {
         nn::max_pool(u, {1, 1, 1, 1}, {1, 1, 1, 1}, "SAME");
       }},
      {"avg_pool",
       [=] {
         nn::avg_pool(u, {1, 1, 1, 1}, {1, 1, 1, 1}, "SAME");
       }},
  };
  uses.insert(uses.end(), others.begin(), others.end());
  ExpectRefused(beside_numbers, "");
  ExpectRefused(uses, "not defined");
}

TEST(HandlesTest, AnUndefinedHandleIsRefusedWhereverItIsUsed) {
  Graph graph;
  Unwrap(graph)->Connect(std::make_shared<testing::NoStore>());
  const auto use = graph.as_default();
  const Output u;
  const Operation no_operation;
  const Variable none;
  const Variable v = get_variable("v", {2});
  const Output x = placeholder(float32, {2}, "x");
  const Output loss = reduce_sum(v * x);
  const train::Optimizer sgd = train::GradientDescentOptimizer(0.1);
  Session session;
  ExpectRefused(
      {
          {"name", [=] { static_cast<void>(u.name()); }},
          {"op", [=] { static_cast<void>(u.op()); }},
          {"dtype", [=] { static_cast<void>(u.dtype()); }},
          {"shape", [=] { static_cast<void>(u.shape()); }},
          {"graph", [=] { static_cast<void>(u.graph()); }},
          {"run", [&] { session.run(u); }},
          {"run several",
           [&] {
             session.run({Fetch(loss), Fetch(u)}, {{x, Tensor::Scalar(1.0F)}});
           }},
          {"feed",
           [&] {
             session.run(loss, {{u, Tensor::Scalar(1.0F)}});
           }},
          {"gradients of it", [=] { gradients({u}, {x}); }},
          {"gradients of it too",
           [=] {
             gradients({loss, u}, {x});
           }},
          {"gradients by it", [=] { gradients({loss}, {u}); }},
          {"gradients by variables", [=] { gradients({u}, {v}); }},
          {"compute_gradients", [=] { sgd.compute_gradients(u); }},
          {"minimize", [=] { sgd.minimize(u); }},
          {"apply_gradients, values",
           [=] {
             sgd.apply_gradients({{Gradient{x, {}}, none}});
           }},
          {"apply_gradients, variable",
           [=] {
             sgd.apply_gradients({{Gradient{x, {}}, none}});
           }},
          {"apply_gradients, global step",
           [=] {
             sgd.apply_gradients({{Gradient{x, {}}, v}}, none);
           }},
          {"a hyperparameter", [=] { train::GradientDescentOptimizer(u).minimize(loss); }},
          {"clip_by_global_norm",
           [=] {
             clip_by_global_norm({Gradient{x, {}}}, u);
           }},
          {"an initial value", [=] { Variable y(u); }},
          {"an initial value of a dtype", [=] { Variable y(u, {.dtype = float64}); }},
          {"an initializer", [=] { get_variable("y", {.initializer = Initializer(u)}); }},
          {"assign", [=] { v.assign(u); }},
          {"assign_add", [=] { v.assign_add(u); }},
          {"assign_sub", [=] { v.assign_sub(u); }},
          {"scatter, rows", [=] { v.scatter_add(u, x); }},
          {"scatter, values", [=] { v.scatter_update(placeholder(int32, {1}), u); }},

          {"operation's name", [=] { static_cast<void>(no_operation.name()); }},
          {"operation's type", [=] { static_cast<void>(no_operation.type()); }},
          {"operation's graph", [=] { static_cast<void>(no_operation.graph()); }},
          {"run an operation", [&] { session.run(no_operation); }},
          {"group",
           [=] {
             group({x.op(), no_operation});
           }},
          {"control_dependencies", [=] { control_dependencies after({no_operation}); }},

          {"variable's name", [=] { static_cast<void>(none.name()); }},
          {"variable's op", [=] { static_cast<void>(none.op()); }},
          {"variable's graph", [=] { static_cast<void>(none.graph()); }},
          {"variable's dtype", [=] { static_cast<void>(none.dtype()); }},
          {"variable's shape", [=] { static_cast<void>(none.shape()); }},
          {"trainable", [=] { static_cast<void>(none.trainable()); }},
          {"parts", [=] { static_cast<void>(none.parts()); }},
          {"is_partitioned", [=] { static_cast<void>(none.is_partitioned()); }},
          {"value", [=] { none.value(); }},
          {"unordered_value", [=] { none.unordered_value(); }},
          {"as an Output", [=] { const Output y = none; }},
          {"as an Input", [=] { exp(none); }},
          {"in an operator", [=] { none + 1; }},
          {"assign to it", [=] { none.assign(1); }},
          {"assign_add to it", [=] { none.assign_add(1); }},
          {"assign_sub to it", [=] { none.assign_sub(1); }},
          {"scatter_update to it", [=] { none.scatter_update(constant({0}), x); }},
          {"scatter_add to it", [=] { none.scatter_add(constant({0}), x); }},
          {"scatter_sub to it", [=] { none.scatter_sub(constant({0}), x); }},
          {"run a variable", [&] { session.run(none); }},
          {"gradients by it", [=] { gradients({loss}, std::vector<Variable>{none}); }},
          {"var_list", [=] { sgd.minimize(loss, {}, {none}); }},
          {"Saver",
           [=] {
             train::Saver saver({v, none});
           }},
          {"Saver of a list", [=] { train::Saver saver(std::vector<Variable>{none}); }},
          {"Saver of a map",
           [=] {
             train::Saver saver(std::map<std::string, Variable>{{"w", none}});
           }},
      },
      "not defined");
  // What may be undefined: the gradient of something else, the weight of a y.
  EXPECT_NO_THROW(sgd.apply_gradients({{Gradient(), v}, {Gradient{x, {}}, v}}));
  EXPECT_NO_THROW(gradients({loss}, {x}, {Output()}));
}

TEST(HandlesTest, AHandleOfAnotherGraphIsRefused) {
  Everything other;
  Graph graph;
  Unwrap(graph)->Connect(std::make_shared<testing::NoStore>());
  const auto use = graph.as_default();
  const Output theirs = other.x;
  const Variable their_variable = other.v;
  const Variable v = get_variable("v", {2});
  const Output x = placeholder(float32, {2}, "x");
  const Output loss = reduce_sum(v * x);
  const train::Optimizer sgd = train::GradientDescentOptimizer(0.1);
  Session session;
  train::Saver saver({their_variable});
  ExpectRefused(
      {
          {"an op of both", [=] { x + theirs; }},
          {"an op beside a literal", [=] { theirs + 1; }},
          {"concat",
           [=] {
             concat({x, theirs}, 0);
           }},
          {"assign", [=] { v.assign(theirs); }},
          {"assign to theirs", [=] { their_variable.assign(x); }},
          {"an initial value", [=] { Variable y(theirs); }},
          {"an initializer", [=] { get_variable("y", {.initializer = Initializer(theirs)}); }},
          {"gradients by it", [=] { gradients({loss}, {theirs}); }},
          {"gradients of it",
           [=] {
             gradients({loss, other.sum}, {x});
           }},
          {"grad_ys", [=] { gradients({x}, {x}, {theirs}); }},
          {"apply_gradients",
           [=] {
             sgd.apply_gradients({{Gradient{x, {}}, their_variable}});
           }},
          {"a gradient",
           [=] {
             sgd.apply_gradients({{Gradient{theirs, {}}, v}});
           }},
          {"a hyperparameter",
           [=] { train::GradientDescentOptimizer(reduce_sum(theirs)).minimize(loss); }},
          {"group", [=] { group({other.train}); }},
          {"control_dependencies", [=] { control_dependencies after({other.train}); }},
      },
      "another graph");
  ExpectRefused({{"fetch", [&] { session.run(theirs); }},
                 {"fetch an op", [&] { session.run(other.train); }},
                 {"fetch a variable", [&] { session.run(their_variable); }},
                 {"feed",
                  [&] {
                    session.run(loss, {{theirs, Tensor::Scalar(1.0F)}});
                  }}},
                "session's graph");
  ExpectRefused({{"save", [&] { saver.save(session, "/nowhere/x"); }}}, "another graph");
}

}  // namespace
}  // namespace varscope
