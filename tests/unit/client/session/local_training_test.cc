// Local steps with gradients that do not fit their variables: over all dtypes, an error each.
#include "client/session/local_training.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "proto/tensor/elements.h"
#include "tests/support/tensors.h"
#include "varscope/errors.h"

namespace varscope::internal {
namespace {

using testing::AllDTypes;
using testing::Zeros;

constexpr int64_t kColumns = 1000;

// Its variables are zeros of shape [1]; `groups_` are another object after each reconnection.
class NoStore final : public RemoteStore {
 public:
  const std::string& worker_id() const override { return worker_id_; }
  SharingMode sharing() const override { return SharingMode::kGlobal; }
  std::vector<Resolved> Resolve(const std::vector<Definition>&) override { return {}; }
  PullResult Pull(const std::vector<std::string>&) override { return {}; }
  PullResult PullWhole(const std::vector<std::string>& names) override {
    return std::vector<PulledValue>(names.size(), now);
  }
  PullResult PullRows(const std::vector<std::string>&, const std::vector<Tensor>&) override {
    return {};
  }
  PushAnswer Push(const PushRequest& push) override {
    if (rolled_back) throw AbortedError("the store was rolled back");
    pushed.push_back(push);
    return {};
  }
  PushedAndPulled PushAndPull(const PushRequest&, const std::vector<std::string>&) override {
    return {};
  }
  Groups groups() const override { return groups_; }
  uint64_t losses() const override { return losses_; }
  std::vector<ListedVariable> List(const std::string&) override { return {}; }
  void Barrier(const std::string&, uint32_t, std::chrono::milliseconds) override {}

  void Reconnect() { groups_ = std::make_shared<std::vector<SyncGroup>>(*groups_); }
  // After a rollback, which some call of the worker's has been told of.
  void ReconnectAfterALoss() {
    ++losses_;
    Reconnect();
  }
  void MakeLocal() {
    groups_ = std::make_shared<std::vector<SyncGroup>>(1, SyncGroup{.local = true});
  }

  PulledValue now{Zeros(DType::kFloat32, Shape{1}), 2};
  bool rolled_back = false;
  std::vector<PushRequest> pushed;

