// Update rules that no TensorFlow recording covers, and properties of all of them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <random>

#include "absl/strings/string_view.h"
#include "proto/optimizers/optimizer.h"
#include "proto/optimizers/sparse.h"

namespace varscope::optimizers {
namespace {

// One variable of doubles under one optimizer.
struct Training {
  const Optimizer& optimizer;
  Hyperparameters h;
  std::vector<double> variable;
  std::vector<std::vector<double>> slots;
  std::vector<double> non_slots;

  Training(const std::string& name, const std::map<std::string, double>& given,
           std::vector<double> start)
      : optimizer(*FindOptimizer(name)),
        h(ReadHyperparameters(optimizer, given, DType::kFloat64).value()),
        variable(std::move(start)) {
    for (const StateDef& slot : optimizer.slots(h)) {
      slots.emplace_back(variable.size(), InitialValue(optimizer, h, slot));
    }
    for (const StateDef& scalar : optimizer.non_slots) {
      non_slots.push_back(InitialValue(optimizer, h, scalar));
    }
  }

  void Step(const std::vector<double>& gradient, const std::vector<int64_t>& rows = {},
            int64_t row_size = 0) {
    UpdateArgs<double> args{.variable = variable,
                            .slots = {},
                            .gradient = gradient,
                            .h = h,
                            .non_slots = non_slots,
                            .rows = rows,
                            .row_size = row_size,
                            .scratch = {}};
    for (std::vector<double>& slot : slots) args.slots.push_back(slot);
    std::vector<double> scratch(variable.size());
    args.scratch = scratch;
    optimizer.Apply(args, row_size > 0);
    optimizer.finish(h, non_slots);
  }
};

std::vector<double> Random(size_t n, std::mt19937& random) {
  std::vector<double> values(n);
  for (double& x : values) x = std::normal_distribution<double>()(random);
  return values;
}

void ExpectNear(const std::vector<double>& a, const std::vector<double>& b, double tolerance) {
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i) EXPECT_NEAR(a[i], b[i], tolerance) << i;
}

// A variable that is large enough for several cores, and each small piece of it on its own.
TEST(LargeUpdateTest, EqualsItsPartsToTheBit) {
  constexpr size_t kElements = (size_t{1} << 20) + 77;
  constexpr size_t kPiece = 1000;
  for (const absl::string_view name : OptimizerNames()) {
    if (!FindOptimizer(name)->elementwise) continue;
    std::map<std::string, double> given = {{"learning_rate", 0.1}};
    if (name == "Momentum") given["momentum"] = 0.9;
    std::mt19937 random(3);
    const std::vector<double> start = Random(kElements, random);
    const std::vector<double> gradient = Random(kElements, random);
    Training whole(std::string(name), given, start);
    whole.Step(gradient);
    for (size_t at = 0; at < kElements; at += kPiece * 97) {
      const size_t end = std::min(kElements, at + kPiece);
      Training piece(std::string(name), given, {start.begin() + at, start.begin() + end});
      piece.Step({gradient.begin() + at, gradient.begin() + end});
      for (size_t i = at; i < end; ++i)
        ASSERT_EQ(whole.variable[i], piece.variable[i - at]) << name;
    }
  }
}

// Algorithm 2 of Loshchilov and Hutter, written down again without any of the rule's shortcuts.
TEST(AdamWTest, FollowsThePaper) {
  std::mt19937 random(1);
  std::vector<double> theta = Random(5, random);
  Training run("AdamW", {{"learning_rate", 0.05}, {"weight_decay", 0.1}}, theta);
  std::vector<double> m(5), v(5);
  for (int t = 1; t <= 6; ++t) {
    const std::vector<double> g = Random(5, random);
    run.Step(g);
    for (int i = 0; i < 5; ++i) {
      m[i] = 0.9 * m[i] + 0.1 * g[i];
      v[i] = 0.999 * v[i] + 0.001 * g[i] * g[i];
      const double m_hat = m[i] / (1 - std::pow(0.9, t));
      const double v_hat = v[i] / (1 - std::pow(0.999, t));
      theta[i] -= 0.05 * (m_hat / (std::sqrt(v_hat) + 1e-8) + 0.1 * theta[i]);
    }
    ExpectNear(run.variable, theta, 1e-12);
  }
}

// Algorithm 2 of You et al.
TEST(LambTest, FollowsThePaper) {
  std::mt19937 random(2);
  std::vector<double> x = Random(6, random);
  Training run("LAMB", {{"learning_rate", 0.02}, {"weight_decay", 0.01}}, x);
  std::vector<double> m(6), v(6);
  for (int t = 1; t <= 6; ++t) {
    const std::vector<double> g = Random(6, random);
    run.Step(g);
    std::vector<double> r(6);
    double x_norm = 0;
    double r_norm = 0;
    for (int i = 0; i < 6; ++i) {
      m[i] = 0.9 * m[i] + 0.1 * g[i];
      v[i] = 0.999 * v[i] + 0.001 * g[i] * g[i];
      r[i] = m[i] / (1 - std::pow(0.9, t)) / (std::sqrt(v[i] / (1 - std::pow(0.999, t))) + 1e-6) +
             0.01 * x[i];
      x_norm += x[i] * x[i];
      r_norm += r[i] * r[i];
    }
    for (int i = 0; i < 6; ++i) x[i] -= 0.02 * std::sqrt(x_norm / r_norm) * r[i];
    ExpectNear(run.variable, x, 1e-12);
  }
}

TEST(LambTest, AZeroVariableMovesWithoutTheTrustRatio) {
  Training run("LAMB", {{"learning_rate", 0.5}, {"weight_decay", 0}}, {0, 0});
  run.Step({3, -3});
  EXPECT_NEAR(run.variable[0], -0.5, 1e-5);
  EXPECT_NEAR(run.variable[1], 0.5, 1e-5);
}

class EveryOptimizer : public ::testing::TestWithParam<std::string> {
 protected:
  Training Make(std::vector<double> start) const {
    std::map<std::string, double> given;
    for (const HyperparameterDef& def : FindOptimizer(GetParam())->hyperparameters) {
      if (std::isnan(def.default_value)) given[std::string(def.name)] = 0.1;
    }
    return Training(GetParam(), given, std::move(start));
  }
};

TEST_P(EveryOptimizer, ASparseStepOverAllRowsIsTheDenseStep) {
  std::mt19937 random(3);
  const std::vector<double> start = Random(12, random);
  Training dense = Make(start);
  Training sparse = Make(start);
  for (int t = 0; t < 4; ++t) {
    const std::vector<double> g = Random(12, random);
    dense.Step(g);
    std::vector<double> shuffled;
    const std::vector<int64_t> rows = {2, 0, 3, 1};
    for (int64_t row : rows) {
      shuffled.insert(shuffled.end(), g.begin() + row * 3, g.begin() + row * 3 + 3);
    }
    sparse.Step(shuffled, rows, 3);
    ExpectNear(sparse.variable, dense.variable, 1e-9);
  }
}

TEST_P(EveryOptimizer, GoesDownhill) {
  Training run = Make({3, -2});
  const auto loss = [&] {
    return run.variable[0] * run.variable[0] + run.variable[1] * run.variable[1];
  };
  const double before = loss();
  for (int t = 0; t < 50; ++t) run.Step({2 * run.variable[0], 2 * run.variable[1]});
  EXPECT_LT(loss(), before);
}

INSTANTIATE_TEST_SUITE_P(Optimizers, EveryOptimizer, ::testing::ValuesIn([] {
                           std::vector<std::string> names;
                           for (absl::string_view name : OptimizerNames()) names.emplace_back(name);
                           return names;
                         }()),
                         [](const auto& info) { return info.param; });

TEST(HyperparametersTest, UnknownAndMissingOnesAreNamed) {
  const Optimizer& sgd = *FindOptimizer("GradientDescent");
  EXPECT_THAT(std::string(ReadHyperparameters(sgd, {}, DType::kFloat32).status().message()),
              ::testing::HasSubstr("'learning_rate'"));
  EXPECT_FALSE(ReadHyperparameters(sgd, {{"learning_rate", 1}, {"rate", 1}}, DType::kFloat32).ok());
  EXPECT_FALSE(ReadHyperparameters(sgd, {{"learning_rate", std::nan("")}}, DType::kFloat32).ok());
  EXPECT_EQ(FindOptimizer("SGD"), nullptr);
}

}  // namespace
}  // namespace varscope::optimizers
