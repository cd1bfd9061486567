// What robust aggregations promise: some workers of a step may send anything, and decide nothing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "server/store/state.h"
#include "server/sync/aggregate.h"
#include "server/sync/synchronizer.h"
#include "tests/support/push.h"

namespace varscope::server {
namespace {

using ::testing::HasSubstr;

constexpr int64_t kRows = 4;
constexpr int64_t kColumns = 3;
const std::vector<std::string> kVariables = {"model/a", "model/b", "model/c"};

class Chance {
 public:
  explicit Chance(uint32_t seed) : random_(seed) {}

  uint32_t Below(uint32_t n) { return random_() % n; }
  bool OneIn(uint32_t n) { return Below(n) == 0; }
  template <typename T>
  const T& OneOf(const std::vector<T>& all) {
    return all[Below(static_cast<uint32_t>(all.size()))];
  }
  float Ordinary() { return static_cast<float>(Below(2001)) / 100 - 10; }
  float Anything(bool finite) {
    using Limits = std::numeric_limits<float>;
    static const std::vector<float> kFinite = {
        0, -0.0F, 1e-45F, Limits::max(), Limits::lowest(), 1e38F, -3e38F, 1e10F, -1e10F};
    static const std::vector<float> kOthers = {Limits::infinity(), -Limits::infinity(),
                                               Limits::quiet_NaN()};
    if (!finite && OneIn(8)) return OneOf(kOthers);
    return OneIn(2) ? OneOf(kFinite) : Ordinary();
  }

