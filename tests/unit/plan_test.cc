// One run is one pull, no work twice, one push: counted at the store's interface.
#include "client/session/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/graph/state.h"
#include "varscope/varscope.h"

namespace varscope {
namespace {

// A store of ones in memory that counts what it is asked.
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
  std::vector<internal::PulledValue> Pull(const std::vector<std::string>& names) override {
    pulls.push_back(names);
    std::vector<internal::PulledValue> values;
    for (const std::string& name : names) {
      values.push_back({Tensor(float32, shapes_.at(name)), version});
      for (float& x : values.back().value.mutable_values<float>()) x = 1;
    }
    return values;
  }
  internal::PushAnswer Push(const internal::PushRequest& request) override {
    pushes.push_back(request);
    return {.global_step = pushes.size(), .group_step = pushes.size()};
  }
  std::vector<internal::PulledValue> PullWhole(const std::vector<std::string>& names) override {
    return Pull(names);
  }
  PushedAndPulled PushAndPull(const internal::PushRequest& request,
                              const std::vector<std::string>& names) override {
    const internal::PushAnswer answer = Push(request);
    return {answer, Pull(names)};
  }
  const std::vector<internal::SyncGroup>& groups() const override { return sync_groups; }
  std::vector<internal::ListedVariable> List(const std::string&) override { return {}; }
  void Barrier(const std::string&, uint32_t, std::chrono::milliseconds) override {}

  std::vector<internal::SyncGroup> sync_groups = {{}};
  uint64_t version = 7;
  std::vector<std::vector<std::string>> pulls;
  std::vector<internal::PushRequest> pushes;

 private:
  const std::string worker_id_ = "counter";
  std::map<std::string, Shape> shapes_;
};

class PlanTest : public ::testing::Test {
 protected:
  PlanTest() { graph_.state().Connect(store_); }

  const std::shared_ptr<CountingStore> store_ = std::make_shared<CountingStore>();
  Graph graph_;
  Graph::AsDefault use_ = graph_.as_default();
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

TEST_F(PlanTest, EqualOpsOnEqualInputsRunOnce) {
  const Output x = placeholder(float32, {2}, "x");
  const Output twice = exp(x) + exp(x);
  const internal::Plan plan = internal::Compile({Fetch(twice)}, {x});
  EXPECT_EQ(plan.kernels.size(), 2U);
  // Random ops are never merged.
  const Output noise = random_uniform({2}) - random_uniform({2});
  EXPECT_EQ(internal::Compile({Fetch(noise)}, {}).kernels.size(), 3U);
}

TEST_F(PlanTest, BuffersAreFreeAfterTheirLastUse) {
  const Output x = placeholder(float32, {2}, "x");
  const Output y = exp(x);
  const internal::Plan plan = internal::Compile({Fetch(square(y) * y)}, {x});
  ASSERT_EQ(plan.kernels.size(), 3U);
  EXPECT_THAT(plan.kernels[1].last_use, ::testing::ElementsAre(false));
  EXPECT_THAT(plan.kernels[2].last_use, ::testing::ElementsAre(true, true));
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
