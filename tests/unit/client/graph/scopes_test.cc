// Scopes are closed in the reverse order of their opening, by tokens and by guards; defaults of a
// thread; collections.
#include "varscope/scopes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "client/graph/handles.h"
#include "client/graph/state.h"
#include "tests/support/no_store.h"
#include "varscope/varscope.h"

namespace varscope {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

template <typename E, typename Fn>
std::string MessageOf(Fn&& fn) {
  try {
    fn();
  } catch (const E& error) {
    return error.message();
  }
  return "no error";
}

// A kind of scope of a graph: how to open it, and its name in errors.
struct Kind {
  std::string what;
  std::function<ScopeToken()> enter;
  std::function<std::unique_ptr<ScopeGuard>()> guard;
};

class ScopesTest : public ::testing::Test {
 protected:
  // What the program sees of the graph's scopes.
  std::string Where() {
    std::string where = graph_.get_name_scope() + "|" + get_variable_scope().name() + "|";
    const Operation op = no_op(graph_.unique_name("probe") + "/");
    for (const internal::Node* node : internal::Unwrap(op)->control_inputs) where += node->name;
    return where;
  }

  std::vector<Kind> Kinds() {
    return {
        {"name_scope '", [] { return name_scope::Enter("n"); },
         [] { return std::make_unique<name_scope>("n"); }},
        {"variable_scope '", [] { return variable_scope::Enter("v"); },
         [] { return std::make_unique<variable_scope>("v"); }},
        {"variable_scope '", [] { return variable_scope::Enter({}, "d"); },
         [] { return std::make_unique<ScopeGuard>(variable_scope::Enter({}, "d")); }},
        {"variable_scope ''", [this] { return variable_scope::Enter(root_); },
         [this] { return std::make_unique<variable_scope>(root_); }},
        {"control_dependencies", [this] { return control_dependencies::Enter({first_}); },
         [this] { return std::make_unique<control_dependencies>(std::vector<Operation>{first_}); }},
        {"control_dependencies(None)", [] { return control_dependencies::Enter(std::nullopt); },
         [] { return std::make_unique<control_dependencies>(std::nullopt); }}};
  }

