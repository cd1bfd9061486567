#include "server/store/check.h"

#include <algorithm>
#include <cmath>

#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "proto/core/blocking.h"
#include "proto/core/names.h"
#include "proto/core/rows.h"
#include "proto/optimizers/clip.h"
#include "proto/optimizers/sparse.h"

namespace varscope::server {
namespace {

absl::Status Refuse(const Push& push, const std::string& variable, absl::string_view what) {
  return absl::InvalidArgumentError(
      absl::StrCat("variable ", Printable(variable), ", worker '", push.id.worker_id, "': ", what));
}

// dtype and shape of `value` against the whole variable or `rows` of it.
absl::Status CheckFits(const Variable& variable, const Tensor& value, absl::string_view what,
                       const std::optional<std::vector<int64_t>>& rows) {
  Shape expected = variable.def.shape;
  if (rows) {
    absl::StatusOr<Shape> shape = RowsShape(variable.def.shape, static_cast<int64_t>(rows->size()));
    if (!shape.ok()) return shape.status();
    expected = *std::move(shape);
    if (absl::Status status = CheckRows(variable.def.shape, *rows); !status.ok()) return status;
  }
  if (value.dtype() == variable.def.dtype && value.shape() == expected) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(what, " is ", Name(value.dtype()), " ", value.shape().ToString(), ", expected ",
                   Name(variable.def.dtype), " ", expected.ToString()));
}

absl::Status CheckFinite(const Push& push, const std::string& variable, const Tensor& value,
                         absl::string_view what) {
  const int64_t at = FirstNonFinite(value);
  if (at < 0) return absl::OkStatus();
  double bad = 0;
  VisitFloating(value.dtype(),
                [&](auto tag) { bad = value.data<typename decltype(tag)::type>()[at]; });
  return Refuse(push, variable,
                absl::StrCat(what, " has ", std::isnan(bad) ? "NaN" : "an infinity", " at element ",
                             at, " of ", value.num_elements(),
                             "; nothing was applied (allow_nonfinite lets it pass)"));
}

absl::Status CheckInitialized(const Push& push, Variable& variable) {
  const auto lock = PatientLock(variable.mutex);
  if (variable.initialized) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("variable ", variable.def.name, ", worker '", push.id.worker_id,
                   "': it has no value yet; its creator, ", ToString(variable.def.definer),
                   ", has not run its initializer"));
}

// Of a variable whose dtype the step's optimizer takes.
absl::Status CheckFit(Push& push, Variable& variable, GradientUpdate& update) {
  std::optional<std::vector<int64_t>> rows;
  if (update.rows) {
    absl::StatusOr<std::vector<int64_t>> read = RowNumbers(*update.rows);
    if (!read.ok()) return Refuse(push, update.variable, read.status().message());
    rows = *std::move(read);
  }
  absl::Status status = CheckFits(variable, update.gradient, "the gradient", rows);
  if (!status.ok()) return Refuse(push, update.variable, status.message());
  // A variable that has a value keeps one, so this holds until the push runs.
  if (status = CheckInitialized(push, variable); !status.ok()) return status;
  if (!rows) return absl::OkStatus();
  status = optimizers::SumRows(*rows, update.gradient);
  if (!status.ok()) return Refuse(push, update.variable, status.message());
  const auto count = static_cast<int64_t>(rows->size());
  const bool summed = count < update.rows->num_elements();
  if (summed) push.known_finite = false;
  if (summed || update.rows->dtype() != DType::kInt64) {
    update.rows = Tensor::Of<int64_t>(Shape{count}, *rows);
  }
  return absl::OkStatus();
}

absl::Status Clip(OptimizerStep& step) {
  std::vector<Tensor*> gradients;
  for (GradientUpdate& update : step.updates) gradients.push_back(&update.gradient);
  return optimizers::Clip(gradients, std::exchange(step.clip_value, 0),
                          std::exchange(step.clip_norm, 0));
}

