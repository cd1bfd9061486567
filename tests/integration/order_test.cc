// A run reads what it wrote before, in the order that its dependencies give. The values are
// TensorFlow 2.21's (tf.compat.v1, resource variables).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "tests/support/server_process.h"
#include "varscope/varscope.h"

namespace varscope::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

Variable Scalar(const std::string& name, float value) {
  return get_variable(name, {.initializer = Initializer(Tensor::Scalar(value))});
}

float Number(const Tensor& value) { return value.scalar<float>(); }

train::Optimizer Sgd(const Input& rate = 0.5) { return train::GradientDescentOptimizer(rate); }

class OrderTest : public ::testing::Test {
 protected:
  explicit OrderTest(const std::vector<std::string>& flags = {}) : server_(flags) {}

  ServerProcess server_;
  Graph graph_{server_.target()};
  ScopeGuard use_ = graph_.as_default();
  Session session_;
  Variable x_ = Scalar("x", 1);
};

TEST_F(OrderTest, AWriteUnderControlOfAWriteReadsWhatThatWrote) {
  const control_dependencies after({x_.assign(x_ * 2).op()});
  EXPECT_EQ(Number(session_.run(x_.assign(x_ * 3))), 6);
  EXPECT_EQ(Number(session_.read("x")), 6);
}

TEST_F(OrderTest, ACopyUnderControlOfAStepIsTheUpdatedValue) {
  const Operation step = Sgd().minimize(x_);
  const control_dependencies after({step});
  EXPECT_EQ(Number(session_.run(identity(x_))), 0.5);
}

TEST_F(OrderTest, AnAssignmentsOutputIsItsVariableAfterIt) {
  const Output a = x_.assign(x_ + 1);
  const Output b = x_.assign(a * 10);
  const Output c = b + 1;
  const std::vector<Tensor> values = session_.run({a, b, c});
  EXPECT_EQ(Number(values[0]), 2);
  EXPECT_EQ(Number(values[1]), 20);
  EXPECT_EQ(Number(values[2]), 21);
}

TEST_F(OrderTest, AnAssignmentsOutputUnderControlOfALaterOneIsThatOnes) {
  const Output a = x_.assign(5);
  std::optional<control_dependencies> after;
  after.emplace(std::vector<Operation>{a.op()});
  const Output b = x_.assign(7);
  after.reset();
  const control_dependencies last({b.op()});
  EXPECT_EQ(Number(session_.run(a * 10)), 70);
}

TEST_F(OrderTest, AReadBeforeAWriteStaysBeforeIt) {
  const Output before = x_ + 0;
  const control_dependencies after_read({before.op()});
  const Output write = x_.assign(5);
  const control_dependencies after_write({write.op()});
  const std::vector<Tensor> values = session_.run({before, write, x_ + 0, x_});
  EXPECT_EQ(Number(values[0]), 1);
  EXPECT_EQ(Number(values[1]), 5);
  EXPECT_EQ(Number(values[2]), 5);
  EXPECT_EQ(Number(values[3]), 1);
}

TEST_F(OrderTest, FetchesOfAssignmentsAreTheValuesAfterEachOfThem) {
  const Output first = x_.assign_add(1);
  const control_dependencies after_first({first.op()});
  const Output second = x_.assign_add(10);
  const control_dependencies after_second({second.op()});
  const Output third = x_.assign_sub(100);
  const std::vector<Tensor> values = session_.run({third, second, first});
  EXPECT_EQ(Number(values[0]), -88);
  EXPECT_EQ(Number(values[1]), 12);
  EXPECT_EQ(Number(values[2]), 2);
}

TEST_F(OrderTest, OptimizersOneAfterTheOther) {
  const Operation first = Sgd().minimize(x_ * x_);
  const control_dependencies after({first});
  session_.run(Sgd().minimize(x_ * x_ * 3));
  EXPECT_EQ(Number(session_.run(x_)), 0);
}

TEST_F(OrderTest, AGradientOfReadsBeforeAWriteIsAppliedAfterIt) {
  const Output loss = x_ * x_;
  const control_dependencies after({x_.assign(10).op()});
  session_.run(Sgd().minimize(loss));
  EXPECT_EQ(Number(session_.run(x_)), 9);
}

