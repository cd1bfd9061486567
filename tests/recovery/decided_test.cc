// What was applied is applied again: recovery checks nothing, whatever the limits are by then; and
// what is not finite is refused before it is applied, wherever it comes from.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "absl/strings/str_cat.h"
#include "server/store/read.h"
#include "tests/recovery/server_run.h"
#include "tests/support/temporary_directory.h"

namespace varscope::testing {
namespace {

using namespace server;
using ::testing::HasSubstr;

constexpr float kMax = std::numeric_limits<float>::max();
constexpr double kMax64 = std::numeric_limits<double>::max();

class DecidedTest : public ::testing::Test {
 protected:
  // Whatever happened in it, this run's directory recovers to its state.
  void TearDown() override {
    ASSERT_TRUE(run_->Settle().ok());
    const std::string before = run_->state();
    const absl::StatusOr<std::string> killed = RecoveredState(directory_.path());
    ASSERT_TRUE(killed.ok()) << killed.status();
    EXPECT_EQ(*killed, before);
    // And so does a snapshot of it.
    ASSERT_TRUE(run_->recorder().TakeSnapshot("").ok());
    run_.reset();
    EXPECT_EQ(RecoveredState(directory_.path()).value(), before);
  }

  void Begin(const std::vector<std::string>& groups = {}) {
    run_.emplace(directory_.path(), ServerRunOptions{.groups = groups});
    for (const char* worker : {"a", "b", "c", "d", "e"}) {
      incarnation_[worker] = run_->workers().Connect(worker, "host", 7, Sharing::kGlobal).value();
    }
  }

  void Create(const std::string& name, DType dtype, const Shape& shape) {
    ResolveRequest request;
    request.request = {name, dtype, shape, Reuse::kAuto, {}};
    request.name = name;
    request.initializer = InitializerSpec{.kind = "zeros"};
    ASSERT_TRUE(run_->store().catalog.Resolve({"a", 1, Sharing::kGlobal}, request).ok());
  }

  Push Gradients(const std::string& worker, std::vector<GradientUpdate> updates) {
    Push push{.id = {worker, incarnation_[worker], ++sequence_}};
    OptimizerStep& step = push.steps.emplace_back();
    step.state = {
        "GradientDescent", {{"learning_rate", 1}}, "GradientDescent", 0, updates.front().variable};
    step.updates = std::move(updates);
    return push;
  }

  Push Dense(const std::string& worker, const std::string& name, const std::vector<float>& values) {
    const Shape shape{static_cast<int64_t>(values.size())};
    return Gradients(worker, {{.variable = name, .gradient = Tensor::Of<float>(shape, values)}});
  }
  template <typename T = float>
  Push Sparse(const std::string& worker, const std::string& name, const std::vector<int64_t>& rows,
              const std::vector<T>& values) {
    const auto count = static_cast<int64_t>(rows.size());
    return Gradients(worker, {{.variable = name,
                               .gradient = Tensor::Of<T>(Shape{count}, values),
                               .rows = Tensor::Of<int64_t>(Shape{count}, rows)}});
  }

  std::vector<float> Values(const std::string& name) {
    const Tensor value = ValueOf(run_->store(), name);
    return {value.data<float>(), value.data<float>() + value.num_elements()};
  }