 private:
  std::mt19937 random_;
};

void CreateAll(Store& store, const std::vector<std::string>& names, const std::string& creator) {
  for (const std::string& name : names) {
    ResolveRequest request;
    request.request = {name, DType::kFloat32, Shape{kRows, kColumns}, Reuse::kAuto, std::nullopt};
    request.name = name;
    request.initializer = InitializerSpec{.kind = "ones"};
    request.creator.worker_id = creator;
    ASSERT_TRUE(store.catalog.Resolve({creator, 1, Sharing::kGlobal}, request).ok());
  }
}

// Dense, or of some rows, each once.
template <typename Element>
GradientUpdate DrawUpdate(Chance& chance, const std::string& variable, const Element& element) {
  GradientUpdate update{.variable = variable, .gradient = {}};
  int64_t rows = kRows;
  if (chance.OneIn(2)) {
    std::vector<int64_t> numbers;
    for (int64_t row = kRows - 1; row >= 0; --row) {
      if (!chance.OneIn(3)) numbers.push_back(row);
    }
    rows = static_cast<int64_t>(numbers.size());
    update.rows = Tensor::Of<int64_t>(Shape{rows}, numbers);
  }
  update.gradient = Tensor(DType::kFloat32, Shape{rows, kColumns});
  for (float& x : update.gradient.mutable_values<float>()) x = element();
  return update;
}

OptimizerStep MomentumStep(double learning_rate, double momentum) {
  return {.state = {.optimizer = "Momentum",
                    .hyperparameters = {{"learning_rate", learning_rate}, {"momentum", momentum}},
                    .name = "Momentum",
                    .group = "model/a"}};
}

// What every program has, with its own gradients for some variables, or for all.
Push DrawHonest(Chance& chance, const std::string& worker, bool all) {
  Push push{.id = {worker, 1, 1}};
  OptimizerStep step = MomentumStep(0.1 + chance.Below(10) / 100.0, 0.5 + chance.Below(5) / 10.0);
  for (const std::string& variable : kVariables) {
    if (!all && chance.OneIn(6)) continue;
    step.updates.push_back(DrawUpdate(chance, variable, [&] { return chance.Ordinary(); }));
  }
  if (step.updates.empty()) {
    step.updates.push_back(DrawUpdate(chance, "model/a", [&] { return chance.Ordinary(); }));
  }
  push.steps.push_back(std::move(step));
  return push;
}

OptimizerStep DrawAnyStep(Chance& chance, const std::vector<std::string>& variables, bool finite) {
  OptimizerStep step = MomentumStep(chance.OneOf<double>({-1e29, 1e29, 0, 0.1, -5}),
                                    chance.OneOf<double>({0, 1, 0.9}));
  if (chance.OneIn(4)) step.state.hyperparameters["use_nesterov"] = 1;
  if (chance.OneIn(5)) step.weight_decay = 1e6;
  if (chance.OneIn(5)) step.clip_norm = 1e-3;
  if (chance.OneIn(4)) step.state.name = "Other";
  if (chance.OneIn(6)) step.state.instance = 7;
  if (chance.OneIn(6)) step.state.group = chance.OneOf(variables);
  if (chance.OneIn(4)) {
    step.state.optimizer = chance.OneOf<std::string>({"GradientDescent", "Adam", "RMSProp"});
    step.state.hyperparameters = {{"learning_rate", 1e29}};
    step.weight_decay = 0;
    if (step.state.optimizer == "RMSProp" && chance.OneIn(2)) {
      step.state.hyperparameters["centered"] = 1;
    }
  }
  for (const std::string& variable : variables) {
    if (chance.OneIn(3)) continue;
    step.updates.push_back(DrawUpdate(chance, variable, [&] { return chance.Anything(finite); }));
    if (chance.OneIn(8) && step.state.optimizer == "Momentum") {
      step.updates.back().slots = {absl::StrCat("mine/", variable)};
    }
  }
  return step;
}

Push DrawAnything(Chance& chance, const std::string& worker,
                  const std::vector<std::string>& variables, bool finite) {
  Push push{.id = {worker, 1, 1}};
  for (uint32_t steps = 1 + chance.Below(4); steps > 0; --steps) {
    push.steps.push_back(DrawAnyStep(chance, variables, finite));
  }
  return push;
}

// A push's gradient as it is for the whole variable, zero where it has none.
std::vector<float> WholeOf(const Tensor& gradient, const std::optional<Tensor>& rows) {
  std::vector<float> whole(kRows * kColumns);
  const auto values = gradient.values<float>();
  if (!rows) return {values.begin(), values.end()};
  const auto numbers = rows->values<int64_t>();
  for (size_t i = 0; i < numbers.size(); ++i) {
    std::copy_n(values.data() + i * kColumns, kColumns, whole.begin() + numbers[i] * kColumns);
  }
  return whole;
}

std::vector<float> WholeOf(const Push& push, const std::string& variable) {
  for (const GradientUpdate& update : push.steps[0].updates) {
    if (update.variable == variable) return WholeOf(update.gradient, update.rows);
  }
  return WholeOf(Tensor::Of<float>(Shape{0, kColumns}, {}), Tensor::Of<int64_t>(Shape{0}, {}));
}

double Distance(const std::vector<std::vector<float>>& a,
                const std::vector<std::vector<float>>& b) {
  double sum = 0;
  for (size_t v = 0; v < a.size(); ++v) {
    for (size_t i = 0; i < a[v].size(); ++i) {
      const double d = static_cast<double>(a[v][i]) - b[v][i];
      sum += d * d;
    }
  }
  return std::sqrt(sum);
}

std::vector<std::vector<float>> AllOf(const Push& push) {
  std::vector<std::vector<float>> all;
  for (const std::string& variable : kVariables) all.push_back(WholeOf(push, variable));
  return all;
}

struct Case {
  Aggregation aggregation;
  uint32_t byzantine;
  size_t pushes;
};

// One random step, and what became of it.
class RobustStep {
 public:
  RobustStep(uint32_t seed, const Case& of) : of_(of), chance_(seed) {
    Store store(StoreLimits{});
    CreateAll(store, kVariables, "creator");
    const size_t hostile =
        of.aggregation == Aggregation::kMedian ? (of.pushes - 1) / 2 : of.byzantine;
    std::set<size_t> places;  // of the hostile among the workers, who are in the order of their ids
    while (places.size() < hostile) places.insert(chance_.Below(static_cast<uint32_t>(of.pushes)));
    std::vector<Push> pushes;
    for (size_t i = 0; i < of.pushes; ++i) {
      const std::string worker = absl::StrCat("w", i);
      if (places.contains(i)) {
        pushes.push_back(DrawAnything(chance_, worker, kVariables, /*finite=*/true));
      } else {
        pushes.push_back(DrawHonest(chance_, worker, /*all=*/of.aggregation == Aggregation::kKrum));
        honest_.push_back(pushes.back());
      }
    }
    if (chance_.OneIn(3)) CopyAnHonestOne(places, pushes);
    std::vector<ValidPush> valid;
    for (const Push& push : pushes) {
      absl::StatusOr<ValidPush> one = Validated(store, push);
      // What has no finite norm, for one, is no push of the step.
      if (one.ok()) {
        valid.push_back(*std::move(one));
      } else {
        valid.push_back(Validated(store, Push{.id = push.id, .steps = honest_[0].steps}).value());
      }
    }
    absl::StatusOr<ValidPush> merged =
        Aggregate(std::move(valid), "g", of.aggregation, of.byzantine);
    merged_ok_ = merged.ok();
    if (merged_ok_) {
      merged_ = std::move(*merged).Take();
    } else {
      EXPECT_EQ(merged.status().code(), absl::StatusCode::kInvalidArgument);
      for (const std::string& variable : kVariables) {
        EXPECT_LE(CountHonest(variable), hostile) << merged.status();
      }
    }
  }

