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

// Its variables are zeros of shape [1].
class NoStore final : public RemoteStore {
 public:
  const std::string& worker_id() const override { return worker_id_; }
  SharingMode sharing() const override { return SharingMode::kGlobal; }
  std::vector<Resolved> Resolve(const std::vector<Definition>&) override { return {}; }
  PullResult Pull(const std::vector<std::string>&) override { return {}; }
  PullResult PullWhole(const std::vector<std::string>& names) override {
    return std::vector<PulledValue>(names.size(), {Zeros(DType::kFloat32, Shape{1}), 2});
  }
  PullResult PullRows(const std::vector<std::string>&, const std::vector<Tensor>&) override {
    return {};
  }
  PushAnswer Push(const PushRequest&) override { return {}; }
  PushedAndPulled PushAndPull(const PushRequest&, const std::vector<std::string>&) override {
    return {};
  }
  Groups groups() const override { return std::make_shared<std::vector<SyncGroup>>(groups_); }
  std::vector<ListedVariable> List(const std::string&) override { return {}; }
  void Barrier(const std::string&, uint32_t, std::chrono::milliseconds) override {}

 private:
  const std::string worker_id_ = "w";
  const std::vector<SyncGroup> groups_;
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

}  // namespace
}  // namespace varscope::internal