 private:
  const std::string worker_id_ = "w";
  uint64_t losses_ = 0;
  Groups groups_ = std::make_shared<std::vector<SyncGroup>>();
};

// One step of SGD with that gradient for a variable of shape [4, kColumns].
void Step(DType variable, const Tensor& gradient, const Tensor& rows) {
  NoStore store;
  LocalTraining training(store);
  PushRequest push;
  PushRequest::Step& step = push.steps.emplace_back();
  step.state.optimizer = "GradientDescent";
  step.state.hyperparameters["learning_rate"] = 1;
  step.clip_norm = 1;
  step.clip_value = 1;
  step.updates.push_back({.variable = "v", .gradient = gradient, .rows = rows, .base_version = {}});
  training.Step({.local = true, .local_steps = 100}, push,
                {{"v", {Zeros(variable, Shape{4, kColumns}), 1}}});
}

TEST(LocalTrainingTest, GradientsOfEveryKindForVariablesOfEveryDType) {
  const Tensor repeated = Tensor::Of<int64_t>(Shape{3}, {0, 0, 1});
  for (const DType variable : AllDTypes()) {
    for (const DType dtype : AllDTypes()) {
      const bool fits = TakesGradients(variable) && dtype == variable;
      const auto expect = [&](bool good, const Shape& shape, const Tensor& rows) {
        const std::string what = absl::StrCat(Name(variable), " variable, ", Name(dtype), " ",
                                              shape.ToString(), " gradient");
        if (good) {
          EXPECT_NO_THROW(Step(variable, Zeros(dtype, shape), rows)) << what;
        } else {
          EXPECT_THROW(Step(variable, Zeros(dtype, shape), rows), OpError) << what;
        }
      };
      expect(fits, Shape{4, kColumns}, Tensor());
      expect(false, Shape{3, kColumns}, Tensor());
      expect(false, Shape{}, Tensor());
      expect(fits, Shape{3, kColumns}, repeated);
      expect(false, Shape{2, kColumns}, repeated);
      expect(false, Shape{4, kColumns}, repeated);
      expect(false, Shape{3}, repeated);
      expect(false, Shape{}, repeated);
      expect(false, Shape{3, kColumns}, Tensor::Of<int64_t>(Shape{3}, {0, 0, 4}));
      expect(false, Shape{3, kColumns}, Tensor::Of<int64_t>(Shape{3}, {0, 0, -1}));
      expect(false, Shape{3, kColumns}, Tensor::Of<float>(Shape{3}, {0, 0, 1}));
    }
  }
}

// The copy of a variable whose gradient was refused follows what is assigned to it.
TEST(LocalTrainingTest, AssignmentsToVariablesOfEveryDType) {
  for (const DType dtype : AllDTypes()) {
    if (dtype == DType::kBool) continue;
    NoStore store;
    LocalTraining training(store);
    PushRequest push;
    PushRequest::Step& step = push.steps.emplace_back();
    step.state.optimizer = "GradientDescent";
    step.state.hyperparameters["learning_rate"] = 1;
    step.updates.push_back(
        {.variable = "v", .gradient = Zeros(dtype, Shape{3}), .rows = {}, .base_version = {}});
    const std::map<std::string, PulledValue> pulled = {{"v", {Zeros(dtype, Shape{3}), 1}}};
    try {
      training.Step({.local = true, .local_steps = 100}, push, pulled);
    } catch (const OpError&) {
      EXPECT_FALSE(TakesGradients(dtype)) << Name(dtype);
    }
    Tensor ones(dtype, Shape{3});
    Fill(ones, 1);
    training.Follow({{.variable = "v", .op = AssignOp::kAdd, .value = ones, .rows = {}}});
    training.Follow({{.variable = "v",
                      .op = AssignOp::kScatterAdd,
                      .value = Tensor::FromBlock(dtype, Shape{1}, ones.block()),
                      .rows = Tensor::Of<int32_t>(Shape{1}, {1})}});
    const std::optional<Tensor> copy = training.Read("v");
    if (!copy) continue;
    EXPECT_EQ(Summarize(*copy), "[1 2 1]") << Name(dtype);
  }
}

// Its copy is gone until it is needed again; the others' synchronization goes on.
TEST(LocalTrainingTest, AVariableThatWasAssignedIsStillOfItsGroup) {
  NoStore store;
  LocalTraining training(store);
  const SyncGroup group{.local = true, .local_steps = 2};
  const std::map<std::string, PulledValue> pulled = {{"u", {Zeros(DType::kFloat32, Shape{1}), 1}},
                                                     {"v", {Zeros(DType::kFloat32, Shape{1}), 1}}};
  const auto step = [&](const std::vector<std::string>& variables) {
    PushRequest push;
    push.steps.emplace_back().state.optimizer = "GradientDescent";
    push.steps[0].state.hyperparameters["learning_rate"] = 1;
    for (const std::string& variable : variables) {
      push.steps[0].updates.push_back({.variable = variable,
                                       .gradient = Zeros(DType::kFloat32, Shape{1}),
                                       .rows = {},
                                       .base_version = {}});
    }
    return training.Step(group, push, pulled);
  };
  step({"u", "v"});
  training.Follow({{.variable = "v",
                    .op = AssignOp::kAssign,
                    .value = Zeros(DType::kFloat32, Shape{1}),
                    .rows = {}}});
  EXPECT_TRUE(step({"u"}).has_value());
}

// A worker that trains "v" of a local group, of 4 steps a round, with gradients of 1.
class RollbackTest : public ::testing::Test {
 protected:
  RollbackTest() { store_.MakeLocal(); }

  // What a run does: reads the variable, and pushes a gradient. Returns what it read.
  float Run() {
    const float read = Read();
    Step();
    return read;
  }
  float Read() {
    pulled_.clear();
    if (const std::optional<Tensor> own = training_.Read("v")) return own->scalar<float>();
    pulled_["v"] = store_.now;
    return store_.now.value.scalar<float>();
  }
  void Step() {
    PushRequest push;
    PushRequest::Step& step = push.steps.emplace_back();
    step.state.optimizer = "Momentum";
    step.state.hyperparameters = {{"learning_rate", 1}, {"momentum", 1}};
    step.updates.push_back({.variable = "v",
                            .gradient = Tensor::Of<float>(Shape{1}, {1}),
                            .rows = {},
                            .base_version = {}});
    training_.Step({.local = true, .local_steps = 4}, push, pulled_);
  }
  static PulledValue Value(float value, uint64_t version) {
    return {Tensor::Of<float>(Shape{1}, {value}), version};
  }