  void Check() {
    if (!merged_ok_) return;
    ASSERT_LE(merged_.steps.size(), 1U) << "a step that no honest worker has";
    for (const PushStep& step : merged_.steps) {
      CheckHyperparameters(step);
      std::set<std::string> seen;
      for (const PushUpdate& update : step.updates) {
        EXPECT_TRUE(seen.insert(update.variable->def.name).second) << "a variable comes twice";
        EXPECT_TRUE(update.slot_names->empty()) << "slots that no honest worker has";
        CheckRows(update);
      }
    }
    of_.aggregation == Aggregation::kKrum ? CheckKrum() : CheckElements();
  }

 private:
  size_t CountHonest(const std::string& variable) const {
    return std::count_if(honest_.begin(), honest_.end(), [&](const Push& push) {
      const auto& updates = push.steps[0].updates;
      return std::any_of(updates.begin(), updates.end(),
                         [&](const GradientUpdate& update) { return update.variable == variable; });
    });
  }

  // So that hostile ones are near, too.
  void CopyAnHonestOne(const std::set<size_t>& places, std::vector<Push>& pushes) {
    for (const size_t place : places) {
      const PushId id = pushes[place].id;
      pushes[place] = chance_.OneOf(honest_);
      pushes[place].id = id;
      for (GradientUpdate& update : pushes[place].steps[0].updates) {
        for (float& x : update.gradient.mutable_values<float>()) {
          x += static_cast<float>(chance_.Below(100)) / 1000;
        }
      }
    }
  }

  void CheckHyperparameters(const PushStep& step) const {
    EXPECT_EQ(step.weight_decay, 0);
    for (const auto& [index, name] : {std::pair(0, "learning_rate"), std::pair(1, "momentum")}) {
      std::vector<double> all;
      for (const Push& push : honest_) {
        all.push_back(push.steps[0].state.hyperparameters.at(name));
      }
      const auto [least, most] = std::minmax_element(all.begin(), all.end());
      EXPECT_GE(step.hyperparameters[index], *least) << name;
      EXPECT_LE(step.hyperparameters[index], *most) << name;
    }
    EXPECT_EQ(step.hyperparameters[2], 0);
  }

  // That an honest worker has named each.
  void CheckRows(const PushUpdate& update) const {
    std::set<int64_t> named;
    bool all = false;
    for (const Push& push : honest_) {
      for (const GradientUpdate& own : push.steps[0].updates) {
        if (own.variable != update.variable->def.name) continue;
        if (!own.rows) {
          all = true;
        } else {
          const auto rows = own.rows->values<int64_t>();
          named.insert(rows.begin(), rows.end());
        }
      }
    }
    EXPECT_TRUE(all || !named.empty() || update.gradient.value.num_elements() == 0);
    if (all || of_.aggregation == Aggregation::kKrum) return;
    ASSERT_TRUE(update.indices) << "all rows of " << update.variable->def.name;
    for (const int64_t row : update.indices->value.values<int64_t>()) {
      EXPECT_TRUE(named.contains(row)) << row;
    }
  }

