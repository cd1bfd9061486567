// Ranges of hyperparameters: over all optimizers, hyperparameters and values at the ends of ranges,
// each is refused, or harmless.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <new>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "proto/optimizers/optimizer.h"
#include "tests/support/sanitizer.h"
#include "tests/unit/server/failing_memory.h"
#include "varscope/dtype.h"

namespace varscope::optimizers {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr float kMostFloat = std::numeric_limits<float>::max();

// What is 0, 1 or infinite in float32 only; what a rule divides by, or takes a root of.
const std::vector<double>& BoundaryValues() {
  static const auto* const all = new std::vector<double>{
      0,         -0.0,     1,         -1,         0.5,         -0.5,   1.5,     2,
      -2,        0.9,      0.999,     1e-8,       1e-30,       1e-31,  1e-38,   1e-44,
      1e-46,     1e-50,    1e-300,    1e-301,     5e-324,      -1e-46, -5e-324, 1 + 1e-6,
      1 + 1e-12, 1 - 1e-6, 1 - 1e-9,  1 - 1e-12,  -1 - 1e-12,  1e6,    1e6 + 1, 1e30,
      1.1e30,    -1e30,    -1.1e30,   kMostFloat, 1e39,        -1e39,  1e300,   1.1e300,
      -1.1e300,  1.7e308,  kInfinity, -kInfinity, std::nan("")};
  return *all;
}

// Written down again, as a predicate over the value in one precision; `least` and `most` are the
// magnitudes that hyperparameters in it have.
using Allowed = std::function<bool(double x, double least, double most)>;
bool Any(double x, double, double most) { return std::abs(x) <= most; }
bool NotNegative(double x, double, double most) { return x >= 0 && x <= most; }
bool Positive(double x, double least, double most) { return x >= least && x <= most; }
bool ZeroToOne(double x, double, double) { return x >= 0 && x <= 1; }
bool MinusOneToOne(double x, double, double) { return x >= -1 && x <= 1; }
bool BelowOne(double x, double, double) { return x >= 0 && x < 1; }
bool Flag(double x, double, double) { return x == 0 || x == 1; }
bool Power(double x, double, double) { return x >= -1 && x <= 0; }
bool UpToAMillion(double x, double, double) { return x >= 0 && x <= 1e6; }

const std::map<std::string, std::map<std::string, Allowed>>& Expected() {
  static const auto* const all = new std::map<std::string, std::map<std::string, Allowed>>{
      {"GradientDescent", {{"learning_rate", Any}}},
      {"Momentum", {{"learning_rate", Any}, {"momentum", MinusOneToOne}, {"use_nesterov", Flag}}},
      {"Adagrad", {{"learning_rate", Any}, {"initial_accumulator_value", Positive}}},
      {"Adadelta", {{"learning_rate", Any}, {"rho", ZeroToOne}, {"epsilon", Positive}}},
      {"Adam",
       {{"learning_rate", Any}, {"beta1", BelowOne}, {"beta2", BelowOne}, {"epsilon", Positive}}},
      {"RMSProp",
       {{"learning_rate", Any},
        {"decay", ZeroToOne},
        {"momentum", MinusOneToOne},
        {"epsilon", Positive},
        {"centered", Flag}}},
      {"Ftrl",
       {{"learning_rate", Positive},
        {"learning_rate_power", Power},
        {"initial_accumulator_value", NotNegative},
        {"l1_regularization_strength", NotNegative},
        {"l2_regularization_strength", NotNegative},
        {"l2_shrinkage_regularization_strength", UpToAMillion},
        {"beta", UpToAMillion}}},
      {"AdamW",
       {{"learning_rate", Any},
        {"beta1", BelowOne},
        {"beta2", BelowOne},
        {"epsilon", Positive},
        {"weight_decay", UpToAMillion}}},
      {"LAMB",
       {{"learning_rate", Any},
        {"beta1", BelowOne},
        {"beta2", BelowOne},
        {"epsilon", Positive},
        {"weight_decay", UpToAMillion}}}};
  return *all;
}

bool IsExpected(const std::string& optimizer, const std::string& name, double x, DType dtype) {
  const Allowed& allowed = Expected().at(optimizer).at(name);
  const auto in_float = [&] {
    constexpr double kMost = 1e30F;  // a little more than 1e30, and 1e30 is this as a float
    return allowed(x, 1 / kMost, kMost) && allowed(static_cast<float>(x), 1 / kMost, kMost);
  };
  if (dtype == DType::kFloat32) return in_float();
  // The powers of betas are float32.
  return allowed(x, 1e-300, 1e300) && (name.substr(0, 4) != "beta" || name == "beta" || in_float());
}

std::map<std::string, double> Ordinary(const Optimizer& optimizer) {
  std::map<std::string, double> given;
  for (const HyperparameterDef& def : optimizer.hyperparameters) {
    if (std::isnan(def.default_value)) given[std::string(def.name)] = 0.1;
  }
  return given;
}

// A variable of three rows of two, and its gradients: ordinary ones, zeros, tiny and equal ones.
template <typename T>
class Training {
 public:
  Training(const Optimizer& optimizer, const Hyperparameters& h) : optimizer_(optimizer), h_(h) {
    for (const StateDef& slot : optimizer.slots(h)) {
      slots_.emplace_back(variable_.size(), static_cast<T>(InitialValue(optimizer, h, slot)));
    }
    for (const StateDef& scalar : optimizer.non_slots) {
      non_slots_.push_back(static_cast<float>(InitialValue(optimizer, h, scalar)));
    }
  }

