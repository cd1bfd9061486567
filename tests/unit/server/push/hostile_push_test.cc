// Pushes whose dtypes, shapes, indices and sequences do not fit: over all of them, each is refused,
// or carried out as it says, in every mode.
#include <gtest/gtest.h>

#include <future>
#include <limits>
#include <map>
#include <optional>

#include "proto/tensor/rows.h"
#include "server/sync/synchronizer.h"
#include "tests/support/push.h"
#include "tests/support/tensors.h"

namespace varscope::server {
namespace {

using testing::AllDTypes;
using testing::Zeros;

// Large enough that a byte too many is not in the same block of malloc's.
constexpr int64_t kColumns = 1000;

// `rows` as a tensor of that dtype; nothing: no rows.
std::optional<Tensor> RowsAs(DType dtype, const std::optional<std::vector<int64_t>>& rows) {
  if (!rows) return std::nullopt;
  Tensor tensor(dtype, Shape{static_cast<int64_t>(rows->size())});
  VisitDType(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (size_t i = 0; i < rows->size(); ++i) {
      tensor.mutable_data<T>()[i] = static_cast<T>((*rows)[i]);
    }
  });
  return tensor;
}

// What a push may send for one variable of shape [4, kColumns].
struct Content {
  Tensor value;
  std::optional<Tensor> rows;
  bool shape_fits;
  bool rows_fit;  // or there are none
};

std::vector<Content> Contents() {
  std::vector<Content> contents;
  for (const DType dtype : AllDTypes()) {
    contents.push_back({Zeros(dtype, {4, kColumns}), std::nullopt, true, true});
    for (const Shape& shape : {Shape{3, kColumns}, Shape{4}, Shape{}, Shape{0, kColumns}}) {
      contents.push_back({Zeros(dtype, shape), std::nullopt, false, true});
    }
    for (const DType rows_dtype : AllDTypes()) {
      const bool numbers = IsIndex(rows_dtype);
      for (const std::vector<int64_t>& rows :
           {std::vector<int64_t>{0, 0, 1}, {2, 1, 0}, {1, 1, 1}, {}, {3, 3, 3, 3, 3, 3}}) {
        const auto n = static_cast<int64_t>(rows.size());
        const std::optional<Tensor> tensor = RowsAs(rows_dtype, rows);
        contents.push_back({Zeros(dtype, {n, kColumns}), tensor, true, numbers});
        contents.push_back({Zeros(dtype, {n + 1, kColumns}), tensor, false, numbers});
        contents.push_back({Zeros(dtype, {n, kColumns + 1}), tensor, false, numbers});
        contents.push_back({Zeros(dtype, {n}), tensor, false, numbers});
        contents.push_back({Zeros(dtype, {}), tensor, false, numbers});
      }
      for (const int64_t beyond : {int64_t{4}, int64_t{-1}, int64_t{1} << 62}) {
        contents.push_back({Zeros(dtype, {2, kColumns}), RowsAs(rows_dtype, {{0, beyond}}), true,
                            numbers && rows_dtype == DType::kInt32 && beyond == int64_t{1} << 62});
      }
    }
  }
  return contents;
}

class HostilePushTest : public ::testing::TestWithParam<const char*> {
 protected:
  HostilePushTest() : sync_(store_, workers_, {ParseGroup(GetParam()).value()}) {
    incarnation_ = workers_.Connect("w", "host", 1, Sharing::kGlobal).value();
    for (const char* other : {"x", "y"}) {
      others_[other] = workers_.Connect(other, "host", 1, Sharing::kGlobal).value();
    }
    for (const DType dtype : AllDTypes()) {
      ResolveRequest request;
      request.request = {.key = NameOf(dtype), .dtype = dtype, .shape = Shape{4, kColumns}};
      request.name = NameOf(dtype);
      request.initializer = InitializerSpec{.kind = "zeros"};
      EXPECT_TRUE(store_.catalog.Resolve({"w", incarnation_}, request).ok());
    }
  }

  static std::string NameOf(DType dtype) { return std::string(Name(dtype)); }

  absl::StatusOr<PushResult> Submit(Push push) {
    push.id = {"w", incarnation_, ++sequence_};
    std::promise<absl::StatusOr<PushResult>> answer;
    // A robust step takes three, of which these come last.
    const bool together = IsRobust() && !push.steps.empty();
    const auto submit_others = [&] {
      for (const auto& [worker, incarnation] : others_) {
        push.id = {worker, incarnation, sequence_};
        server::Submit(sync_, store_, push, [](const absl::StatusOr<PushResult>&) {});
      }
    };
    server::Submit(sync_, store_, push,
                   [&](absl::StatusOr<PushResult> result) { answer.set_value(std::move(result)); });
    if (together) submit_others();
    return answer.get_future().get();
  }

  static bool IsRobust() { return server::IsRobust(ParseGroup(GetParam()).value().aggregation); }