  std::vector<float> Result(const std::string& variable) const {
    for (const PushStep& step : merged_.steps) {
      for (const PushUpdate& update : step.updates) {
        if (update.variable->def.name != variable) continue;
        return WholeOf(update.gradient.value,
                       update.indices ? std::optional(update.indices->value) : std::nullopt);
      }
    }
    return std::vector<float>(kRows * kColumns);
  }

  void CheckElements() const {
    for (const std::string& variable : kVariables) {
      const std::vector<float> result = Result(variable);
      std::vector<std::vector<float>> all;
      for (const Push& push : honest_) all.push_back(WholeOf(push, variable));
      for (size_t i = 0; i < result.size(); ++i) {
        const auto less = [i](const auto& a, const auto& b) { return a[i] < b[i]; };
        const auto [least, most] = std::minmax_element(all.begin(), all.end(), less);
        // A row that few name is left out, which is zero.
        EXPECT_GE(result[i], std::min(0.0F, (*least)[i])) << variable << " " << i;
        EXPECT_LE(result[i], std::max(0.0F, (*most)[i])) << variable << " " << i;
        if (result[i] == 0) continue;
        EXPECT_GE(result[i], (*least)[i]) << variable << " " << i;
        EXPECT_LE(result[i], (*most)[i]) << variable << " " << i;
      }
    }
  }

  // An honest worker's, but for variables that few have; or as close as honest ones are.
  void CheckKrum() const {
    std::vector<std::vector<float>> result;
    for (const std::string& variable : kVariables) result.push_back(Result(variable));
    double nearest = std::numeric_limits<double>::infinity();
    double diameter = 0;
    for (const Push& a : honest_) {
      nearest = std::min(nearest, Distance(AllOf(a), result));
      for (const Push& b : honest_) diameter = std::max(diameter, Distance(AllOf(a), AllOf(b)));
    }
    const auto n = static_cast<double>(of_.pushes);
    const double f = of_.byzantine;
    EXPECT_LE(nearest, std::sqrt((n - f - 2) / (n - 2 * f - 1)) * diameter + 1e-6);
  }

  const Case of_;
  Chance chance_;
  std::vector<Push> honest_;
  bool merged_ok_ = false;
  PushContents merged_;
};

class RobustTest : public ::testing::TestWithParam<Case> {};

TEST_P(RobustTest, WhateverTheHostileSendTheResultIsTheOthers) {
  for (uint32_t seed = 1; seed <= 3000 && !HasFailure(); ++seed) {
    RobustStep step(seed, GetParam());
    step.Check();
    if (HasFailure()) FAIL() << "seed " << seed;
  }
}

INSTANTIATE_TEST_SUITE_P(
    , RobustTest,
    ::testing::Values(Case{Aggregation::kMedian, 1, 3}, Case{Aggregation::kMedian, 1, 4},
                      Case{Aggregation::kMedian, 3, 7}, Case{Aggregation::kTrimmedMean, 1, 3},
                      Case{Aggregation::kTrimmedMean, 1, 6}, Case{Aggregation::kTrimmedMean, 3, 7},
                      Case{Aggregation::kKrum, 1, 5}, Case{Aggregation::kKrum, 2, 9}));

// Five workers, of whom one does what it can before the others push. `model` is robust.
class AloneTest : public ::testing::TestWithParam<const char*> {
 protected:
  AloneTest()
      : sync_(
            store_, workers_,
            {ParseGroup(absl::StrCat("model=", GetParam())).value(), ParseGroup("async").value()}) {
    workers_.Start([](const WorkerRecord&) {},
                   [this](const WorkerRecord& w) { sync_.WorkerLost(w); });
    for (int i = 0; i < 5; ++i) {
      const std::string worker = absl::StrCat("w", i);
      incarnations_[worker] = workers_.Connect(worker, "host", 1, Sharing::kGlobal).value();
    }
    CreateAll(store_, kVariables, "w0");
    CreateAll(store_, {"other"}, "w0");
    ResolveRequest request;
    request.request = {"model/empty", DType::kFloat32, Shape{kRows, kColumns}, Reuse::kAuto,
                       std::nullopt};
    request.name = "model/empty";
    request.worker_initialized = true;
    request.creator.worker_id = "w0";
    EXPECT_TRUE(store_.catalog.Resolve({"w0", 1, Sharing::kGlobal}, request).ok());
  }

