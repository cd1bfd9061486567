// Optimizers' slots and non-slot variables have TensorFlow 2.21's names, in the store and in its
// checkpoints.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <set>
#include <stdexcept>

#include "client/session/access.h"
#include "tests/support/server_process.h"
#include "tests/support/temporary_directory.h"
#include "varscope/varscope.h"

namespace varscope::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;

Output LossOf(const Variable& w) { return reduce_sum(w * w); }

Variable W(const std::string& name = "w") {
  return get_variable(name, {.initializer = Initializer({1, 2})});
}

class SlotNamesTest : public ::testing::Test {
 protected:
  // What the store has beside the graph's own variables.
  std::set<std::string> SlotsOf(const std::vector<Operation>& steps) {
    Session session;
    for (const Operation& step : steps) session.run(step);
    std::set<std::string> names;
    for (const internal::ListedVariable& variable :
         internal::SessionAccess::StoreOf(session).List("")) {
      if (!variable.primary.empty()) names.insert(variable.name);
    }
    return names;
  }

  ServerProcess server_;
  Graph graph_{server_.target(), {.worker_id = "a"}};
  ScopeGuard use_ = graph_.as_default();
};

Variable WIn(const std::string& scope) {
  const variable_scope in(scope);
  return W();
}

TEST_F(SlotNamesTest, UnderANameScopeOnlyNonSlotVariablesAreInIt) {
  const Variable w = WIn("in");
  const name_scope train("train");
  EXPECT_THAT(
      SlotsOf({train::AdamOptimizer(0.1).minimize(LossOf(w))}),
      UnorderedElementsAre("train/beta1_power", "train/beta2_power", "in/w/Adam", "in/w/Adam_1"));
}

TEST_F(SlotNamesTest, UnderAVariableScopeAllAreInIt) {
  const Variable w = WIn("in");
  const variable_scope opt("opt");
  EXPECT_THAT(SlotsOf({train::AdamOptimizer(0.1).minimize(LossOf(w))}),
              UnorderedElementsAre("opt/beta1_power", "opt/beta2_power", "opt/in/w/Adam",
                                   "opt/in/w/Adam_1"));
}

TEST_F(SlotNamesTest, OptimizersOfOneNameAreNumberedAsTheyAreBuiltNotAsTheyRun) {
  const Variable w = W();
  const train::Optimizer first = train::AdamOptimizer(0.1);
  const Operation once = first.minimize(LossOf(w));
  const Operation again = first.minimize(reduce_sum(w));
  const Operation second = train::AdamOptimizer(0.1).minimize(LossOf(w));
  EXPECT_THAT(SlotsOf({second}),
              UnorderedElementsAre("beta1_power_1", "beta2_power_1", "w/Adam_2", "w/Adam_3"));
  EXPECT_THAT(SlotsOf({again, once}),
              UnorderedElementsAre("beta1_power_1", "beta2_power_1", "w/Adam_2", "w/Adam_3",
                                   "beta1_power", "beta2_power", "w/Adam", "w/Adam_1"));
}

TEST_F(SlotNamesTest, OneOptimizerNamesEachVariableWhereItMeetsItFirst) {
  const Variable x = W("x");
  const Variable y = W("y");
  const train::Optimizer optimizer = train::AdamOptimizer(0.1);
  std::vector<Operation> steps;
  {
    const variable_scope a("a");
    steps.push_back(optimizer.minimize(LossOf(x), {}, {x}));
  }
  {
    const variable_scope b("b");
    steps.push_back(optimizer.minimize(LossOf(x) + LossOf(y), {}, {x, y}));
  }
  EXPECT_THAT(SlotsOf(steps), UnorderedElementsAre("a/beta1_power", "a/beta2_power", "a/x/Adam",
                                                   "a/x/Adam_1", "b/y/Adam", "b/y/Adam_1"));
}