  void Step(const std::vector<T>& gradient, const std::vector<int64_t>& rows = {}) {
    UpdateArgs<T> args{.variable = variable_,
                       .slots = {},
                       .gradient = gradient,
                       .h = h_,
                       .non_slots = non_slots_,
                       .rows = rows,
                       .row_size = rows.empty() ? 0 : 2,
                       .scratch = scratch_};
    for (std::vector<T>& slot : slots_) args.slots.push_back(slot);
    optimizer_.Apply(args, !rows.empty());
    optimizer_.finish(h_, non_slots_);
    for (double& scalar : non_slots_) scalar = static_cast<float>(scalar);
  }

  bool IsFinite() const {
    const auto finite = [](T x) { return std::isfinite(x); };
    return std::all_of(variable_.begin(), variable_.end(), finite);
  }
  bool HasNaN() const {
    return std::any_of(variable_.begin(), variable_.end(), [](T x) { return std::isnan(x); });
  }

  // All of them, dense and sparse.
  void Run() {
    for (const T g : {T{1}, T{0}, T{0}, T{-3}, T{0.1}, static_cast<T>(1e-30), T{2}, T{2}, T{2}}) {
      Step({g, -g, 0, g, 1, g / 2});
      Step({g, 0, -g, g}, {2, 0});
    }
    for (int i = 0; i < 10; ++i) Step(std::vector<T>(6, 0));
  }

