#include "server/push/validate.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "proto/concurrency/blocking_region.h"
#include "proto/naming/names.h"
#include "proto/optimizers/clip.h"
#include "proto/optimizers/sparse.h"
#include "proto/tensor/allocate.h"
#include "proto/tensor/rows.h"

namespace varscope::server {
namespace {

constexpr char kNonfinite[] = "varscope/nonfinite";  // payload

absl::Status Refuse(const PushId& id, const Variable& variable, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat(About(variable.def.name, id.worker_id), what));
}

// Whether what is written stays inside the variable.
absl::Status CheckFits(const Variable& variable, const Tensor& value, absl::string_view what,
                       const std::optional<PushTensor>& indices) {
  absl::StatusOr<Shape> expected = variable.def.shape;
  if (indices) {
    const Tensor& rows = indices->value;
    expected = RowsShape(variable.def.shape, rows.num_elements());
    if (!expected.ok()) return expected.status();
    absl::Status status = CheckRows(variable.def.shape, rows.values<int64_t>());
    if (!status.ok()) return status;
  }
  if (value.dtype() == variable.def.dtype && value.shape() == *expected) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(what, " is ", Name(value.dtype()), " ", value.shape().ToString(), ", expected ",
                   Name(variable.def.dtype), " ", expected->ToString()));
}

absl::Status CheckFinite(const PushId& id, const Variable& variable, const Tensor& value,
                         absl::string_view what) {
  const int64_t at = FirstNonFinite(value);
  if (at < 0) return absl::OkStatus();
  double bad = 0;
  VisitFloating(value.dtype(),
                [&](auto tag) { bad = value.data<typename decltype(tag)::type>()[at]; });
  absl::Status status =
      Refuse(id, variable,
             absl::StrCat(what, " has ", std::isnan(bad) ? "NaN" : "an infinity", " at element ",
                          at, " of ", value.num_elements(),
                          "; nothing was applied (allow_nonfinite lets it pass)"));
  status.SetPayload(kNonfinite, absl::Cord());
  return status;
}

// InvalidArgument names the first value that is not finite.
absl::Status CheckFinite(const PushContents& push) {
  for (const PushAssignment& a : push.assignments) {
    absl::Status status = CheckFinite(push.id, *a.variable, a.value.value, "the value");
    if (!status.ok()) return status;
  }
  for (const PushStep& step : push.steps) {
    for (const PushUpdate& u : step.updates) {
      absl::Status status = CheckFinite(push.id, *u.variable, u.gradient.value, "the gradient");
      if (!status.ok()) return status;
    }
  }
  return absl::OkStatus();
}

void TellNonfinite(const PushContents& push, const std::function<void(const Variable&)>& found) {
  const auto tell = [&](const Variable& variable, const Tensor& value) {
    if (FirstNonFinite(value) >= 0) found(variable);
  };
  for (const PushAssignment& a : push.assignments) tell(*a.variable, a.value.value);
  for (const PushStep& step : push.steps) {
    for (const PushUpdate& u : step.updates) tell(*u.variable, u.gradient.value);
  }
}

// Of an int32 or int64 tensor.
absl::Status MakeInt64(Tensor& indices) {
  if (indices.dtype() == DType::kInt64) return absl::OkStatus();
  const absl::StatusOr<std::vector<int64_t>> numbers = ToIndices(indices);
  if (!numbers.ok()) return numbers.status();
  absl::StatusOr<Tensor> wide = TryAllocate(DType::kInt64, indices.shape());
  if (!wide.ok()) return wide.status();
  std::copy(numbers->begin(), numbers->end(), wide->mutable_data<int64_t>());
  indices = *std::move(wide);
  return absl::OkStatus();
}

// Sums the rows of equal indices; returns whether there were any.
absl::StatusOr<bool> SumEqualIndices(PushUpdate& update) {
  Tensor& indices = update.indices->value;
  const auto given = indices.values<int64_t>();
  std::vector<int64_t> distinct(given.begin(), given.end());
  absl::Status status = optimizers::SumRows(distinct, update.gradient.value);
  if (!status.ok()) return status;
  if (distinct.size() == given.size()) return false;
  absl::StatusOr<Tensor> rest =
      TryAllocate(DType::kInt64, Shape{static_cast<int64_t>(distinct.size())});
  if (!rest.ok()) return rest.status();
  std::copy(distinct.begin(), distinct.end(), rest->mutable_data<int64_t>());
  indices = *std::move(rest);
  return true;
}

// Without memory it is not the push that is wrong.
absl::Status Explain(const PushId& id, const Variable& variable, const absl::Status& status) {
  absl::Status refused = Refuse(id, variable, status.message());
  return absl::IsResourceExhausted(status) ? absl::Status(status.code(), refused.message())
                                           : refused;
}

// `initializes`: the push may be what gives it a value.
absl::Status CheckInitialized(const PushId& id, Variable& variable, bool initializes = false) {
  const BlockingLock lock(variable.mutex);
  if (variable.discarded) return IsGone(variable.def);
  if (variable.first_value != nullptr) return IsComing(variable.def);
  if (variable.initialized || initializes) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat(About(variable.def.name, id.worker_id), "it has no value yet; its creator, ",
                   ToString(variable.def.creator), ", has not run its initializer"));
}

// Gives it its tensors, which nobody else has: what it does with them needs no copy.
absl::Status Attach(const PushId& id, const Variable& variable, absl::string_view what,
                    PushTensor& value, std::optional<PushTensor>& indices,
                    std::vector<Tensor>& tensors) {
  value.value = std::move(tensors[value.number]);
  if (indices) indices->value = std::move(tensors[indices->number]);
  absl::Status status = indices ? MakeInt64(indices->value) : absl::OkStatus();
  if (status.ok()) status = CheckFits(variable, value.value, what, indices);
  return status.ok() ? status : Explain(id, variable, status);
}