  // A step of the optimizer that the group takes.
  static OptimizerStep StepOf(const std::string& variable) {
    const GroupOptions group = ParseGroup(GetParam()).value();
    OptimizerStep step;
    step.state = {.optimizer = "GradientDescent",
                  .hyperparameters = {{"learning_rate", 1}},
                  .name = "GradientDescent"};
    if (group.mode == SyncMode::kLocal) {
      step.state.optimizer = "Momentum";
      step.state.name = "OuterMomentum";
    }
    step.state.group = variable;
    return step;
  }

  Store store_{StoreLimits{}};
  Workers workers_;
  Synchronizer sync_;
  uint64_t incarnation_ = 0;
  std::map<std::string, uint64_t> others_;
  uint64_t sequence_ = 0;
};

TEST_P(HostilePushTest, GradientsOfEveryKindForVariablesOfEveryDType) {
  const std::vector<Content> contents = Contents();
  for (const DType dtype : AllDTypes()) {
    for (const Content& content : contents) {
      for (const double clip : {0.0, 1.0}) {
        Push push;
        OptimizerStep& step = push.steps.emplace_back(StepOf(NameOf(dtype)));
        step.clip_norm = clip;
        step.clip_value = clip;
        step.updates.push_back({NameOf(dtype), content.value, content.rows, {}});
        const bool fits = TakesGradients(dtype) && content.value.dtype() == dtype &&
                          content.shape_fits && content.rows_fit;
        const absl::StatusOr<PushResult> result = Submit(std::move(push));
        ASSERT_EQ(result.ok(), fits)
            << Name(dtype) << " variable, " << Name(content.value.dtype()) << " "
            << content.value.shape().ToString() << " gradient"
            << (content.rows
                    ? " by " + NameOf(content.rows->dtype()) + " rows " + Summarize(*content.rows)
                    : "")
            << ": " << result.status();
        if (fits) continue;
        ASSERT_EQ(result.status().code(), absl::StatusCode::kInvalidArgument);
      }
    }
  }
}

TEST_P(HostilePushTest, AssignmentsOfEveryKindToVariablesOfEveryDType) {
  const std::vector<Content> contents = Contents();
  for (const DType dtype : AllDTypes()) {
    for (const Content& content : contents) {
      for (const AssignOp op :
           {AssignOp::kAssign, AssignOp::kAdd, AssignOp::kSub, AssignOp::kScatterUpdate,
            AssignOp::kScatterAdd, AssignOp::kScatterSub, AssignOp::kInitialize}) {
        Push push;
        push.assignments.push_back({NameOf(dtype), op, content.value, content.rows});
        const bool sums = op == AssignOp::kAdd || op == AssignOp::kSub ||
                          op == AssignOp::kScatterAdd || op == AssignOp::kScatterSub;
        bool fits = content.value.dtype() == dtype && content.rows_fit && content.shape_fits;
        if (IsScatter(op)) {
          fits = fits && content.rows;
        } else {
          fits = content.value.dtype() == dtype && !content.rows && content.shape_fits;
        }
        fits = fits && !(sums && dtype == DType::kBool);
        // They have values.
        fits = fits && (!IsRobust() || op == AssignOp::kInitialize);
        const absl::StatusOr<PushResult> result = Submit(std::move(push));
        ASSERT_EQ(result.ok(), fits) << Name(dtype) << " variable, op " << static_cast<int>(op)
                                     << ", " << Name(content.value.dtype()) << " "
                                     << content.value.shape().ToString() << ": " << result.status();
      }
    }
  }
}

TEST_P(HostilePushTest, SequencesAtTheEndsOfTheirRange) {
  constexpr uint64_t kMax = std::numeric_limits<uint64_t>::max();
  std::vector<uint64_t> sequences;
  for (const uint64_t middle :
       {uint64_t{20}, CompletionRecords::kLastSequence, uint64_t{1} << 63, kMax - 40}) {
    for (uint64_t s = middle - 20; s < middle + 20; ++s) sequences.push_back(s);
  }
  for (uint64_t s = kMax - 20; s != 0; ++s) sequences.push_back(s);
  for (const uint64_t sequence : sequences) {
    Push push;
    push.assignments.push_back(
        {"int64", AssignOp::kInitialize, Zeros(DType::kInt64, {4, kColumns}), {}});
    push.id = {"w", incarnation_, sequence};
    absl::StatusOr<PushResult> answer;
    server::Submit(sync_, store_, push,
                   [&](absl::StatusOr<PushResult> a) { answer = std::move(a); });
    ASSERT_EQ(answer.ok(), sequence <= CompletionRecords::kLastSequence)
        << sequence << answer.status();
  }
}

INSTANTIATE_TEST_SUITE_P(Modes, HostilePushTest,
                         ::testing::Values("async", "async:stale=scale", "bsp:clip_norm=1",
                                           "bsp:aggregate=median", "ssp", "local:nonfinite=skip"),
                         [](const auto& info) {
                           std::string name = info.param;
                           std::replace_if(
                               name.begin(), name.end(), [](char c) { return !std::isalnum(c); },
                               '_');
                           return name;
                         });

}  // namespace
}  // namespace varscope::server