 private:
  const Optimizer& optimizer_;
  const Hyperparameters& h_;
  std::vector<T> variable_ = {1, -2, 0, 0.5, 3, -0.25};
  std::vector<T> scratch_ = std::vector<T>(6);
  std::vector<std::vector<T>> slots_;
  std::vector<double> non_slots_;
};

template <typename T>
void ExpectHarmless(const Optimizer& optimizer, const std::map<std::string, double>& given,
                    bool ordinary, const std::string& what) {
  const auto h = ReadHyperparameters(optimizer, given, kDTypeOf<T>);
  ASSERT_TRUE(h.ok()) << h.status();
  Training<T> zero(optimizer, *h);
  zero.Step(std::vector<T>(6, 0));
  EXPECT_TRUE(zero.IsFinite()) << what;
  Training<T> run(optimizer, *h);
  run.Run();
  // Weights that a huge number moves go as far as that takes them.
  if (ordinary) {
    EXPECT_TRUE(run.IsFinite()) << what;
  }
}

void ExpectHarmless(DType dtype, const Optimizer& optimizer,
                    const std::map<std::string, double>& given, bool ordinary,
                    const std::string& what) {
  dtype == DType::kFloat32 ? ExpectHarmless<float>(optimizer, given, ordinary, what)
                           : ExpectHarmless<double>(optimizer, given, ordinary, what);
}

bool IsOrdinary(double x) { return std::abs(x) <= 1; }

class RangesTest : public ::testing::TestWithParam<std::tuple<std::string, DType>> {
 protected:
  const Optimizer& optimizer() const { return *FindOptimizer(std::get<0>(GetParam())); }
  DType dtype() const { return std::get<1>(GetParam()); }
  bool Takes(const std::map<std::string, double>& given) const {
    return ReadHyperparameters(optimizer(), given, dtype()).ok();
  }
};

TEST_P(RangesTest, EachValueIsRefusedWithItsRangeOrHarmless) {
  ASSERT_EQ(Expected().at(std::get<0>(GetParam())).size(), optimizer().hyperparameters.size());
  for (const HyperparameterDef& def : optimizer().hyperparameters) {
    const std::string name(def.name);
    for (const double value : BoundaryValues()) {
      std::map<std::string, double> given = Ordinary(optimizer());
      given[name] = value;
      const std::string what = absl::StrCat(optimizer().name, " ", name, " = ", value);
      const absl::Status status = ReadHyperparameters(optimizer(), given, dtype()).status();
      ASSERT_EQ(status.ok(), IsExpected(std::string(optimizer().name), name, value, dtype()))
          << what << ": " << status;
      if (status.ok()) {
        ExpectHarmless(dtype(), optimizer(), given, IsOrdinary(value), what);
        continue;
      }
      EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
      EXPECT_THAT(std::string(status.message()),
                  AllOf(HasSubstr(std::string(optimizer().name) + ": " + name + " is "),
                        HasSubstr("allowed is ")));
    }
  }
}

TEST_P(RangesTest, AnyTwoValuesThatAreAllowedAreHarmless) {
  const std::vector<HyperparameterDef>& defs = optimizer().hyperparameters;
  for (size_t a = 0; a < defs.size(); ++a) {
    for (size_t b = a + 1; b < defs.size(); ++b) {
      for (const double x : BoundaryValues()) {
        for (const double y : BoundaryValues()) {
          std::map<std::string, double> given = Ordinary(optimizer());
          given[std::string(defs[a].name)] = x;
          given[std::string(defs[b].name)] = y;
          if (!Takes(given)) continue;
          ExpectHarmless(dtype(), optimizer(), given, IsOrdinary(x) && IsOrdinary(y),
                         absl::StrCat(optimizer().name, " ", defs[a].name, " = ", x, ", ",
                                      defs[b].name, " = ", y));
        }
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Optimizers, RangesTest,
                         ::testing::Combine(::testing::ValuesIn([] {
                                              std::vector<std::string> names;
                                              for (absl::string_view name : OptimizerNames())
                                                names.emplace_back(name);
                                              return names;
                                            }()),
                                            ::testing::Values(DType::kFloat32, DType::kFloat64)),
                         [](const auto& info) {
                           return absl::StrCat(std::get<0>(info.param), "_",
                                               Name(std::get<1>(info.param)));
                         });

TEST(WeightDecayTest, IsNeitherNegativeNorHuge) {
  for (const double value : BoundaryValues()) {
    for (const DType dtype : {DType::kFloat32, DType::kFloat64}) {
      EXPECT_EQ(CheckWeightDecay(value, dtype).ok(), value >= 0 && value <= 1e6) << value;
    }
  }
}

TEST(HyperparametersTest, TheMessageSaysWhatAFloatMakesOfIt) {
  const Optimizer& adam = *FindOptimizer("Adam");
  EXPECT_EQ(ReadHyperparameters(adam, {{"beta1", 1 - 1e-12}}, DType::kFloat32).status().message(),
            "Adam: beta1 is 0.99999999999900002, which is 1 as float32; allowed is [0, 1) for "
            "float32 variables");
  const Optimizer& ftrl = *FindOptimizer("Ftrl");
  EXPECT_EQ(ReadHyperparameters(ftrl, {{"learning_rate", 0}}, DType::kFloat64).status().message(),
            "Ftrl: learning_rate is 0; allowed is [1e-300, 1e+300] for float64 variables");
}

// The text of an error takes memory: where there is none, that is an exception, not the end of the
// process.
TEST(HyperparameterTextTest, WithoutMemoryForTheErrorItThrows) {
  if (testing::IsSanitized()) GTEST_SKIP() << "the sanitizers have their own operator new";
  const Optimizer& adam = *FindOptimizer("Adam");
  for (const std::map<std::string, double>& given :
       {std::map<std::string, double>{{"beta1", 1 - 1e-12}}, {{"learning_rate", kInfinity}}}) {
    bool failed = true;
    for (uint64_t calls = 0; failed; ++calls) {
      const testing::FailingMemory memory(calls);
      try {
        EXPECT_FALSE(ReadHyperparameters(adam, given, DType::kFloat32).ok());
      } catch (const std::bad_alloc&) {
      }
      failed = memory.failed();
      ASSERT_LT(calls, 1000U);
    }
  }
}

}  // namespace
}  // namespace varscope::optimizers