TEST_F(SlotNamesTest, PartsAndUniqueVariablesAreNamedByTheirOpNames) {
  const Variable p = get_variable("p", {.shape = Shape{4},
                                        .initializer = zeros_initializer(),
                                        .partitioner = fixed_size_partitioner(2)});
  Variable v;
  {
    const name_scope n("n");
    v = Variable(Initializer({1, 2}), {.name = "v"});
  }
  const variable_scope opt("opt");
  EXPECT_THAT(
      SlotsOf(
          {train::MomentumOptimizer(0.1, 0.9).minimize(reduce_sum(square(Output(p))) + LossOf(v))}),
      UnorderedElementsAre("opt/p/part_0/Momentum", "opt/p/part_1/Momentum", "opt/n/v/Momentum"));
}

TEST_F(SlotNamesTest, EverySlotOfEveryOptimizerHasItsPlace) {
  const Variable w = W();
  const variable_scope o("o");
  EXPECT_THAT(SlotsOf({train::FtrlOptimizer(0.1).minimize(LossOf(w)),
                       train::RMSPropOptimizer(0.1, {.centered = true}).minimize(LossOf(w)),
                       train::AdadeltaOptimizer(0.1).minimize(LossOf(w))}),
              UnorderedElementsAre("o/w/Ftrl", "o/w/Ftrl_1", "o/w/RMSProp", "o/w/RMSProp_1",
                                   "o/w/RMSProp_2", "o/w/Adadelta", "o/w/Adadelta_1"));
}

TEST_F(SlotNamesTest, ScopesThatTheProgramOpenedAreLeftFree) {
  const Variable w = W();
  {
    const variable_scope taken("w/Adam");
    get_variable("z", {2});
  }
  EXPECT_THAT(SlotsOf({train::AdamOptimizer(0.1).minimize(LossOf(w))}),
              UnorderedElementsAre("beta1_power", "beta2_power", "w/Adam_1", "w/Adam_2"));
}

TEST_F(SlotNamesTest, OneAdamOfTwoLossesHasOnePairOfBetaPowers) {
  const Variable v(Initializer({1}), {.name = "v"});
  const Variable w(Initializer({1}), {.name = "w"});
  const train::Optimizer adam = train::AdamOptimizer(0.1);
  const Operation first = adam.minimize(reduce_sum(v * 2), {}, {v});
  const Operation second = adam.minimize(reduce_sum(w * 2), {}, {w});
  Session session;
  for (int i = 0; i < 3; ++i) session.run(first);
  session.run(second);
  EXPECT_NEAR(session.run(w).data<float>()[0], 0.94189, 1e-5);
}

// The program of the recorded checkpoint: two Adams on one variable, built in two scopes.
struct TwoAdams {
  Variable w = WIn("in");
  Output loss = LossOf(w);
  Operation a = [this] {
    const name_scope train("train");
    return train::AdamOptimizer(0.1).minimize(loss);
  }();
  Operation b = [this] {
    const variable_scope opt("opt");
    return train::AdamOptimizer(0.1).minimize(loss);
  }();

  void Step(Session& session) const {
    session.run(a);
    session.run(b);
  }
};

TEST_F(SlotNamesTest, TensorFlowsCheckpointOfScopedOptimizersIsRestoredAndGoesOn) {
  const TwoAdams model;
  Session session;
  train::Saver().restore(session, std::filesystem::path(VARSCOPE_CHECKPOINTS) / "slots.ckpt");
  EXPECT_FLOAT_EQ(session.read("train/beta1_power").scalar<float>(), 0.729F);
  EXPECT_FLOAT_EQ(session.read("opt/in/w/Adam_1").data<float>()[0], 0.00520335091F);
  model.Step(session);
  model.Step(session);
  const Tensor w = session.run(model.w);
  EXPECT_NEAR(w.data<float>()[0], 0.22846399F, 1e-6);
  EXPECT_NEAR(w.data<float>()[1], 1.20818102F, 1e-6);
}

TEST_F(SlotNamesTest, WhatIsSavedHasTensorFlowsNames) {
  const TwoAdams model;
  Session session;
  model.Step(session);
  const TemporaryDirectory folder;
  const std::string path = train::Saver().save(session, folder.path() / "m.npz");
  Graph other(server_.target(), {.sharing = SharingMode::kReplicated});
  const auto use_other = other.as_default();
  const TwoAdams same;
  Session later;
  EXPECT_NO_THROW(train::Saver().restore(later, path));
}