  const TemporaryDirectory directory_;
  std::optional<ServerRun> run_;
  std::map<std::string, uint64_t> incarnation_;
  uint64_t sequence_ = 0;
};

void ExpectRefused(const ServerRun::Answer& answer, const std::string& what) {
  ASSERT_TRUE(answer->has_value());
  const absl::Status status = (*answer)->status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr(what));
}

TEST_F(DecidedTest, ADenseAndASparseGradientInOneStepAreOne) {
  for (const char* aggregate : {"mean", "median", "trimmed_mean/1", "krum/1"}) {
    const std::string name = std::string(aggregate).substr(0, 4);
    const bool five = name == "krum";
    run_.reset();
    Begin({absl::StrCat("v=bsp:workers=", five ? 5 : 3, ",aggregate=", aggregate)});
    Create("v/" + name, DType::kFloat32, Shape{3});
    for (const char* more : {"d", "e"}) {
      if (five) (void)run_->Submit(Sparse(more, "v/" + name, {2, 0}, {3, 2}));
    }
    const auto dense = run_->Submit(Dense("a", "v/" + name, {1, 1, 4}));
    const auto sparse = run_->Submit(Sparse("b", "v/" + name, {2}, {2}));
    EXPECT_TRUE((*run_->Submit(Sparse("c", "v/" + name, {2, 0}, {3, 2})))->ok());
    EXPECT_TRUE((*dense)->ok());
    if (name == "mean") {
      EXPECT_EQ(Values("v/mean"), (std::vector<float>{-1, -1.0F / 3, -3}));
    } else if (name == "medi") {
      EXPECT_EQ(Values("v/medi"), (std::vector<float>{-1, 0, -3}));
    }
    ASSERT_TRUE(run_->Settle().ok());
  }
}

TEST_F(DecidedTest, TheMeanOfFiniteGradientsIsFinite) {
  Begin({"v=bsp:workers=3", "m=bsp:workers=3,aggregate=median"});
  Create("v", DType::kFloat32, Shape{2});
  Create("m", DType::kFloat32, Shape{1});
  Create("v/64", DType::kFloat64, Shape{1});
  for (const char* worker : {"a", "b", "c"}) {
    (void)run_->Submit(Dense(worker, "v", {kMax, -2e38F}));
  }
  EXPECT_EQ(Values("v"), (std::vector<float>{-kMax, 2e38F}));
  for (const char* worker : {"a", "b", "c"}) (void)run_->Submit(Dense(worker, "m", {kMax}));
  EXPECT_EQ(Values("m"), std::vector<float>{-kMax});
  for (const char* worker : {"a", "b", "c"}) {
    (void)run_->Submit(Gradients(
        worker, {{.variable = "v/64", .gradient = Tensor::Of<double>(Shape{1}, {kMax64})}}));
  }
  EXPECT_EQ(ValueOf(run_->store(), "v/64").scalar<double>(), -kMax64);
}

TEST_F(DecidedTest, ASumOfRowsThatIsInfiniteIsRefused) {
  Begin({"skip=async:nonfinite=skip", "b=bsp:workers=1"});
  for (const char* name : {"v", "skip", "b"}) Create(name, DType::kFloat32, Shape{3});
  Create("d", DType::kFloat64, Shape{3});
  Push push = Sparse("a", "v", {1, 1}, {kMax, kMax});
  ExpectRefused(run_->Submit(push), "has an infinity");
  push.id.sequence = ++sequence_;
  push.steps[0].clip_norm = 1;
  ExpectRefused(run_->Submit(push), "has an infinity");
  ExpectRefused(run_->Submit(Sparse<double>("a", "d", {1, 1}, {kMax64, kMax64})), "an infinity");
  ExpectRefused(run_->Submit(Sparse("a", "b", {1, 1}, {-kMax, -kMax})), "has an infinity");
  const auto skipped = run_->Submit(Sparse("a", "skip", {1, 1}, {kMax, kMax}));
  EXPECT_EQ((*skipped)->value().outcome, Outcome::kNonfinite);
  EXPECT_EQ(Values("v"), (std::vector<float>{0, 0, 0}));
  // Whoever allows it, gets it.
  push.id.sequence = ++sequence_;
  push.allow_nonfinite = true;
  push.steps[0].clip_norm = 0;
  EXPECT_TRUE((*run_->Submit(push))->ok());
}

// One has three slots, the other two, and each names its own: these are two optimizers.
TEST_F(DecidedTest, WhoHasOtherSlotsHasAStepOfItsOwn) {
  Begin({"v=bsp:workers=2"});
  Create("v", DType::kFloat32, Shape{1});
  Create("v/b", DType::kFloat32, Shape{1});
  const auto push = [&](const std::string& worker, const std::string& name, double centered) {
    Push one = Dense(worker, name, {1});
    one.steps[0].state = {
        "RMSProp", {{"learning_rate", 1}, {"centered", centered}}, "RMSProp", 0, "v"};
    std::vector<std::string>& slots = one.steps[0].updates[0].slots;
    slots = {name + "/1", name + "/2"};
    if (centered != 0) slots.push_back(name + "/3");
    return one;
  };
  const auto first = run_->Submit(push("a", "v", 1));
  EXPECT_TRUE((*run_->Submit(push("b", "v/b", 0)))->ok());
  EXPECT_TRUE((*first)->ok());
  ASSERT_TRUE(run_->Settle().ok());
}

TEST_F(DecidedTest, ClippingKeepsFiniteGradientsFinite) {
  Begin();
  Create("v", DType::kFloat64, Shape{2});
  for (const std::vector<double>& values :
       {std::vector<double>{kMax64, kMax64}, {1e200, -1e200}, {kMax64, 1}, {1e-320, 5e-324}}) {
    for (const double norm : {5e-324, 1e-10, 1.0, 10.0, 1e300, kMax64}) {
      Push push =
          Gradients("a", {{.variable = "v", .gradient = Tensor::Of<double>(Shape{2}, values)}});
      push.steps[0].clip_norm = norm;
      const ValidPush valid = Validated(run_->store(), push).value();
      const Tensor& clipped = valid.contents().steps[0].updates[0].gradient.value;
      EXPECT_LT(FirstNonFinite(clipped), 0) << values[0] << ", " << values[1] << " to " << norm;
    }
  }
}

TEST_F(DecidedTest, LimitsOfALaterStartRefuseNothingOld) {
  Begin();
  Create("large", DType::kFloat64, Shape{1000});
  Create("v", DType::kFloat32, Shape{3});
  Push push = Dense("a", "v", {1, 2, 3});
  push.steps[0].state = {"Adam", {}, "Adam", 0, "v"};
  push.steps[0].create_slots = {{.variable = "large"}};
  EXPECT_TRUE((*run_->Submit(push))->ok());
  ASSERT_TRUE(run_->Settle().ok());
  // TearDown recovers where nothing may be created. A store that holds more than it may goes on:
  const std::string before = run_->state();
  run_.emplace(directory_.path(), ServerRunOptions{.limits = {16, 16}});
  EXPECT_EQ(run_->state(), before);
  push.id = {};
  EXPECT_TRUE((*run_->Submit(push))->ok());
  ResolveRequest request;
  request.request = {"more", DType::kFloat32, Shape{1}, Reuse::kAuto, {}};
  request.name = "more";
  request.initializer = InitializerSpec{.kind = "zeros"};
  EXPECT_EQ(run_->store().catalog.Resolve({"a", 9, Sharing::kGlobal}, request).status().code(),
            absl::StatusCode::kResourceExhausted);
}

// The first step finds state of its names that was made unnamed; the second, of another name, makes
// state for the same names.
TEST_F(DecidedTest, StateOfTheSameNamesStaysWhoseItWas) {
  Begin();
  Create("v", DType::kFloat32, Shape{1});
  const auto step = [](const std::string& name, bool named) {
    OptimizerStep step;
    step.state = {"Adam", {}, name, 0, "v"};
    GradientUpdate update{.variable = "v", .gradient = Tensor::Of<float>(Shape{1}, {1})};
    if (named) {
      step.state.non_slots = {"beta1_power", "beta2_power"};
      update.slots = {"v/Adam", "v/Adam_1"};
    }
    step.updates.push_back(std::move(update));
    return step;
  };
  const auto submit = [&](std::vector<OptimizerStep> steps) {
    Push push{.id = {"a", incarnation_["a"], ++sequence_}, .steps = std::move(steps)};
    EXPECT_TRUE((*run_->Submit(push))->ok());
  };
  submit({step("Adam", false)});
  submit({step("Adam", true), step("Mine", true), step("Adam", false)});
  submit({step("Mine", true), step("Adam", true)});
  const auto version = [&](const std::string& name) {
    return ReadTogether(std::vector{run_->store().catalog.Find(name).value().get()})
        .value()
        .front()
        .version;
  };
  EXPECT_EQ(version("beta1_power"), 4U);
  EXPECT_EQ(version("beta1_power_1"), 2U);
}

TEST_F(DecidedTest, APushThatWasRefusedLeavesTheCompletionRecordsAsTheyWere) {
  Begin();
  Create("v", DType::kFloat32, Shape{1});
  EXPECT_TRUE((*run_->Submit(Dense("a", "v", {1})))->ok());
  incarnation_["a"] = run_->workers().Connect("a", "host", 7, Sharing::kGlobal).value();
  EXPECT_FALSE((*run_->Submit(Dense("a", "v", {1, 2})))->ok());
}

}  // namespace
}  // namespace varscope::testing