absl::Status CheckFit(const Store& store, Push& push, OptimizerStep& step) {
  if (!std::isfinite(step.clip_norm) || !std::isfinite(step.clip_value) ||
      !std::isfinite(step.weight_decay)) {
    return absl::InvalidArgumentError(
        absl::StrCat("worker '", push.id.worker_id, "': clipping and weight decay must be finite"));
  }
  absl::flat_hash_set<const Variable*> seen;
  std::vector<SlotOwner> owners;
  for (const GradientUpdate& update : step.updates) {
    absl::StatusOr<VariablePtr> variable = store.Find(update.variable);
    if (!variable.ok()) return variable.status();
    if (!seen.insert(variable->get()).second) {
      return Refuse(push, update.variable, "has two gradients in one step; sum them first");
    }
    owners.push_back({*std::move(variable), update.slots});
  }
  for (const SlotRequest& bound : step.bind) {
    absl::StatusOr<VariablePtr> variable = store.Find(bound.variable);
    if (!variable.ok()) return variable.status();
    owners.push_back({*std::move(variable), bound.slots});
  }
  // Before a byte of a gradient is read as a number.
  absl::Status status = store.CheckOptimizer(step.state, owners).status();
  for (size_t i = 0; status.ok() && i < step.updates.size(); ++i) {
    status = CheckFit(push, *owners[i].variable, step.updates[i]);
  }
  return status;
}

absl::Status CheckFit(const Store& store, const Push& push, const Assignment& given) {
  absl::StatusOr<VariablePtr> variable = store.Find(given.variable);
  if (!variable.ok()) return variable.status();
  std::optional<std::vector<int64_t>> rows;
  if (IsScatter(given.op)) {
    if (!given.rows) return Refuse(push, given.variable, "a scatter needs row numbers");
    absl::StatusOr<std::vector<int64_t>> read = RowNumbers(*given.rows);
    if (!read.ok()) return Refuse(push, given.variable, read.status().message());
    rows = *std::move(read);
  }
  absl::Status status = CheckFits(**variable, given.value, "the value", rows);
  if (!status.ok()) return Refuse(push, given.variable, status.message());
  if (given.op == AssignOp::kAssign || given.op == AssignOp::kInitialize) return absl::OkStatus();
  if (given.op != AssignOp::kScatterUpdate && (*variable)->def.dtype == DType::kBool) {
    return Refuse(push, given.variable, "a bool cannot be added to");
  }
  return CheckInitialized(push, **variable);
}

}  // namespace

absl::Status CheckFit(const Store& store, Push& push) {
  for (const Assignment& assignment : push.assignments) {
    if (absl::Status status = CheckFit(store, push, assignment); !status.ok()) return status;
  }
  for (OptimizerStep& step : push.steps) {
    if (absl::Status status = CheckFit(store, push, step); !status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status CheckFinite(const Push& push) {
  if (push.allow_nonfinite || push.known_finite) return absl::OkStatus();
  for (const Assignment& a : push.assignments) {
    absl::Status status = CheckFinite(push, a.variable, a.value, "the value");
    if (!status.ok()) return status;
  }
  for (const OptimizerStep& step : push.steps) {
    for (const GradientUpdate& update : step.updates) {
      absl::Status status = CheckFinite(push, update.variable, update.gradient, "the gradient");
      if (!status.ok()) return status;
    }
  }
  return absl::OkStatus();
}

absl::Status CheckFiniteAndClip(Push& push) {
  if (absl::Status status = CheckFinite(push); !status.ok()) return status;
  for (OptimizerStep& step : push.steps) {
    if (absl::Status status = Clip(step); !status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status Check(const Store& store, Push& push) {
  absl::Status status = CheckFit(store, push);
  return status.ok() ? CheckFiniteAndClip(push) : status;
}

bool HasNonfinite(const Push& push) {
  if (push.known_finite) return false;
  for (const OptimizerStep& step : push.steps) {
    for (const GradientUpdate& update : step.updates) {
      if (FirstNonFinite(update.gradient) >= 0) return true;
    }
  }
  return std::any_of(push.assignments.begin(), push.assignments.end(),
                     [](const Assignment& a) { return FirstNonFinite(a.value) >= 0; });
}

bool IsScatter(AssignOp op) {
  return op == AssignOp::kScatterUpdate || op == AssignOp::kScatterAdd ||
         op == AssignOp::kScatterSub;
}

}  // namespace varscope::server