TEST_F(OrderTest, AVariableAsLearningRateIsReadWhenTheOptimizerRuns) {
  const Variable rate = Scalar("rate", 0.1F);
  const train::Optimizer optimizer = Sgd(rate);
  const Output loss = x_ * 1;
  const control_dependencies after({rate.assign(0.5).op()});
  session_.run(optimizer.minimize(loss));
  EXPECT_EQ(Number(session_.run(x_)), 0.5);
}

TEST_F(OrderTest, GradientsAddUpOverAllReadsOfAVariable) {
  session_.run(x_.assign(3));
  const Output squared = x_ * x_;
  const control_dependencies after({x_.assign(2).op()});
  const Output z = squared * x_;
  const std::vector<Gradient> grads = gradients({z}, {x_});
  const std::vector<Tensor> values = session_.run({z, grads[0].values});
  EXPECT_EQ(Number(values[0]), 18);      // 3 * 3 * 2
  EXPECT_EQ(Number(values[1]), 9 + 12);  // by the last read 3 * 3, by the first ones 2 * 3 * 2
  const Output assigned = x_.assign(5);
  EXPECT_EQ(Number(session_.run(gradients({assigned * 2}, {x_})[0].values)), 2);
}

TEST_F(OrderTest, TheGlobalStepCountsWithTheUpdate) {
  const Variable step = train::get_or_create_global_step();
  const Operation train = Sgd().minimize(x_ * 1, step);
  const control_dependencies after({train});
  const std::vector<Tensor> values = session_.run({identity(step), identity(x_)});
  EXPECT_EQ(values[0].scalar<int64_t>(), 1);
  EXPECT_EQ(Number(values[1]), 0.5);
}

TEST_F(OrderTest, AGroupIsAllOfItsWrites) {
  const Variable y = Scalar("y", 2);
  const control_dependencies after({group({x_.assign(3).op(), y.assign(4).op()})});
  EXPECT_EQ(Number(session_.run(x_ + y)), 7);
}

TEST_F(OrderTest, InitializersComeFirst) {
  const Variable y(x_ * 5, {.name = "y"});
  const control_dependencies after({global_variables_initializer()});
  EXPECT_EQ(Number(session_.run(y.assign(y + 10))), 15);
}

TEST_F(OrderTest, ScattersAndLookupsSeeTheWritesBeforeThem) {
  const Variable v = get_variable("v", {.initializer = Initializer({1, 2, 3})});
  const control_dependencies after({v.assign({5, 5, 5}).op()});
  const Output scattered = v.scatter_add(Tensor::Of<int32_t>(Shape{2}, {1, 1}), {1, 2});
  const control_dependencies after_scatter({scattered.op()});
  const Output rows = gather(v, Tensor::Of<int32_t>(Shape{2}, {1, 2}));
  const std::vector<Tensor> values = session_.run({scattered, rows});
  EXPECT_EQ(Summarize(values[0]), "[5 8 5]");
  EXPECT_EQ(Summarize(values[1]), "[8 5]");
}

TEST_F(OrderTest, RowsOfALargeTableSeeTheWritesBeforeThem) {
  const Variable table =
      get_variable("table", {.shape = Shape{1000, 20}, .initializer = zeros_initializer()});
  const Output ids = placeholder(int64, {2});
  const Output before = reduce_sum(gather(table, ids));
  Tensor ones(float32, {2, 20});
  for (float& value : ones.mutable_values<float>()) value = 1;
  const control_dependencies after({table.scatter_add(ids, ones).op()});
  const Output now = reduce_sum(gather(table, ids));
  for (const float added : {0.0F, 40.0F}) {
    const std::vector<Tensor> values =
        session_.run({before, now}, {{ids, Tensor::Of<int64_t>({2}, {3, 999})}});
    EXPECT_EQ(Number(values[0]), added);
    EXPECT_EQ(Number(values[1]), added + 40);
  }
}

TEST_F(OrderTest, PartsOfAVariableSeeTheWritesBeforeThem) {
  const Variable p = get_variable("p", {.shape = Shape{4},
                                        .initializer = ones_initializer(),
                                        .partitioner = fixed_size_partitioner(2)});
  const control_dependencies after({p.parts()[0].assign({5, 6}).op()});
  const std::vector<Tensor> values = session_.run({identity(p), p});
  EXPECT_EQ(Summarize(values[0]), "[5 6 1 1]");
  EXPECT_EQ(Summarize(values[1]), "[1 1 1 1]");
}