absl::Status Attach(const PushId& id, PushAssignment& a, std::vector<Tensor>& tensors) {
  absl::Status status = Attach(id, *a.variable, "the value", a.value, a.indices, tensors);
  if (!status.ok()) return status;
  const bool initializes = a.op == AssignOp::kAssign || a.op == AssignOp::kInitialize;
  return CheckInitialized(id, *a.variable, initializes);
}

absl::Status Attach(const PushId& id, PushUpdate& u, std::vector<Tensor>& tensors,
                    bool& verified_finite) {
  absl::Status status = Attach(id, *u.variable, "the gradient", u.gradient, u.indices, tensors);
  // A variable that has a value keeps one, so this holds until the push is applied.
  if (status.ok()) status = CheckInitialized(id, *u.variable);
  if (!status.ok() || !u.indices) return status;
  const absl::StatusOr<bool> summed = SumEqualIndices(u);
  if (!summed.ok()) return Explain(id, *u.variable, summed.status());
  // Sums of finite numbers may be infinite.
  if (*summed) verified_finite = false;
  return absl::OkStatus();
}

void AddGradients(PushStep& step, std::vector<Tensor*>& gradients) {
  for (PushUpdate& update : step.updates) gradients.push_back(&update.gradient.value);
}

// As the step asks, and to `norm` unless that is 0.
absl::Status ClipStep(PushStep& step, double norm) {
  const double value = std::exchange(step.clip_value, 0);
  const double own = std::exchange(step.clip_norm, 0);
  if (own > 0) norm = norm > 0 ? std::min(norm, own) : own;
  if (norm <= 0 && value <= 0) return absl::OkStatus();
  std::vector<Tensor*> gradients;
  gradients.reserve(step.updates.size());
  AddGradients(step, gradients);
  return optimizers::Clip(gradients, value, norm);
}

// As each step asks, and to the group's norm: of a push, in however many steps it comes.
absl::Status ClipAsAsked(PushContents& push, double group_norm) {
  if (push.steps.size() == 1) return ClipStep(push.steps.front(), group_norm);
  std::vector<Tensor*> gradients;
  for (PushStep& step : push.steps) {
    if (absl::Status status = ClipStep(step, 0); !status.ok()) return status;
    if (group_norm > 0) AddGradients(step, gradients);
  }
  return optimizers::Clip(gradients, 0, group_norm);
}

}  // namespace

absl::StatusOr<ValidPush> Validate(ResolvedPush push, std::vector<Tensor> tensors,
                                   bool verified_finite, const PushPolicy& policy) {
  if (policy.hyperparameters == nullptr && !push.hyperparameters_.ok()) {
    return push.hyperparameters_;
  }
  PushContents contents = std::move(push.contents_);
  absl::Status status;
  for (PushAssignment& a : contents.assignments) {
    if (status.ok()) status = Attach(contents.id, a, tensors);
  }
  for (PushStep& step : contents.steps) {
    for (PushUpdate& u : step.updates) {
      if (status.ok()) status = Attach(contents.id, u, tensors, verified_finite);
    }
  }
  if (!status.ok()) return status;
  const bool allowed = contents.allow_nonfinite && !policy.refuse_nonfinite;
  if (!verified_finite && (!allowed || policy.found_nonfinite)) {
    status = CheckFinite(contents);
    if (!status.ok() && policy.found_nonfinite) TellNonfinite(contents, policy.found_nonfinite);
    if (!status.ok() && !allowed) return status;
  }
  contents.allow_nonfinite = allowed;
  if (policy.hyperparameters != nullptr) {
    for (PushStep& step : contents.steps) step.hyperparameters = *policy.hyperparameters;
  }
  status = ClipAsAsked(contents, policy.clip_norm);
  if (!status.ok()) return status;
  return ValidPush(std::move(contents));
}

bool IsNonfinite(const absl::Status& status) { return status.GetPayload(kNonfinite).has_value(); }

absl::Status ValidPush::Scale(double factor) {
  for (PushStep& step : contents_.steps) {
    for (PushUpdate& update : step.updates) {
      Tensor& gradient = update.gradient.value;
      if (absl::Status status = TryMakeUnique(gradient); !status.ok()) return status;
      VisitGradient(gradient.dtype(), [&](auto tag) {
        using T = typename decltype(tag)::type;
        for (T& x : gradient.mutable_values<T>()) x = static_cast<T>(x * factor);
      });
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<ValidPush> ValidPush::Merged(PushContents contents) {
  absl::Status status = contents.allow_nonfinite ? absl::OkStatus() : CheckFinite(contents);
  if (!status.ok()) return status;
  return ValidPush(std::move(contents));
}

absl::StatusOr<ValidPush> ValidPush::Replayed(PushContents contents) {
  absl::Status status;
  for (const PushStep& step : contents.steps) {
    for (const PushUpdate& u : step.updates) {
      status.Update(CheckFits(*u.variable, u.gradient.value, "the gradient", u.indices));
      if (TakesGradients(u.variable->def.dtype)) continue;
      status.Update(absl::InvalidArgumentError("a variable that an optimizer cannot update"));
    }
  }
  for (const PushAssignment& a : contents.assignments) {
    status.Update(CheckFits(*a.variable, a.value.value, "the value", a.indices));
  }
  if (status.ok()) return ValidPush(std::move(contents), /*replayed=*/true);
  return absl::DataLossError(
      absl::StrCat("its values do not fit the variables: ", status.message()));
}

}  // namespace varscope::server