  ~AloneTest() override { workers_.Stop(); }

  std::optional<absl::StatusOr<PushResult>> Submit(Push push) {
    push.id.incarnation = incarnations_.at(push.id.worker_id);
    push.id.sequence = ++sequence_;
    const auto answer = std::make_shared<std::optional<absl::StatusOr<PushResult>>>();
    server::Submit(sync_, store_, push,
                   [answer](absl::StatusOr<PushResult> result) { *answer = std::move(result); });
    return *answer;
  }

  OptimizerStep OwnStep() const {
    OptimizerStep step = MomentumStep(0.1, 0.9);
    if (ParseGroup(GetParam()).value().mode == SyncMode::kLocal) {
      step.state.name = "OuterMomentum";
    } else {
      step.state.optimizer = step.state.name = "Adam";
      step.state.hyperparameters = {};
    }
    return step;
  }

  // All workers push the same, so that slots and non-slot variables are there.
  void StepTogether() {
    for (const auto& [worker, incarnation] : incarnations_) {
      Push push{.id = {worker, 1, 1}};
      push.steps.push_back(OwnStep());
      for (const std::string& variable : kVariables) {
        Tensor ones(DType::kFloat32, Shape{kRows, kColumns});
        for (float& x : ones.mutable_values<float>()) x = 1;
        push.steps[0].updates.push_back({.variable = variable, .gradient = ones});
      }
      Submit(push);
    }
  }

  // All of the robust group: its variables, their slots, and the optimizers' other variables.
  std::map<std::string, std::string> Model() const {
    std::map<std::string, std::string> model;
    for (const CapturedVariable& v : Capture(store_).variables) {
      const bool own = absl::StartsWith(v.definition->name, "model/") ||
                       absl::StartsWith(v.definition->primary, "model/");
      if (!own) continue;
      model[v.definition->name] = absl::StrCat(
          v.version, v.initialized ? " " : "-",
          absl::string_view(reinterpret_cast<const char*>(v.value.raw()), v.value.byte_size()));
    }
    return model;
  }

  std::vector<std::string> Names(const Shape& shape) const {
    std::vector<std::string> names;
    for (const CapturedVariable& v : Capture(store_).variables) {
      if (v.definition->shape == shape) names.push_back(v.definition->name);
    }
    // What is older: the robust group's, with its slots, and some of what the attempts make.
    constexpr size_t kMost = 20;
    if (names.size() > kMost) names.resize(kMost);
    return names;
  }

  // Of what an optimizer's variables share.
  void DrawScalar(Chance& chance, Push& push) const {
    const std::vector<std::string> scalars = Names(Shape{});
    if (scalars.empty()) return;
    const Tensor value = Tensor::Of<float>(Shape{}, {chance.Ordinary()});
    if (chance.OneIn(2)) {
      push.assignments.push_back({chance.OneOf(scalars), AssignOp::kAssign, value, std::nullopt});
    } else {
      push.steps.push_back(MomentumStep(1, 0));
      push.steps.back().updates.push_back({.variable = chance.OneOf(scalars), .gradient = value});
    }
  }