TEST_F(OrderTest, VariablesAreMadeOutsideOfWhatControlsTheirUses) {
  Variable made;
  {
    const control_dependencies after({x_.assign_add(1).op()});
    made = Scalar("made", 1);
  }
  session_.run(made + 1);
  EXPECT_EQ(Number(session_.run(x_)), 1);
}

TEST_F(OrderTest, WhatFailsSaysWhatWasApplied) {
  const Variable v = get_variable("v", {.initializer = Initializer({1, 2})});
  const Output row = placeholder(int32, {1});
  const control_dependencies after({x_.assign(4).op()});
  const Output scatter = v.scatter_add(row, {1});
  try {
    session_.run(scatter, {{row, Tensor::Of<int32_t>({1}, {7})}});
    FAIL() << "there is no row 7";
  } catch (const InvalidArgumentError& error) {
    EXPECT_THAT(error.what(), HasSubstr("v"));
    EXPECT_THAT(error.message(), HasSubstr("; applied before, in the same run: x"));
  }
  EXPECT_EQ(Number(session_.run(x_)), 4);
  EXPECT_EQ(Summarize(session_.run(v)), "[1 2]");
}

TEST_F(OrderTest, ARunWithOneWriteIsAllOrNothing) {
  const Variable v = get_variable("v", {.initializer = Initializer({1, 2})});
  const Output bad = v.scatter_add(Tensor::Of<int32_t>({1}, {7}), {1});
  try {
    session_.run({x_.assign(4), bad});
    FAIL() << "there is no row 7";
  } catch (const InvalidArgumentError& error) {
    EXPECT_THAT(error.what(), Not(HasSubstr("applied before")));
  }
  EXPECT_EQ(Number(session_.run(x_)), 1);
}

TEST_F(OrderTest, AFailedReadAfterAWriteSaysWhatWasApplied) {
  const Variable never(x_ + 1, {.name = "never"});
  const control_dependencies after({x_.assign(4).op()});
  try {
    session_.run(never + 1);
    FAIL() << "it has no value";
  } catch (const FailedPreconditionError& error) {
    EXPECT_THAT(error.message(),
                AllOf(HasSubstr("never"), HasSubstr("applied before"), HasSubstr("run: x")));
  }
}

// How the same program may be served.
struct Service {
  const char* name;
  std::vector<std::string> flags;
  ConnectOptions options;
};

class RandomOrderTest : public ::testing::TestWithParam<Service> {};

// A program whose ops each depend on the one before has the values of the same program in C++.
class RandomProgram {
 public:
  explicit RandomProgram(unsigned seed) : random_(seed) {
    for (const char* name : {"a/v", "b/v", "c/v"}) {
      variables_.push_back(get_variable(name + std::to_string(seed),
                                        {.initializer = Initializer(Tensor::Scalar(1.0F))}));
    }
    const int length = 2 + Draw(8);
    Output last;
    for (int i = 0; i < length; ++i) {
      const control_dependencies after(last.defined() ? std::vector<Operation>{last.op()}
                                                      : std::vector<Operation>{});
      last = Next();
    }
    last_ = last.op();
  }

  void Run(Session& session) {
    std::vector<Fetch> fetches(copies_.begin(), copies_.end());
    fetches.emplace_back(last_);
    const std::vector<Tensor> values = session.run(fetches);
    for (size_t i = 0; i < copies_.size(); ++i) {
      EXPECT_EQ(Number(values[i]), expected_[i]) << copies_[i].name() << " of\n" << text_;
    }
    for (size_t i = 0; i < variables_.size(); ++i) {
      EXPECT_EQ(Number(session.run(variables_[i])), now_[i]) << "variable " << i << " after\n"
                                                             << text_;
    }
  }

 private:
  int Draw(int below) { return static_cast<int>(random_() % static_cast<unsigned>(below)); }

