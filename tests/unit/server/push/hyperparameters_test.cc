// Hyperparameters of pushes: what is outside its range is refused before anything is changed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "proto/optimizers/optimizer.h"
#include "server/store/state.h"
#include "tests/support/push.h"
#include "tests/support/tensors.h"

namespace varscope::server {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::Zeros;

class PushHyperparametersTest : public ::testing::Test {
 protected:
  PushHyperparametersTest() {
    for (const DType dtype : {DType::kFloat32, DType::kFloat64}) {
      ResolveRequest request;
      request.request = {NameOf(dtype), dtype, Shape{2}, Reuse::kAuto, std::nullopt};
      request.name = NameOf(dtype);
      request.initializer = InitializerSpec{.kind = "ones"};
      EXPECT_TRUE(store_.catalog.Resolve({"w", 1, Sharing::kGlobal}, request).ok());
    }
  }

  static std::string NameOf(DType dtype) { return std::string(Name(dtype)); }

  static Push PushOf(const std::vector<DType>& dtypes, const std::string& optimizer) {
    Push push{.id = {"w", 1, 0}};
    OptimizerStep& step = push.steps.emplace_back();
    step.state.optimizer = optimizer;
    for (const optimizers::HyperparameterDef& def :
         optimizers::FindOptimizer(optimizer)->hyperparameters) {
      if (std::isnan(def.default_value)) step.state.hyperparameters[std::string(def.name)] = 0.1;
    }
    for (const DType dtype : dtypes) {
      step.updates.push_back({.variable = NameOf(dtype), .gradient = Zeros(dtype, Shape{2})});
    }
    return push;
  }

  Store store_{StoreLimits{}};
};

// Each hyperparameter of each optimizer; 1e-50 is 0 and 1e39 is infinite in float32 only.
TEST_F(PushHyperparametersTest, AreCheckedInTheDTypeOfEachVariable) {
  size_t refused = 0;
  for (const absl::string_view name : optimizers::OptimizerNames()) {
    for (const optimizers::HyperparameterDef& def :
         optimizers::FindOptimizer(name)->hyperparameters) {
      for (const double value : {1e-50, 1e39, 1 - 1e-12, -1e-50, -1e39, 0.0, 1.0}) {
        const auto status = [&](const std::vector<DType>& dtypes) {
          Push push = PushOf(dtypes, std::string(name));
          push.steps[0].state.hyperparameters[std::string(def.name)] = value;
          return Validated(store_, push).status();
        };
        const absl::Status single = status({DType::kFloat32});
        const absl::Status both = status({DType::kFloat64, DType::kFloat32});
        ASSERT_EQ(both.ok(), single.ok() && status({DType::kFloat64}).ok());
        for (const absl::Status& one : {single, both}) {
          if (one.ok()) continue;
          ++refused;
          EXPECT_THAT(std::string(one.message()),
                      AllOf(HasSubstr(absl::StrCat("worker 'w': ", name, ": ", def.name, " is ")),
                            HasSubstr("allowed is ")));
        }
      }
    }
  }
  EXPECT_GT(refused, 100U);
  EXPECT_TRUE(Capture(store_).slots.empty());
}

TEST_F(PushHyperparametersTest, WeightDecayToo) {
  Push push = PushOf({DType::kFloat32}, "Momentum");
  for (const double value : {-0.1, 1e39, std::nan("")}) {
    push.steps[0].weight_decay = value;
    EXPECT_THAT(std::string(Validated(store_, push).status().message()),
                HasSubstr("weight_decay is "))
        << value;
  }
  push.steps[0].weight_decay = 0.1;
  EXPECT_TRUE(Validated(store_, push).ok());
}

// With slots alone, too: they begin with it.
TEST_F(PushHyperparametersTest, LimitsToClipToo) {
  for (double OptimizerStep::*const limit :
       {&OptimizerStep::clip_norm, &OptimizerStep::clip_value}) {
    for (const double value : {-1.0, -5e-324, -HUGE_VAL, HUGE_VAL, std::nan("")}) {
      Push push = PushOf({DType::kFloat32}, "GradientDescent");
      push.steps[0].*limit = value;
      const absl::Status status = Validated(store_, push).status();
      EXPECT_TRUE(absl::IsInvalidArgument(status)) << value;
      EXPECT_THAT(std::string(status.message()),
                  AllOf(HasSubstr("worker 'w': clip_"), HasSubstr("expected 0 (none) or")));
    }
  }
}

TEST_F(PushHyperparametersTest, OfSlotsThatAreMadeWithoutGradients) {
  Push push = PushOf({}, "Adagrad");
  push.steps[0].create_slots.push_back({.variable = "float32"});
  push.steps[0].state.hyperparameters["initial_accumulator_value"] = 1e-50;
  EXPECT_THAT(std::string(Validated(store_, push).status().message()),
              HasSubstr("initial_accumulator_value is 1e-50"));
  push.steps[0].create_slots[0].variable = "float64";
  EXPECT_TRUE(Validated(store_, push).ok());
}

}  // namespace
}  // namespace varscope::server