  NoStore store_;
  LocalTraining training_{store_};
  std::map<std::string, PulledValue> pulled_;
};

TEST_F(RollbackTest, WhatASynchronizationThatIsAbortedPushedIsForgotten) {
  store_.now = Value(1, 5);
  for (int i = 0; i < 3; ++i) Run();
  store_.rolled_back = true;
  store_.now = Value(10, 3);
  Read();
  EXPECT_THROW(Step(), AbortedError);
  store_.rolled_back = false;
  EXPECT_EQ(Run(), 10) << "the snapshot's value";
  EXPECT_EQ(Run(), 9) << "momentum began anew";
  EXPECT_EQ(Run(), 7);
  EXPECT_EQ(Run(), 4);
  ASSERT_EQ(store_.pushed.size(), 1U);
  const PushRequest::Update& update = store_.pushed[0].steps[0].updates[0];
  EXPECT_EQ(update.gradient.scalar<float>(), 10);
  EXPECT_EQ(update.base_version, 3U);
}

// Some other call of the worker met the rollback.
TEST_F(RollbackTest, CopiesOfAStateThatIsNoMoreAreForgotten) {
  for (const PulledValue& now : {Value(10, 3), Value(10, 5)}) {
    NoStore store;
    store.MakeLocal();
    store.now = Value(1, 5);
    LocalTraining training(store);
    const auto step = [&] {
      PushRequest push;
      push.steps.emplace_back().state.optimizer = "GradientDescent";
      push.steps[0].state.hyperparameters["learning_rate"] = 1;
      push.steps[0].updates.push_back({.variable = "v",
                                       .gradient = Tensor::Of<float>(Shape{1}, {1}),
                                       .rows = {},
                                       .base_version = {}});
      training.Step({.local = true, .local_steps = 4}, push, {{"v", store.now}});
    };
    step();
    ASSERT_EQ(training.Read("v")->scalar<float>(), 0);
    store.now = now;
    store.Reconnect();
    EXPECT_FALSE(training.Read("v").has_value());
    step();
    EXPECT_EQ(training.Read("v")->scalar<float>(), now.value.scalar<float>() - 1);
  }
}

TEST_F(RollbackTest, AReconnectionToTheSameStateLosesNothing) {
  store_.now = Value(1, 5);
  Run();
  store_.Reconnect();
  EXPECT_EQ(Run(), 0);
}

// An eviction is no rollback: the steps that succeeded are pushed with the next synchronization.
TEST_F(RollbackTest, AReconnectionAfterOthersWentOnLosesNothing) {
  for (const PulledValue& now : {Value(1, 6), Value(7, 9)}) {
    NoStore store;
    store.MakeLocal();
    store.now = Value(1, 5);
    LocalTraining training(store);
    const auto step = [&] {
      PushRequest push;
      push.steps.emplace_back().state.optimizer = "GradientDescent";
      push.steps[0].state.hyperparameters["learning_rate"] = 1;
      push.steps[0].updates.push_back({.variable = "v",
                                       .gradient = Tensor::Of<float>(Shape{1}, {1}),
                                       .rows = {},
                                       .base_version = {}});
      training.Step({.local = true, .local_steps = 4}, push, {{"v", store.now}});
    };
    for (int i = 0; i < 3; ++i) step();
    store.now = now;
    store.Reconnect();
    step();
    ASSERT_EQ(store.pushed.size(), 1U);
    const PushRequest::Update& update = store.pushed[0].steps[0].updates[0];
    EXPECT_EQ(update.gradient.scalar<float>(), 4) << "all four steps";
    EXPECT_EQ(update.base_version, 5U);
  }
}

// Others were faster than this worker after the rollback: the server is where it never was before,
// but not by what the copy began from.
TEST_F(RollbackTest, NothingOfADiscardedStateIsPushedHoweverFarOthersAre) {
  store_.now = Value(1, 5);
  for (int i = 0; i < 3; ++i) Run();
  store_.now = Value(7, 9);
  store_.ReconnectAfterALoss();
  Read();
  EXPECT_EQ(Run(), 7);
  EXPECT_EQ(Run(), 6);
}

// The rollback comes between what a run reads and what it pushes.
TEST_F(RollbackTest, AGradientOfAForgottenCopyIsNotApplied) {
  store_.now = Value(1, 5);
  Run();
  Read();
  store_.now = Value(10, 3);
  store_.Reconnect();
  EXPECT_THROW(Step(), AbortedError);
  EXPECT_EQ(Run(), 10);
  EXPECT_EQ(Run(), 9);
}

TEST_F(RollbackTest, WhatWasNeverReadIsTrainedAllTheSame) {
  store_.now = Value(1, 5);
  Step();
  store_.now = Value(10, 3);
  store_.Reconnect();
  Step();
  EXPECT_EQ(Read(), 9);
}

}  // namespace
}  // namespace varscope::internal