  Push DrawAttempt(Chance& chance) {
    const std::vector<std::string> names = Names(Shape{kRows, kColumns});
    Push push{.id = {"w4", 1, 1}};
    push.allow_nonfinite = chance.OneIn(2);
    const bool finite = !push.allow_nonfinite;
    if (chance.OneIn(2)) {
      // Of one group most of the time, else it is refused for that.
      const auto of = chance.OneIn(8) ? names : std::vector{chance.OneOf(names)};
      push = DrawAnything(chance, "w4", of, finite);
      push.allow_nonfinite = !finite;
      for (OptimizerStep& step : push.steps) {
        if (chance.OneIn(3)) step.state = OwnStep().state;
        if (chance.OneIn(3)) step.state.group = chance.OneOf(names);
        if (chance.OneIn(4)) step.create_slots.push_back({.variable = chance.OneOf(names)});
      }
    }
    if (chance.OneIn(3)) DrawScalar(chance, push);
    if (chance.OneIn(2) || push.steps.empty()) {
      static const std::vector<AssignOp> kOps = {AssignOp::kAssign, AssignOp::kAdd, AssignOp::kSub,
                                                 AssignOp::kInitialize};
      GradientUpdate value =
          DrawUpdate(chance, chance.OneOf(names), [&] { return chance.Anything(finite); });
      push.assignments.push_back({value.variable,
                                  value.rows ? AssignOp::kScatterAdd : chance.OneOf(kOps),
                                  value.gradient, value.rows});
    }
    return push;
  }

  Store store_{StoreLimits{}};
  Workers workers_;
  Synchronizer sync_;
  std::map<std::string, uint64_t> incarnations_;
  uint64_t sequence_ = 0;
};

TEST_P(AloneTest, OneWorkerChangesNothing) {
  Chance chance(7);
  StepTogether();
  std::map<std::string, std::string> before = Model();
  ASSERT_GT(before.size(), kVariables.size() + 1);
  size_t applied = 0;
  for (int i = 0; i < 1000; ++i) {
    const Push push = DrawAttempt(chance);
    const auto answer = Submit(push);
    applied += answer && answer->ok() ? 1 : 0;
    const std::map<std::string, std::string> now = Model();
    for (const auto& [name, state] : before) {
      ASSERT_EQ(now.at(name), state) << name << ", attempt " << i;
    }
    ASSERT_EQ(now.size(), before.size()) << "more slots, attempt " << i;
  }
  EXPECT_GT(applied, 0U) << "what is of no robust group is its own affair";
}

TEST_P(AloneTest, NoWorkerAloneIsAStep) {
  Push push{.id = {"w4", 1, 1}};
  push.steps.push_back(OwnStep());
  push.steps[0].updates.push_back(
      {.variable = "model/a",
       .gradient = Tensor::Of<float>(Shape{kRows, kColumns}, std::vector<float>(12, 1))});
  EXPECT_FALSE(Submit(push).has_value());
  for (const char* worker : {"w0", "w1", "w2", "w3"}) {
    ASSERT_TRUE(workers_.Disconnect({worker, incarnations_.at(worker)}).ok());
  }
  EXPECT_EQ(ValueOf(store_, "model/a").values<float>()[0], 1);
}

TEST_P(AloneTest, ItsCreatorInitializesAVariable) {
  const Tensor ones = Tensor::Of<float>(Shape{kRows, kColumns}, std::vector<float>(12, 1));
  const auto initialize = [&](const std::string& worker) {
    Push push{.id = {worker, 1, 1}};
    push.assignments.push_back({"model/empty", AssignOp::kInitialize, ones, std::nullopt});
    return *Submit(push);
  };
  EXPECT_THAT(
      std::string(initialize("w1").status().message()),
      HasSubstr("variable model/empty, worker 'w1': group model (" + std::string(GetParam()) +
                ") takes a first value from the variable's creator alone"));
  EXPECT_TRUE(initialize("w0").ok());
  EXPECT_TRUE(initialize("w1").ok()) << "there is nothing left to do";
}

INSTANTIATE_TEST_SUITE_P(, AloneTest,
                         ::testing::Values("bsp:workers=5,aggregate=median",
                                           "bsp:workers=5,aggregate=trimmed_mean/1",
                                           "bsp:workers=5,aggregate=krum/1",
                                           "local:workers=5,steps=2,aggregate=median"));

}  // namespace
}  // namespace varscope::server