  Output Next() {
    const int to = Draw(3);
    const int from = Draw(3);
    const Variable& target = variables_[to];
    const Variable& source = variables_[from];
    const float number = static_cast<float>(Draw(3) + 1);
    const auto line = [&](const std::string& what) {
      text_ += what + " " + std::to_string(to) + ", from " + std::to_string(from) + ", " +
               std::to_string(number) + "\n";
    };
    switch (Draw(6)) {
      case 0:
        line("assign");
        now_[to] = now_[from] + number;
        return Kept(target.assign(source + number), to);
      case 1:
        line("add");
        now_[to] += now_[from];
        return Kept(target.assign_add(source), to);
      case 2:
        line("subtract");
        now_[to] -= number;
        return Kept(target.assign_sub(number), to);
      case 3: {
        line("step");
        now_[to] -= 0.5F * number;
        const Operation step = Sgd().minimize(target * number, {}, {target});
        const control_dependencies after({step});
        return Kept(identity(target), to);
      }
      case 4: {
        line("assigned twice");
        now_[to] = 2 * (now_[from] - number);
        const Output once = target.assign(source - number);
        return Kept(target.assign(once * 2), to);
      }
      default:
        line("copy");
        return Kept(identity(source), from);
    }
  }

  // Fetched in half of the cases.
  Output Kept(const Output& value, int variable) {
    if (Draw(2) == 0) {
      copies_.push_back(value);
      expected_.push_back(now_[variable]);
    }
    return value;
  }

  std::mt19937 random_;
  std::vector<Variable> variables_;
  std::vector<float> now_ = {1, 1, 1};
  std::vector<Output> copies_;
  std::vector<float> expected_;
  Operation last_;
  std::string text_;
};

TEST_P(RandomOrderTest, ChainsOfReadsAndWritesHaveTheValuesOfTheirOrder) {
  const ServerProcess server(GetParam().flags);
  Graph graph(server.target(), GetParam().options);
  const auto use = graph.as_default();
  Session session;
  for (unsigned seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE("program " + std::to_string(seed));
    RandomProgram(seed).Run(session);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Services, RandomOrderTest,
    ::testing::Values(Service{"Alone", {}, {}}, Service{"Prefetch", {}, {.prefetch = true}},
                      Service{"OverTheTarget", {}, {.transport = TransportMode::kTarget}},
                      Service{"FreshValuesOnly", {"--sync", "async:max_staleness=0"}, {}},
                      Service{"TwoGroups", {"--sync", "a=bsp:workers=1"}, {}}),
    [](const auto& info) { return info.param.name; });

// The worker's own copies are read as they are after its own step.
TEST(LocalOrderTest, ACopyUnderControlOfALocalStepIsTheUpdatedValue) {
  const ServerProcess server({"--sync", "local:steps=4"});
  Graph graph(server.target());
  const auto use = graph.as_default();
  const Variable x = Scalar("x", 1);
  Session session;
  const Operation step = Sgd().minimize(x);
  const control_dependencies after({step});
  const Output copy = identity(x);
  EXPECT_EQ(Number(session.run(copy)), 0.5);
  EXPECT_EQ(Number(session.run(copy)), 0);
}

TEST(LocalOrderTest, WritesUnderControlOfALocalStepAddToIt) {
  const ServerProcess server({"--sync", "local:steps=100"});
  Graph graph(server.target());
  const auto use = graph.as_default();
  const Variable v = get_variable("v", {.initializer = Initializer({1, 2})});
  Session session;
  const Operation step = Sgd().minimize(reduce_sum(v));
  std::optional<control_dependencies> after(std::in_place, std::vector<Operation>{step});
  const Output added = v.assign_add({1, 1});
  after.emplace(std::vector<Operation>{added.op()});
  const Output scattered = v.scatter_sub(Tensor::Of<int32_t>({1}, {1}), {0.25});
  after.emplace(std::vector<Operation>{scattered.op()});
  const Output doubled = v.assign(v * 2);
  const std::vector<Tensor> values = session.run({added, scattered, doubled});
  EXPECT_EQ(Summarize(values[0]), "[1.5 2.5]");
  EXPECT_EQ(Summarize(values[1]), "[1.5 2.25]");
  EXPECT_EQ(Summarize(values[2]), "[3 4.5]");
  EXPECT_EQ(Summarize(session.read("v")), "[3 4.5]");
}

}  // namespace
}  // namespace varscope::testing
