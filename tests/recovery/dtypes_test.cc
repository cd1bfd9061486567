// Variables of every dtype: created, assigned, scattered to, read whole and by rows, in every mode;
// and the same bytes from the log, from a snapshot and after a rollback.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "server/store/read.h"
#include "tests/recovery/server_run.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/tensors.h"

namespace varscope::testing {
namespace {

using namespace server;
using ::testing::HasSubstr;

const std::vector<std::string> kGroups = {"bsp=bsp:workers=1", "ssp=ssp:bound=3",
                                          "skip=async:nonfinite=skip",
                                          "local=local:workers=1,steps=2"};

class EveryDType : public ::testing::TestWithParam<DType> {
 protected:
  EveryDType() {
    run_.emplace(directory_.path(), ServerRunOptions{.groups = kGroups});
    incarnation_ = run_->workers().Connect("w", "host", 1, Sharing::kGlobal, 1).value();
  }

  void Create(const std::string& name, const InitializerSpec& initializer) {
    ResolveRequest request;
    request.request = {name, GetParam(), kShape, Reuse::kAuto, {}};
    request.name = name;
    request.initializer = initializer;
    if (initializer.kind == "worker_initialized") {
      request.initializer.reset();
      request.worker_initialized = true;
    }
    const auto made = run_->store().catalog.Resolve({"w", incarnation_, Sharing::kGlobal}, request);
    ASSERT_TRUE(made.ok()) << made.status();
    names_.push_back(name);
  }

  absl::Status Submit(Push push) {
    push.id = {"w", incarnation_, ++sequence_};
    const ServerRun::Answer answer = run_->Submit(push);
    if (!answer->has_value()) return absl::UnavailableError("it waits");
    return (*answer)->status();
  }
  absl::Status Assign(const std::string& name, AssignOp op, const Tensor& value,
                      const std::optional<Tensor>& rows = std::nullopt) {
    Push push;
    push.assignments.push_back({name, op, value, rows});
    return Submit(std::move(push));
  }

  Tensor Value(const std::string& name) { return ValueOf(run_->store(), name); }
  Tensor Rows(const std::string& name, const std::vector<int64_t>& rows) {
    return ReadTogether(std::vector{run_->store().catalog.Find(name).value().get()},
                        std::vector<ReadIndices>{rows})
        ->front()
        .value;
  }
  Tensor Random(const Shape& shape) { return RandomBits(GetParam(), shape, random_); }

  // Whoever dies now comes back as it was.
  void ExpectRecovers() {
    ASSERT_TRUE(run_->Settle().ok());
    const TemporaryDirectory copies;
    CopyDirectory(directory_.path(), copies / "copy");
    EXPECT_EQ(RecoveredState(copies / "copy").value(), run_->state());
  }

