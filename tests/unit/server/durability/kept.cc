#include "tests/unit/server/durability/kept.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <future>
#include <iterator>

#include "tests/support/opened.h"
#include "tests/support/push.h"
#include "tests/support/state_of.h"

namespace varscope::server {
namespace {

constexpr StoreLimits kLimits{1 << 24, 1 << 24};

Tensor Values(const Shape& shape, std::mt19937& random) {
  Tensor t(DType::kFloat32, shape);
  for (float& x : t.mutable_values<float>()) x = static_cast<float>(random() % 1000) / 100 - 5;
  return t;
}

}  // namespace

Kept::Kept(const fs::path& directory, DurabilityLevel level)
    : directory_(directory), store_(kLimits) {
  std::unique_ptr<Directory> opened = testing::Opened(directory);
  const absl::StatusOr<Recovered> recovered = Recover(*opened, store_, workers_);
  EXPECT_TRUE(recovered.ok()) << recovered.status();
  recovered_ = *recovered;
  EXPECT_TRUE(opened->Lock("LOCK").ok());
  recorder_.emplace(std::move(opened), RecorderOptions{.level = level}, store_, workers_,
                    recovered->position, recovered->snapshot_position);
}

void Kept::Change(std::mt19937& random) {
  if (incarnation_ == 0 || random() % 20 == 0) {
    incarnation_ = workers_.Connect("w", "host", 7, Sharing::kGlobal).value();
    sequence_ = 0;
  }
  const Caller caller{"w", incarnation_};
  if (names_.empty() || random() % 5 == 0) return Create(caller, random);
  const std::string name = names_[random() % names_.size()];
  Push push{.id = {"w", incarnation_, ++sequence_}};
  if (random() % 4 == 0) {
    push.assignments.push_back({name, random() % 2 ? AssignOp::kAssign : AssignOp::kAdd,
                                Values(Shape{4, 2}, random), std::nullopt});
  } else {
    OptimizerStep step;
    step.state.optimizer = step.state.name = random() % 2 ? "Adam" : "Momentum";
    if (step.state.optimizer == "Momentum") {
      step.state.hyperparameters = {{"learning_rate", 0.1}, {"momentum", 0.9}};
    }
    step.state.group = name;
    step.clip_norm = random() % 2;
    const bool sparse = random() % 2 == 0;
    step.updates.push_back(
        {name, Values(sparse ? Shape{3, 2} : Shape{4, 2}, random),
         sparse ? std::optional(Tensor::Of<int64_t>(Shape{3}, {3, 1, 3})) : std::nullopt});
    push.steps.push_back(std::move(step));
  }
  EXPECT_TRUE(Apply(store_, push).ok());
}

void Kept::Settle() {
  std::promise<absl::Status> done;
  recorder_->WhenDurable([&](const absl::Status& status) { done.set_value(status); });
  EXPECT_TRUE(done.get_future().get().ok());
}

std::string Kept::state() const { return testing::StateOf(store_, workers_); }

void Kept::Create(const Caller& caller, std::mt19937& random) {
  ResolveRequest request;
  const std::string name = "v" + std::to_string(random() % 100000);
  request.request = {name, DType::kFloat32, Shape{4, 2}, Reuse::kAuto, {}};
  request.name = name;
  request.creator = {"w", "host", 7, "train.cc", static_cast<int>(random() % 100), 1};
  request.initializer = InitializerSpec{.kind = "random_normal"};
  if (random() % 3 == 0) {
    request.initializer->kind = "value";
    request.initializer->value = Values(Shape{4, 2}, random);
  }
  if (random() % 4 == 0) {
    request.request.partitions = {{2, 1}};
  } else {
    request.kind = random() % 2 ? VariableKind::kShared : VariableKind::kUnique;
  }
  const Resolution made = store_.catalog.Resolve(caller, request).value();
  if (made.variables.size() == 1) names_.push_back(made.variables[0]->def.name);
}

std::string ReadAll(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}
void WriteAll(const fs::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}
fs::path OnlyLog(const fs::path& directory) {
  const std::vector<Segment> segments = ListSegments(*testing::Opened(directory)).value();
  EXPECT_EQ(segments.size(), 1U);
  return segments.at(0).path;
}

}  // namespace varscope::server
