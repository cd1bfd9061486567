// One run is one pull, no work twice, one push: counted at the store's interface.
#include "client/session/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/graph/handles.h"
#include "client/graph/state.h"
#include "client/session/access.h"
#include "proto/core/rows.h"
#include "varscope/varscope.h"

namespace varscope {
namespace {

// A store in memory that counts what it is asked. Its values are ones; in each row of a table but
// the first, the row's number.
class CountingStore final : public internal::RemoteStore {
 public:
  const std::string& worker_id() const override { return worker_id_; }
  SharingMode sharing() const override { return SharingMode::kGlobal; }
  std::vector<internal::Resolved> Resolve(
      const std::vector<internal::Definition>& definitions) override {
    std::vector<internal::Resolved> resolved;
    for (const internal::Definition& d : definitions) {
      internal::Resolved one;
      one.outcome = internal::Resolved::Outcome::kCreated;
      one.variables = {{d.name, d.dtype, *d.shape, d.trainable.value_or(true), d.definer}};
      resolved.push_back(one);
      shapes_[d.name] = *d.shape;
    }
    return resolved;
  }
  internal::PullResult Pull(const std::vector<std::string>& names) override {
    pulls.push_back(names);
    std::vector<internal::PulledValue> values;
    for (const std::string& name : names) {
      values.push_back({Tensor(float32, shapes_.at(name)), version});
      Tensor& value = values.back().value;
      for (float& x : value.mutable_values<float>()) x = 1;
      if (value.shape().rank() != 2) continue;
      const int64_t width = RowSize(value.shape());
      for (int64_t i = width; i < value.num_elements(); ++i) {
        value.mutable_data<float>()[i] = static_cast<float>(i / width);
      }
    }
    return values;
  }
  internal::PullResult PullRows(const std::vector<std::string>& names,
                                const std::vector<Tensor>& rows) override {
    const internal::PullResult whole = Pull(names);
    std::vector<internal::PulledValue> values(whole.begin(), whole.end());
    for (size_t i = 0; i < rows.size(); ++i) {
      if (!rows[i].defined()) continue;
      Tensor some(float32, *RowsShape(shapes_.at(names[i]), rows[i].num_elements()));
      CopyRows(values[i].value, *RowNumbers(rows[i]), some);
      values[i].value = some;
      pulled_rows.push_back({names[i], Summarize(rows[i])});
    }
    return values;
  }
  internal::PushAnswer Push(const internal::PushRequest& request) override {
    if (pushes.size() == refuse_from) throw InvalidArgumentError("refused");
    pushes.push_back(request);
    return {.global_step = pushes.size(), .group_step = pushes.size()};
  }
  internal::PullResult PullWhole(const std::vector<std::string>& names) override {
    return Pull(names);
  }
  PushedAndPulled PushAndPull(const internal::PushRequest& request,
                              const std::vector<std::string>& names) override {
    const internal::PushAnswer answer = Push(request);
    ++pulled_with_push;
    return {answer, Pull(names)};
  }
  Groups groups() const override {
    return std::make_shared<std::vector<internal::SyncGroup>>(sync_groups);
  }
  std::vector<internal::ListedVariable> List(const std::string&) override { return {}; }
  void Barrier(const std::string&, uint32_t, std::chrono::milliseconds) override {}

  std::vector<internal::SyncGroup> sync_groups = {{}};
  uint64_t version = 7;
  size_t refuse_from = 1000;  // the number of the first push that is refused
  int pulled_with_push = 0;
  std::vector<std::vector<std::string>> pulls;
  std::vector<internal::PushRequest> pushes;
  std::vector<std::pair<std::string, std::string>> pulled_rows;  // variable, numbers

 private:
  const std::string worker_id_ = "counter";
  std::map<std::string, Shape> shapes_;
};

class PlanTest : public ::testing::Test {
 protected:
  internal::Plan Compile(const std::vector<Fetch>& fetches, const std::vector<Output>& feeds) {
    std::vector<internal::NodeOutput> own;
    for (const Fetch& fetch : fetches) {
      own.push_back(internal::SessionAccess::Get(*internal::Unwrap(graph_), fetch));
    }
    std::vector<internal::NodeOutput> fed;
    for (const Output& feed : feeds) fed.push_back(internal::Unwrap(feed));
    return internal::Compile(own, fed);
  }