// Workers that build the same optimizer share its state; those that build it in another scope have
// one of their own, and neither disturbs the other.
TEST_F(SlotNamesTest, WorkersShareStateByName) {
  const auto work = [&](const std::string& worker, const std::string& scope, SharingMode sharing) {
    Graph graph(server_.target(), {.worker_id = worker, .sharing = sharing});
    const auto use = graph.as_default();
    const Variable w = get_variable("w", {.initializer = Initializer({1, 2}), .reuse = AUTO_REUSE});
    Operation step;
    if (scope.empty()) {
      step = train::AdamOptimizer(0.1).minimize(reduce_sum(w));
    } else {
      const variable_scope opt(scope);
      step = train::AdamOptimizer(0.1).minimize(reduce_sum(w));
    }
    Session().run(step);
  };
  for (const SharingMode sharing : {SharingMode::kReplicated, SharingMode::kGlobal}) {
    work("first", "", sharing);
    work("second", "", sharing);
    work("third", "opt", sharing);
  }
  Session session;
  EXPECT_FLOAT_EQ(session.read("beta1_power").scalar<float>(), std::pow(0.9F, 5.0F));
  EXPECT_FLOAT_EQ(session.read("opt/beta1_power").scalar<float>(), std::pow(0.9F, 3.0F));
  EXPECT_NEAR(session.read("w/Adam").data<float>()[0], 1 - std::pow(0.9, 4), 1e-6);
  EXPECT_NEAR(session.read("opt/w/Adam").data<float>()[0], 1 - std::pow(0.9, 2), 1e-6);
  EXPECT_EQ(internal::SessionAccess::StoreOf(session).List("").size(), 9U);
}

TEST_F(SlotNamesTest, SlotsAreVariablesOfTheGraph) {
  const Variable w = W();
  const train::Optimizer adam = train::AdamOptimizer(0.1);
  const Operation step = adam.minimize(reduce_sum(w));
  std::vector<std::string> names;
  for (const Variable& variable : global_variables()) names.push_back(variable.name());
  EXPECT_THAT(names,
              ElementsAre("w:0", "beta1_power:0", "beta2_power:0", "w/Adam:0", "w/Adam_1:0"));
  EXPECT_EQ(trainable_variables().size(), 1U);
  const std::vector<train::Slot> slots = adam.slots();
  ASSERT_EQ(slots.size(), 4U);
  EXPECT_FALSE(slots[0].primary.defined());
  EXPECT_TRUE(slots[2].primary == w);
  EXPECT_EQ(slots[2].state, "m");
  Session session;
  EXPECT_THROW(session.run(slots[2].variable), FailedPreconditionError);
  session.run(global_variables_initializer());
  EXPECT_FLOAT_EQ(session.run(slots[0].variable).scalar<float>(), 0.9F);
  session.run(step);
  EXPECT_FLOAT_EQ(session.run(slots[2].variable).data<float>()[0], 0.1F);
  session.run(slots[2].variable.assign(Tensor::Of<float>(Shape{2}, {5, 6})));
  EXPECT_EQ(session.read("w/Adam").data<float>()[1], 6);
}

// The first number of what an optimizer keeps under this name.
float Kept(Session& session, const train::Optimizer& optimizer, const std::string& state) {
  for (const train::Slot& slot : optimizer.slots()) {
    if (slot.state == state) return session.run(slot.variable).data<float>()[0];
  }
  throw std::runtime_error("the optimizer keeps no " + state);
}

// Has the name in the store before the test's own graph.
void Occupy(const std::string& target, const std::string& name) {
  Graph graph(target, {.worker_id = "foreign"});
  const auto use = graph.as_default();
  get_variable(name, {.shape = Shape{2}, .initializer = zeros_initializer()});
}