  static constexpr size_t kRowElements = 3;
  const Shape kShape{4, kRowElements};
  const size_t row_bytes_ = kRowElements * SizeOf(GetParam());
  const TemporaryDirectory directory_;
  std::optional<ServerRun> run_;
  uint64_t incarnation_ = 0;
  uint64_t sequence_ = 0;
  std::vector<std::string> names_;
  std::mt19937 random_{1};
};

TEST_P(EveryDType, IsAssignedReadAndRecovered) {
  const bool sums = GetParam() != DType::kBool;
  for (const char* group : {"async", "bsp", "ssp", "skip", "local"}) {
    const auto name = [&](const char* of) { return absl::StrCat(group, "/", of); };
    Create(name("zeros"), {.kind = "zeros"});
    EXPECT_TRUE(BytesEqual(Value(name("zeros")), Zeros(GetParam(), kShape)));
    const Tensor first = Random(kShape);
    InitializerSpec value{.kind = "value"};
    value.value = first;
    Create(name("value"), value);
    EXPECT_TRUE(BytesEqual(Value(name("value")), first));
    Create(name("worker_initialized"), {.kind = "worker_initialized"});
    EXPECT_TRUE(Assign(name("worker_initialized"), AssignOp::kInitialize, first).ok());
    EXPECT_TRUE(BytesEqual(Value(name("worker_initialized")), first));

    const Tensor second = Random(kShape);
    EXPECT_TRUE(Assign(name("zeros"), AssignOp::kAssign, second).ok());
    EXPECT_TRUE(BytesEqual(Value(name("zeros")), second));
    const Tensor rows = Random(Shape{2, kRowElements});
    const Tensor numbers = Tensor::Of<int32_t>(Shape{2}, {3, 0});
    EXPECT_TRUE(Assign(name("zeros"), AssignOp::kScatterUpdate, rows, numbers).ok());
    EXPECT_TRUE(BytesEqual(Rows(name("zeros"), {3, 0}), rows));
    EXPECT_EQ(std::memcmp(Rows(name("zeros"), {1}).raw(), second.raw() + row_bytes_, row_bytes_),
              0);

    for (const AssignOp op :
         {AssignOp::kAdd, AssignOp::kSub, AssignOp::kScatterAdd, AssignOp::kScatterSub}) {
      const std::optional<Tensor> where = IsScatter(op) ? std::optional(numbers) : std::nullopt;
      const absl::Status status = Assign(name("value"), op, IsScatter(op) ? rows : second, where);
      EXPECT_EQ(status.ok(), sums) << status;
    }
    // There and back is where it was, for integers at their ends, too.
    if (IsInteger(GetParam())) {
      EXPECT_TRUE(BytesEqual(Value(name("value")), first)) << group;
    }
  }
  ExpectRecovers();
}

TEST_P(EveryDType, GradientsAreOfTwoDTypes) {
  for (const char* group : {"async", "bsp", "ssp", "local"}) {
    const std::string name = absl::StrCat(group, "/v");
    Create(name, {.kind = "zeros"});
    const std::string before = run_->state();
    Push push;
    OptimizerStep& step = push.steps.emplace_back();
    step.state = {.optimizer = "Momentum",
                  .hyperparameters = {{"learning_rate", 1}, {"momentum", 0}},
                  .name = group == std::string("local") ? "OuterMomentum" : "Momentum",
                  .group = name};
    step.updates.push_back({name, Zeros(GetParam(), kShape), std::nullopt, std::nullopt});
    const absl::Status status = Submit(std::move(push));
    if (TakesGradients(GetParam())) {
      EXPECT_TRUE(status.ok()) << status;
      continue;
    }
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(status.message()),
                HasSubstr(absl::StrCat("variable ", name, " is ", Name(GetParam()),
                                       "; Momentum updates float32 and float64")));
    EXPECT_EQ(run_->state(), before);
  }
  ExpectRecovers();
}

TEST_P(EveryDType, WhatIsNotFiniteIsRefusedOrAllowed) {
  if (!IsFloating(GetParam())) return;
  Create("v", {.kind = "ones"});
  VisitFloating(GetParam(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    using Limits = std::numeric_limits<T>;
    const T bad[] = {Limits::infinity(), static_cast<T>(-Limits::infinity()), Limits::quiet_NaN()};
    for (const T x : bad) {
      Tensor value = Random(kShape);
      value.mutable_data<T>()[5] = x;
      Push push;
      push.assignments.push_back({"v", AssignOp::kAssign, value, std::nullopt});
      const absl::Status status = Submit(push);
      EXPECT_THAT(std::string(status.message()), HasSubstr("at element 5 of 12"));
      push.allow_nonfinite = true;
      EXPECT_TRUE(Submit(push).ok());
      EXPECT_TRUE(BytesEqual(Value("v"), value));
    }
    Tensor ends = Random(kShape);
    ends.mutable_data<T>()[0] = Limits::max();
    ends.mutable_data<T>()[1] = Limits::lowest();
    ends.mutable_data<T>()[2] = Limits::denorm_min();
    EXPECT_TRUE(Assign("v", AssignOp::kAssign, ends).ok());
  });
  ExpectRecovers();
}

TEST_P(EveryDType, SnapshotsAndRollbacks) {
  Create("v", {.kind = "ones"});
  Create("worker_initialized", {.kind = "worker_initialized"});
  const Tensor good = Random(kShape);
  ASSERT_TRUE(Assign("v", AssignOp::kAssign, good).ok());
  ASSERT_TRUE(run_->recorder().TakeSnapshot("good").ok());
  ExpectRecovers();
  ASSERT_TRUE(Assign("v", AssignOp::kAssign, Random(kShape)).ok());
  ASSERT_TRUE(run_->recorder().TakeSnapshot("").ok());
  ASSERT_TRUE(Assign("v", AssignOp::kAssign, Random(kShape)).ok());
  ExpectRecovers();
  ASSERT_TRUE(run_->recorder().Rollback("good").ok());
  EXPECT_TRUE(BytesEqual(Value("v"), good));
  ExpectRecovers();
}

INSTANTIATE_TEST_SUITE_P(DTypes, EveryDType, ::testing::ValuesIn(AllDTypes()),
                         [](const auto& info) { return Name(info.param); });

}  // namespace
}  // namespace varscope::testing