  PlanTest() { internal::Unwrap(graph_)->Connect(store_); }

  const std::shared_ptr<CountingStore> store_ = std::make_shared<CountingStore>();
  Graph graph_;
  ScopeGuard use_ = graph_.as_default();
};

TEST_F(PlanTest, ATrainingStepIsOnePullAndOnePush) {
  const Variable w = get_variable("w", {3});
  const Variable b = get_variable("b", {3});
  const Output loss = reduce_sum(square(w + b)) + reduce_sum(w);
  const Operation train = train::GradientDescentOptimizer(0.1).minimize(loss);
  Session session;
  EXPECT_EQ(session.run({loss, train})[0].scalar<float>(), 15);
  ASSERT_EQ(store_->pulls.size(), 1U);
  EXPECT_THAT(store_->pulls[0], ::testing::UnorderedElementsAre("w", "b"));
  ASSERT_EQ(store_->pushes.size(), 1U);
  ASSERT_EQ(store_->pushes[0].steps.size(), 1U);
  EXPECT_EQ(Summarize(store_->pushes[0].steps[0].updates[0].gradient), "[5 5 5]");
  EXPECT_EQ(Summarize(store_->pushes[0].steps[0].updates[1].gradient), "[4 4 4]");
}

TEST_F(PlanTest, EachGroupHasItsPushAndTheLastIsKnown) {
  store_->sync_groups = {{}, {.prefix = "a"}, {.prefix = "b"}};
  const Output loss = reduce_sum(get_variable("a/w", {2})) + reduce_sum(get_variable("b/w", {2})) +
                      reduce_sum(get_variable("w", {2}));
  Session().run(train::GradientDescentOptimizer(0.1).minimize(loss));
  std::vector<std::string> updated;
  std::vector<bool> more;
  for (const internal::PushRequest& push : store_->pushes) {
    ASSERT_EQ(push.steps.size(), 1U);
    ASSERT_EQ(push.steps[0].updates.size(), 1U);
    updated.push_back(push.steps[0].updates[0].variable);
    more.push_back(push.more_to_come);
  }
  EXPECT_THAT(updated, ::testing::UnorderedElementsAre("a/w", "b/w", "w"));
  EXPECT_THAT(more, ::testing::ElementsAre(true, true, false));
}

TEST_F(PlanTest, ARunPullsOnlyWhatItNeeds) {
  const Variable used = get_variable("used", {1});
  get_variable("unused", {1});
  Session session;
  session.run(used + 1);
  EXPECT_THAT(store_->pulls, ::testing::ElementsAre(std::vector<std::string>{"used"}));
  session.run(constant(1) + 2);
  EXPECT_EQ(store_->pulls.size(), 1U);
  EXPECT_TRUE(store_->pushes.empty());
}

TEST_F(PlanTest, AGradientNeedsNoValueOfWhichItTakesTheKnownShape) {
  const Variable w = get_variable("w", {2, 3});
  // Nobody feeds it: the sum must not run.
  const Output x = w + placeholder(float32, {2, 3}, "unfed");
  Session session;
  for (const Output& loss : {reduce_sum(x), reduce_sum(reduce_sum(x, {0})),
                             reduce_sum(reduce_sum(x, {1}, true)), reduce_sum(reshape(x, {6})),
                             reduce_sum(squeeze(expand_dims(x, 0))), reduce_mean(x) * 6.0F}) {
    const Tensor gradient = session.run(gradients({loss}, {w})[0].values);
    EXPECT_EQ(gradient.shape(), (Shape{2, 3})) << loss.name();
    EXPECT_EQ(Summarize(gradient), "[1 1 1 1 1 1]") << loss.name();
  }
  EXPECT_TRUE(store_->pulls.empty());
}

TEST_F(PlanTest, EqualOpsOnEqualInputsRunOnce) {
  const Output x = placeholder(float32, {2}, "x");
  const Output twice = exp(x) + exp(x);
  const internal::Plan plan = Compile({Fetch(twice)}, {x});
  EXPECT_EQ(plan.stages[0].early_kernels.size(), 2U);
  // Random ops are never merged.
  const Output noise = random_uniform({2}) - random_uniform({2});
  EXPECT_EQ(Compile({Fetch(noise)}, {}).stages[0].early_kernels.size(), 3U);
}

TEST_F(PlanTest, BuffersAreFreeAfterTheirLastUse) {
  const Output x = placeholder(float32, {2}, "x");
  const Output y = exp(x);
  const internal::Plan plan = Compile({Fetch(square(y) * y)}, {x});
  ASSERT_EQ(plan.stages[0].early_kernels.size(), 3U);
  EXPECT_THAT(plan.stages[0].early_kernels[1].last_use, ::testing::ElementsAre(false));
  EXPECT_THAT(plan.stages[0].early_kernels[2].last_use, ::testing::ElementsAre(true, true));
}

TEST_F(PlanTest, WhatNeedsNoVariableComesBeforeThePull) {
  const Output x = placeholder(float32, {2}, "x");
  const Output w = get_variable("w", {2});
  const Output scaled = exp(x) * 2;
  const internal::Plan plan = Compile({Fetch(square(scaled * w))}, {x});
  ASSERT_EQ(plan.stages[0].early_kernels.size(), 2U);
  EXPECT_EQ(plan.stages[0].early_kernels[1].node, internal::Unwrap(scaled).node);
  EXPECT_EQ(plan.stages[0].kernels.size(), 2U);
}

using Names = std::vector<std::string>;

TEST_F(PlanTest, WhatDependsOnAWriteIsAnotherStage) {
  const Variable x = get_variable("x", {1});
  const Variable y = get_variable("y", {1});
  const control_dependencies after({x.assign(x * 2).op()});
  const Output q = x.assign(x * 3);
  Session session;
  EXPECT_EQ(Summarize(session.run(q + y)), "[2]");
  EXPECT_THAT(store_->pulls, ::testing::ElementsAre(Names{"x"}, Names{"x", "y"}, Names{"x"}));
  EXPECT_EQ(store_->pushes.size(), 2U);
  // Both later pulls came with the pushes before them.
  EXPECT_EQ(store_->pulled_with_push, 2);
}

TEST_F(PlanTest, WritesThatDependOnNothingAreOnePush) {
  const Variable x = get_variable("x", {1});
  const Variable y = get_variable("y", {1});
  const Output a = x.assign(x * 2);
  const Output b = y.assign(x + y);
  Session session;
  session.run({a, b, x, group({a.op(), b.op()})});
  EXPECT_EQ(store_->pushes.size(), 1U);
  EXPECT_THAT(store_->pulls, ::testing::ElementsAre(Names{"x", "y"}, Names{"x", "y"}));
  EXPECT_EQ(Compile({Fetch(x * 2 + y)}, {}).stages.size(), 1U);
}

TEST_F(PlanTest, ControlOfWhatWritesNothingIsNoOtherStage) {
  const Variable x = get_variable("x", {1});
  const Output read = x * 2;
  const control_dependencies after({read.op()});
  Session().run({train::GradientDescentOptimizer(0.1).minimize(reduce_sum(x * read)), read});
  EXPECT_EQ(store_->pulls.size(), 1U);
  EXPECT_EQ(store_->pushes.size(), 1U);
}

TEST_F(PlanTest, AGradientNamesNoVersionThatTheRunHasItselfMadeOld) {
  const Variable x = get_variable("x", {1});
  const Variable y = get_variable("y", {1});
  const Output loss = reduce_sum(x * y);
  const train::Optimizer sgd = train::GradientDescentOptimizer(0.1);
  const control_dependencies after({x.assign({1}).op()});
  Session().run(sgd.minimize(loss));
  ASSERT_EQ(store_->pushes.size(), 2U);
  EXPECT_EQ(store_->pushes[1].steps[0].updates[0].base_version, std::nullopt);
  EXPECT_EQ(store_->pushes[1].steps[0].updates[1].base_version, store_->version);
  Session().run(sgd.minimize(reduce_sum(x * y)));
  ASSERT_EQ(store_->pushes.size(), 4U);
  EXPECT_EQ(store_->pushes[3].steps[0].updates[0].base_version, store_->version);
  EXPECT_TRUE(store_->pushes[2].more_to_come);
  EXPECT_FALSE(store_->pushes[3].more_to_come);
}

TEST_F(PlanTest, AnErrorSaysWhatTheRunHadDone) {
  const Variable x = get_variable("x", {1});
  const Variable y = get_variable("y", {1});
  const Variable z = get_variable("z", {1});
  const Operation first = group({x.assign({1}).op(), y.assign({1}).op()});
  std::optional<control_dependencies> after(std::in_place, std::vector<Operation>{first});
  const Operation second = train::GradientDescentOptimizer(0.1).minimize(reduce_sum(z));
  after.emplace(std::vector<Operation>{second});
  const Output third = x.assign_add({1});
  const auto error = [&](size_t refuse_from) -> std::string {
    store_->pushes.clear();
    store_->refuse_from = refuse_from;
    try {
      Session().run(third);
    } catch (const InvalidArgumentError& refused) {
      EXPECT_EQ(refused.what(), refused.message());
      return refused.message();
    }
    return "none";
  };
  EXPECT_EQ(error(0), "refused");
  EXPECT_EQ(error(1), "refused; applied before, in the same run: x, y");
  EXPECT_EQ(error(2), "refused; applied before, in the same run: x, y, z");
  EXPECT_EQ(error(3), "none");
}

TEST_F(PlanTest, AnErrorInTheSecondGroupSaysWhatTheFirstHadDone) {
  store_->sync_groups = {{}, {.prefix = "a"}};
  const Output loss = reduce_sum(get_variable("a/w", {2})) + reduce_sum(get_variable("w", {2}));
  const Operation train = train::GradientDescentOptimizer(0.1).minimize(loss);
  store_->refuse_from = 1;
  try {
    Session().run(train);
    FAIL() << "the second push is refused";
  } catch (const InvalidArgumentError& error) {
    EXPECT_EQ(error.message(), "refused; applied before, in the same run: " +
                                   store_->pushes.at(0).steps[0].updates[0].variable);
  }
}

TEST_F(PlanTest, TheSameWorkBeforeAndAfterAWriteRunsWhereItIsNeededFirst) {
  const Variable x = get_variable("x", {1});
  const Output feed = placeholder(float32, {1});
  Output late;
  {
    // Created first, but after the write.
    const control_dependencies after({x.assign({5}).op()});
    late = exp(feed);
  }
  const Output early = exp(feed);
  const Output write = x.assign(early);
  const internal::Plan plan = Compile({Fetch(late), Fetch(write)}, {feed});
  ASSERT_EQ(plan.stages.size(), 2U);
  EXPECT_EQ(plan.stages[0].early_kernels.size(), 1U);
  EXPECT_EQ(plan.stages[1].early_kernels.size(), 1U);
}

TEST_F(PlanTest, AnOptimizersStateIsKeptByTheFirstVariableThatItTrained) {
  store_->sync_groups = {{}, {.prefix = "a"}};
  const Variable v = get_variable("v", {2});
  const Variable w = get_variable("w", {2});
  const Variable in_a = get_variable("a/w", {2});
  const train::Optimizer adam = train::AdamOptimizer(0.1);
  adam.minimize(reduce_sum(v), {}, {v});
  const Operation second = adam.minimize(reduce_sum(w) + reduce_sum(in_a), {}, {w, in_a});
  Session().run(second);
  std::map<std::string, std::string> groups;
  for (const internal::PushRequest& push : store_->pushes) {
    const internal::PushRequest::Step& step = push.steps.at(0);
    groups[step.updates.at(0).variable] = step.state.group;
    EXPECT_THAT(step.state.scalars, ::testing::ElementsAre("beta1_power", "beta2_power"));
  }
  EXPECT_THAT(groups, ::testing::ElementsAre(std::pair("a/w", "a/w"), std::pair("w", "v")));
  EXPECT_THAT(
      store_->pushes[0].steps[0].updates[0].slots,
      ::testing::ElementsAre(::testing::EndsWith("w/Adam"), ::testing::EndsWith("w/Adam_1")));
}

class LookupTest : public PlanTest {
 protected:
  static constexpr int64_t kRows = 1000;
  static constexpr int64_t kWidth = 20;
  using Pulled = std::vector<std::pair<std::string, std::string>>;