// The store calls it w/Adam_1 then, which is the graph's name for the other slot.
TEST_F(SlotNamesTest, ASlotWhoseNameIsAnothersIsStillThatSlot) {
  Occupy(server_.target(), "w/Adam");
  const train::Optimizer adam = train::AdamOptimizer(0.1);
  const Operation step = adam.minimize(reduce_sum(W()));
  Session session;
  session.run(step);
  EXPECT_NEAR(Kept(session, adam, "m"), 0.1, 1e-6);
  EXPECT_NEAR(Kept(session, adam, "v"), 0.001, 1e-6);
  for (const train::Slot& slot : adam.slots()) {
    if (slot.state == "v") session.run(slot.variable.assign(Tensor::Of<float>(Shape{2}, {5, 6})));
  }
  EXPECT_NEAR(Kept(session, adam, "m"), 0.1, 1e-6);
  EXPECT_EQ(Kept(session, adam, "v"), 5);
}

// A store that outlives a program, which is started again with an optimizer of more slots; and the
// server, too, is started again.
TEST_F(SlotNamesTest, AnOptimizerWithOtherSlotsDoesNotTakeThoseOfTheOneBefore) {
  const TemporaryDirectory folder;
  server_.Stop();
  server_.Restart({"--data-dir", folder.path() / "store"});
  const auto train = [&](bool centered, int steps) {
    Graph graph(server_.target(), {.sharing = SharingMode::kReplicated});
    const auto use = graph.as_default();
    const train::Optimizer rule = train::RMSPropOptimizer(0.1, {.centered = centered});
    const Operation step = rule.minimize(reduce_sum(W() * 3));
    Session session;
    for (int i = 0; i < steps; ++i) session.run(step);
    return Kept(session, rule, "rms");
  };
  EXPECT_NEAR(train(false, 2), 2.52, 1e-5);
  EXPECT_NEAR(train(true, 1), 1.8, 1e-5);
  EXPECT_NEAR(train(false, 0), 2.52, 1e-5);
  server_.Stop();
  server_.Restart();
  EXPECT_NEAR(train(true, 0), 1.8, 1e-5);
  EXPECT_NEAR(train(false, 0), 2.52, 1e-5);
}

// The store calls the first one's beta1_power_1 then, which is the graph's name for the second's.
TEST_F(SlotNamesTest, TwoOptimizersEachKeepTheirOwn) {
  Occupy(server_.target(), "beta1_power");
  const Variable w = W();
  const train::Optimizer once = train::AdamOptimizer(0.1);
  const train::Optimizer twice = train::AdamOptimizer(0.1);
  const Operation first = once.minimize(reduce_sum(w));
  const Operation second = twice.minimize(reduce_sum(w));
  Session session;
  session.run(first);
  EXPECT_THROW(Kept(session, twice, "beta1_power"), FailedPreconditionError);
  session.run(second);
  session.run(second);
  EXPECT_NEAR(Kept(session, once, "beta1_power"), std::pow(0.9, 2), 1e-6);
  EXPECT_NEAR(Kept(session, twice, "beta1_power"), std::pow(0.9, 3), 1e-6);
}

// Two programs with nothing in common but the server: each has beta powers of its own.
TEST_F(SlotNamesTest, ProgramsWithoutACommonVariableShareNothing) {
  for (const char* name : {"p", "q"}) {
    Graph graph(server_.target());
    const auto use = graph.as_default();
    const train::Optimizer adam = train::AdamOptimizer(0.1);
    const Operation step = adam.minimize(reduce_sum(W(name)));
    Session session;
    session.run(step);
    const Variable power = adam.slots().front().variable;
    EXPECT_EQ(power.name(), "beta1_power:0");
    EXPECT_FLOAT_EQ(session.run(power).scalar<float>(), 0.9F * 0.9F);
  }
  Session session;
  EXPECT_FLOAT_EQ(session.read("beta1_power").scalar<float>(), 0.9F * 0.9F);
  EXPECT_FLOAT_EQ(session.read("beta1_power_1").scalar<float>(), 0.9F * 0.9F);
}

}  // namespace
}  // namespace varscope::testing