  Graph graph_;
  ScopeGuard use_ = graph_.as_default();
  const VariableScope root_ = get_variable_scope();
  const Operation first_ = no_op("first");
};

TEST_F(ScopesTest, TokensOfEachTwoKindsAreLeftInTheReverseOrder) {
  for (const Kind& outer : Kinds()) {
    for (const Kind& inner : Kinds()) {
      const std::string before = Where();
      const ScopeToken a = outer.enter();
      const std::string between = Where();
      const ScopeToken b = inner.enter();
      const std::string inside = Where();
      EXPECT_THAT(MessageOf<RuntimeError>([&] { Leave(a); }),
                  AllOf(HasSubstr(outer.what), HasSubstr(inner.what), HasSubstr("still open")));
      // Nothing has changed, and nothing is reported later.
      EXPECT_EQ(Where(), inside) << outer.what << " " << inner.what;
      Leave(b);
      EXPECT_EQ(Where(), between) << outer.what << " " << inner.what;
      EXPECT_THAT(MessageOf<RuntimeError>([&] { Leave(b); }), HasSubstr("closed already"));
      Leave(a);
      EXPECT_EQ(Where(), before) << outer.what << " " << inner.what;
      EXPECT_THAT(MessageOf<RuntimeError>([&] { Leave(a); }), HasSubstr("closed already"));
    }
  }
}

TEST_F(ScopesTest, GuardsOutOfOrderAreReportedAtTheNextCallOnTheGraph) {
  const Output x = placeholder(float32, {2}, "x");
  const std::vector<std::function<void()>> calls = {
      [&] { constant(1.0); },
      [&] { exp(x); },
      [&] { get_variable("w", {1}); },
      [&] { Variable(1.0); },
      [&] { variable_scope scope("s"); },
      [&] { name_scope scope("s"); },
      [&] { control_dependencies after({first_}); },
      [&] { get_variable_scope(); },
      [&] { trainable_variables(); },
      [&] { add_to_collection("c", x); },
      [&] { get_collection("c"); },
      [&] { train::get_or_create_global_step(); },
      [&] { graph_.get_operations(); },
      [&] { graph_.get_operation_by_name("x"); },
      [&] { graph_.get_tensor_by_name("x:0"); },
      [&] { graph_.get_name_scope(); },
      [&] { graph_.unique_name("x"); },
      [&] { static_cast<void>(graph_.connected()); },
      [&] { Graph::get_default(); },
      [&] { const ScopeGuard again = graph_.as_default(); }};
  size_t next = 0;
  for (const Kind& outer : Kinds()) {
    for (const Kind& inner : Kinds()) {
      const std::string before = Where();
      auto a = outer.guard();
      auto b = inner.guard();
      a.reset();
      const auto& call = calls[next++ % calls.size()];
      EXPECT_THAT(MessageOf<RuntimeError>(call),
                  AllOf(HasSubstr(outer.what), HasSubstr(inner.what), HasSubstr("still open")))
          << "call " << next - 1;
      // It is said once; the scopes inside go on, and all are closed with them.
      EXPECT_EQ(MessageOf<RuntimeError>([] { constant(1.0); }), "no error");
      b.reset();
      EXPECT_EQ(Where(), before) << outer.what << " " << inner.what;
    }
  }
  EXPECT_GE(next, calls.size());
}

TEST_F(ScopesTest, ARunReportsGuardsOutOfOrder) {
  internal::Unwrap(graph_)->Connect(std::make_shared<testing::NoStore>());
  Session session;
  auto a = std::make_unique<name_scope>("a");
  const name_scope b("b");
  a.reset();
  EXPECT_THAT(MessageOf<RuntimeError>([&] { session.run(first_); }), HasSubstr("'a/'"));
  EXPECT_EQ(MessageOf<RuntimeError>([&] { session.run(first_); }), "no error");
}

TEST_F(ScopesTest, ATokenKeepsItsGraph) {
  std::optional<ScopeToken> token;
  std::weak_ptr<internal::GraphState> graph;
  {
    const Graph other;
    graph = internal::Unwrap(other);
    const auto use = other.as_default();
    token = name_scope::Enter("a");
  }
  EXPECT_FALSE(graph.expired());
  Leave(*token);
  token.reset();
  EXPECT_TRUE(graph.expired());
}

// TensorFlow's variable_scope(name_or_scope, default_name, values).
TEST_F(ScopesTest, OneEntryPointOpensEachVariableScope) {
  EXPECT_EQ(MessageOf<TypeError>([] { Leave(variable_scope::Enter({})); }),
            "If default_name is None then name_or_scope is required");
  const auto inside = [this](const ScopeToken& token) {
    std::string where = get_variable_scope().name() + " " + graph_.get_name_scope();
    Leave(token);
    return where;
  };
  EXPECT_EQ(inside(variable_scope::Enter("a")), "a a");
  EXPECT_EQ(inside(variable_scope::Enter("a", "unused")), "a a_1");
  EXPECT_EQ(inside(variable_scope::Enter({}, "d")), "d d");
  EXPECT_EQ(inside(variable_scope::Enter({}, "d")), "d_1 d_1");
  std::optional<VariableScope> captured;
  {
    const variable_scope outer("outer");
    captured = outer.scope();
    EXPECT_EQ(inside(variable_scope::Enter("a")), "outer/a outer/a");
  }
  EXPECT_EQ(inside(variable_scope::Enter(*captured, "unused")), "outer outer_1");
  EXPECT_EQ(inside(variable_scope::Enter(*captured, {}, {}, {.auxiliary_name_scope = false})),
            "outer ");
  EXPECT_EQ(MessageOf<ValueError>(
                [] { Leave(variable_scope::Enter({}, "d", {}, {.reuse = Reuse::kTrue})); }),
            "reuse=True cannot be used without a name_or_scope");
  // An error has opened nothing.
  EXPECT_NE(MessageOf<ValueError>([] { Leave(variable_scope::Enter("no name!")); }), "no error");
  EXPECT_EQ(get_variable_scope().name() + graph_.get_name_scope(), "");
}

TEST_F(ScopesTest, ValuesSayInWhichGraphAVariableScopeIs) {
  const Graph other;
  std::optional<Output> theirs;
  {
    const auto use = other.as_default();
    theirs = placeholder(float32, {2}, "x");
  }
  const Output ours = placeholder(float32, {2}, "x");
  const ScopeToken token = variable_scope::Enter("s", {}, {*theirs});
  EXPECT_EQ(Graph::get_default(), other);
  EXPECT_EQ(get_variable("w", {1}).graph(), other);
  Leave(token);
  EXPECT_EQ(Graph::get_default(), graph_);
  EXPECT_THAT(MessageOf<ValueError>([&] {
                Leave(variable_scope::Enter("s", {}, {*theirs, ours}));
              }),
              HasSubstr("another graph"));
  EXPECT_EQ(Graph::get_default(), graph_);
}

TEST_F(ScopesTest, ControlDependenciesOnNoneWaitForNothing) {
  const control_dependencies outer({first_});
  EXPECT_EQ(internal::Unwrap(no_op())->control_inputs.size(), 1U);
  {
    const control_dependencies nothing(std::nullopt);
    EXPECT_EQ(internal::Unwrap(no_op())->control_inputs.size(), 0U);
  }
  EXPECT_EQ(internal::Unwrap(no_op())->control_inputs.size(), 1U);
}

TEST(DefaultsTest, DefaultGraphsAreLeftInTheReverseOrder) {
  const Graph a;
  const Graph b;
  const ScopeToken enter_a = a.Enter();
  const ScopeToken enter_b = b.Enter();
  EXPECT_EQ(Graph::get_default(), b);
  EXPECT_THAT(MessageOf<RuntimeError>([&] { Leave(enter_a); }), HasSubstr("as_default()"));
  Leave(enter_b);
  EXPECT_EQ(Graph::get_default(), a);
  Leave(enter_a);

  auto guard_a = std::make_unique<ScopeGuard>(a.Enter());
  auto guard_b = std::make_unique<ScopeGuard>(b.Enter());
  guard_a.reset();
  EXPECT_THAT(MessageOf<RuntimeError>([&] { a.get_operations(); }), HasSubstr("still open"));
  EXPECT_EQ(Graph::get_default(), b);
  guard_b.reset();
  EXPECT_NE(Graph::get_default(), a);
}

TEST(DefaultsTest, TheDefaultGraphOfTheProcessIsReset) {
  const Graph before = Graph::get_default();
  EXPECT_EQ(Graph::get_default(), before);
  {
    const Graph graph;
    const auto use = graph.as_default();
    EXPECT_THAT(MessageOf<RuntimeError>([] { reset_default_graph(); }),
                HasSubstr("Do not use tf.reset_default_graph() to clear nested graphs."));
  }
  std::weak_ptr<internal::GraphState> freed;
  reset_default_graph();
  EXPECT_NE(Graph::get_default(), before);
  freed = internal::Unwrap(Graph::get_default());
  std::thread([&] { EXPECT_EQ(Graph::get_default(), Graph::get_default()); }).join();
  reset_default_graph();
  EXPECT_TRUE(freed.expired());
}

TEST(DefaultsTest, EachThreadHasItsDefaultSession) {
  const Graph graph;
  const auto use = graph.as_default();
  internal::Unwrap(graph)->Connect(std::make_shared<testing::NoStore>());
  EXPECT_FALSE(get_default_session().has_value());
  const Session a;
  const Session b;
  const ScopeToken enter_a = a.Enter();
  {
    const auto use_b = b.as_default();
    EXPECT_THAT(MessageOf<RuntimeError>([&] { Leave(enter_a); }),
                HasSubstr("Session.as_default()"));
    std::thread([] { EXPECT_FALSE(get_default_session().has_value()); }).join();
  }
  ASSERT_TRUE(get_default_session().has_value());
  EXPECT_EQ(get_default_session()->run(constant(2.0)).scalar<float>(), 2);
  Leave(enter_a);
  EXPECT_FALSE(get_default_session().has_value());
}

std::vector<std::string> NamesIn(const std::string& collection, const std::string& scope = "") {
  std::vector<std::string> names;
  for (const CollectionItem& item : get_collection(collection, scope)) {
    names.push_back(std::visit([](const auto& handle) { return handle.name(); }, item));
  }
  return names;
}

TEST_F(ScopesTest, CollectionsKeepWhatIsAddedInOrder) {
  EXPECT_TRUE(get_all_collection_keys().empty());
  const Output x = placeholder(float32, {2}, "x");
  const Variable v = get_variable("v", {2});
  const Variable frozen = get_variable("frozen", {.shape = Shape{2}, .trainable = false});
  add_to_collection("mine", x);
  add_to_collection("mine", first_);
  add_to_collection("mine", v);
  add_to_collection("mine", x);
  EXPECT_THAT(NamesIn("mine"), ElementsAre("x:0", "first", "v:0", "x:0"));
  EXPECT_THAT(NamesIn("mine", "[fv]"), ElementsAre("first", "v:0"));
  EXPECT_TRUE(get_collection("nobody's").empty());
  EXPECT_THAT(NamesIn(GraphKeys::GLOBAL_VARIABLES), ElementsAre("v:0", "frozen:0"));
  EXPECT_THAT(NamesIn(GraphKeys::TRAINABLE_VARIABLES), ElementsAre("v:0"));
  // What a program adds is what optimizers and trainable_variables() see.
  add_to_collection(GraphKeys::TRAINABLE_VARIABLES, frozen);
  EXPECT_EQ(trainable_variables().size(), 2U);
  const Variable step = train::get_or_create_global_step();
  train::get_or_create_global_step();
  EXPECT_THAT(NamesIn(GraphKeys::GLOBAL_STEP), ElementsAre("global_step:0"));
  train::GradientDescentOptimizer(0.1).minimize(reduce_sum(v));
  EXPECT_THAT(NamesIn(GraphKeys::TRAIN_OP), ElementsAre("GradientDescent"));
  EXPECT_THAT(get_all_collection_keys(),
              ElementsAre("global_step", "mine", "train_op", "trainable_variables", "variables"));
  EXPECT_THAT(MessageOf<ValueError>([] { add_to_collection("mine", Output()); }),
              HasSubstr("not defined"));
  const Graph other;
  const auto use = other.as_default();
  EXPECT_TRUE(get_collection("mine").empty());
  EXPECT_THAT(MessageOf<ValueError>([&] { add_to_collection("mine", x); }),
              HasSubstr("another graph"));
}

}  // namespace
}  // namespace varscope