  const Variable table_ = get_variable("table", {kRows, kWidth});
  const Output ids_ = placeholder(int64, Shape::Unknown(), "ids");
  const Feed five_ids_{ids_, Tensor::Of<int64_t>({5}, {7, 3, 7, 999, 0})};
};

TEST_F(LookupTest, OnlyItsRowsArePulledAndEachOnce) {
  const Output ids = placeholder(int64, {5}, "five_ids");
  const Output rows = gather(table_, ids);
  const Operation train = train::GradientDescentOptimizer(1).minimize(reduce_sum(square(rows)));
  Session session;
  const Tensor value = session.run({rows, train}, {{ids, five_ids_.second}})[0];
  ASSERT_EQ(value.shape(), (Shape{5, kWidth}));
  EXPECT_EQ(Summarize(value.Reshaped({5 * kWidth})), "[7 7 7 7 7 7 7 7 ...]");
  EXPECT_EQ(value.data<float>()[1 * kWidth], 3);
  EXPECT_EQ(value.data<float>()[3 * kWidth], 999);
  EXPECT_EQ(value.data<float>()[4 * kWidth], 1);
  EXPECT_EQ(store_->pulled_rows, (Pulled{{"table", "[7 3 999 0]"}}));
  ASSERT_EQ(store_->pushes.size(), 1U);
  const internal::PushRequest::Update& update = store_->pushes[0].steps[0].updates[0];
  EXPECT_EQ(Summarize(update.rows), "[7 3 999 0]");
  EXPECT_EQ(update.gradient.data<float>()[0], 28);
  EXPECT_EQ(update.gradient.data<float>()[kWidth], 6);
  EXPECT_EQ(update.base_version, store_->version);
}

TEST_F(LookupTest, SeveralLookupsAreOnePullInTheShapesOfTheirNumbers) {
  const Output more = ids_ + Output(constant(Tensor::Scalar<int64_t>(1)));
  const Output pair = reshape(gather(table_, ids_), {-1});
  const Output square = gather(table_, more);
  const Variable w = get_variable("w", {2});
  Session session;
  const std::vector<Tensor> values =
      session.run({pair, square, w + 1}, {{ids_, Tensor::Of<int64_t>({2, 2}, {1, 2, 998, 1})}});
  EXPECT_EQ(values[0].num_elements(), 4 * kWidth);
  EXPECT_EQ(values[1].shape(), (Shape{2, 2, kWidth}));
  EXPECT_EQ(values[1].data<float>()[1 * kWidth], 3);
  EXPECT_EQ(values[1].data<float>()[2 * kWidth], 999);
  EXPECT_EQ(Summarize(values[2]), "[2 2]");
  EXPECT_EQ(store_->pulls.size(), 1U);
  EXPECT_EQ(store_->pulled_rows, (Pulled{{"table", "[1 2 998 3 999]"}}));
}

TEST_F(LookupTest, WhatElseNeedsTheTableGetsItWhole) {
  const Output rows = gather(table_, ids_);
  Session session;
  session.run({rows, reduce_sum(table_)}, {five_ids_});
  session.run({rows, Output(table_)}, {five_ids_});
  const Output from_values = gather(table_, cast(gather(reshape(table_, {-1}), ids_), int64));
  session.run(from_values, {five_ids_});
  EXPECT_EQ(store_->pulls.size(), 3U);
  EXPECT_EQ(store_->pulled_rows, Pulled());
  // A fed table is not pulled at all.
  Tensor fed(float32, {kRows, kWidth});
  for (float& x : fed.mutable_values<float>()) x = 5;
  EXPECT_EQ(session.run(rows, {five_ids_, {Output(table_), fed}}).data<float>()[0], 5);
  EXPECT_EQ(store_->pulls.size(), 3U);
}

TEST_F(LookupTest, EachStageLooksUpItsOwnRows) {
  const Output before = gather(table_, ids_);
  Tensor ones(float32, {1, kWidth});
  const control_dependencies after({table_.scatter_add(Tensor::Of<int64_t>({1}, {3}), ones).op()});
  const Output now = gather(table_, ids_ + Output(constant(Tensor::Scalar<int64_t>(0))));
  Session().run({before, now}, {{ids_, Tensor::Of<int64_t>({2}, {3, 4})}});
  EXPECT_EQ(store_->pulled_rows, (Pulled{{"table", "[3 4]"}, {"table", "[3 4]"}}));
  EXPECT_EQ(store_->pushes.size(), 1U);
  // Numbers that the first stage has computed from variables are known in the second.
  const Output numbers = cast(reshape(gather(table_, Tensor::Of<int64_t>({1}, {5})), {-1}), int64);
  store_->pulled_rows.clear();
  Session().run({numbers, gather(table_, numbers)});
  EXPECT_EQ(store_->pulled_rows, Pulled());
}

TEST_F(LookupTest, MostOfATableOrASmallOneComesWhole) {
  const Variable small = get_variable("small", {kRows, 2});
  Session session;
  session.run(gather(small, ids_), {five_ids_});
  std::vector<int64_t> all(kRows);
  for (int64_t i = 0; i < kRows; ++i) all[i] = i % 501;
  const Tensor value =
      session.run(gather(table_, ids_), {{ids_, Tensor::Of<int64_t>({kRows}, all)}});
  EXPECT_EQ(value.data<float>()[500 * kWidth], 500);
  EXPECT_EQ(store_->pulled_rows, Pulled());
}

TEST_F(LookupTest, ARowThatIsNotThereIsNamedBeforeAnythingIsPulled) {
  Session session;
  const Output rows = gather(table_, ids_, "lookup");
  for (const int64_t bad : {int64_t{-1}, kRows}) {
    try {
      session.run(rows, {{ids_, Tensor::Of<int64_t>({2}, {0, bad})}});
      ADD_FAILURE() << bad;
    } catch (const InvalidArgumentError& error) {
      EXPECT_EQ(error.message(), "indices[1] = " + std::to_string(bad) +
                                     " is not in [0, 1000) [op 'lookup' (GatherV2)]");
    }
  }
  EXPECT_TRUE(store_->pulls.empty());
  EXPECT_EQ(session.run(rows, {{ids_, Tensor::Of<int64_t>({0}, {})}}).shape(), (Shape{0, kWidth}));
}

TEST_F(PlanTest, FeedsReplaceAnyOutput) {
  const Variable w = get_variable("w", {2});
  const Output doubled = w * 2;
  Session session;
  EXPECT_EQ(Summarize(session.run(doubled + 1, {{doubled, Tensor::Of<float>({2}, {7, 8})}})),
            "[8 9]");
  EXPECT_TRUE(store_->pulls.empty());
}

TEST_F(PlanTest, WrongFeedsAndMissingOnesAreNamed) {
  const Output x = placeholder(float32, {2}, "x");
  Session session;
  EXPECT_THROW(session.run(x + 1), ValueError);
  EXPECT_THROW(session.run(x + 1, {{x, Tensor::Scalar(1.0F)}}), ValueError);
  EXPECT_THROW(session.run(x + 1, {{x, Tensor::Of<double>({2}, {1, 2})}}), ValueError);
}

}  // namespace
}  // namespace varscope
