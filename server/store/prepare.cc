#include "server/store/prepare.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "absl/strings/str_cat.h"
#include "proto/core/names.h"

namespace varscope::server {
namespace {

absl::Status Refuse(const Push& push, const std::string& variable, absl::string_view what) {
  return absl::InvalidArgumentError(
      absl::StrCat("variable ", Printable(variable), ", worker '", push.id.worker_id, "': ", what));
}

absl::StatusOr<std::vector<int64_t>> ReadRows(const Tensor& rows) {
  std::vector<int64_t> out(rows.num_elements());
  if (rows.shape().rank() == 1 && rows.dtype() == DType::kInt32) {
    std::copy_n(rows.data<int32_t>(), out.size(), out.begin());
    return out;
  }
  if (rows.shape().rank() == 1 && rows.dtype() == DType::kInt64) {
    std::copy_n(rows.data<int64_t>(), out.size(), out.begin());
    return out;
  }
  return absl::InvalidArgumentError(absl::StrCat("row numbers are ", Name(rows.dtype()), " ",
                                                 rows.shape().ToString(),
                                                 ", not an int32 or int64 vector"));
}

// The shape that `count` rows of the variable have; refuses scalars.
absl::StatusOr<Shape> RowsShape(const Variable& variable, int64_t count) {
  if (variable.def.shape.rank() == 0) return absl::InvalidArgumentError("a scalar has no rows");
  std::vector<int64_t> dims = variable.def.shape.dims();
  dims[0] = count;
  return Shape(std::move(dims));
}

// dtype and shape of `value` against the whole variable or `rows` of it.
absl::Status CheckFits(const Variable& variable, const Tensor& value, absl::string_view what,
                       const std::optional<std::vector<int64_t>>& rows) {
  Shape expected = variable.def.shape;
  if (rows) {
    absl::StatusOr<Shape> shape = RowsShape(variable, static_cast<int64_t>(rows->size()));
    if (!shape.ok()) return shape.status();
    expected = *std::move(shape);
    for (int64_t row : *rows) {
      if (row >= 0 && row < variable.def.shape.dim(0)) continue;
      return absl::InvalidArgumentError(
          absl::StrCat("row ", row, " is not in [0, ", variable.def.shape.dim(0), ")"));
    }
  }
  if (value.dtype() == variable.def.dtype && value.shape() == expected) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(what, " is ", Name(value.dtype()), " ", value.shape().ToString(), ", expected ",
                   Name(variable.def.dtype), " ", expected.ToString()));
}

absl::Status CheckFinite(const Push& push, const Tensor& value, absl::string_view what) {
  if (push.allow_nonfinite) return absl::OkStatus();
  const int64_t at = FirstNonFinite(value);
  if (at < 0) return absl::OkStatus();
  const double bad =
      value.dtype() == DType::kFloat32 ? value.data<float>()[at] : value.data<double>()[at];
  return absl::InvalidArgumentError(absl::StrCat(
      what, " has ", std::isnan(bad) ? "NaN" : "an infinity", " at element ", at, " of ",
      value.num_elements(), "; nothing was applied (allow_nonfinite lets it pass)"));
}

template <typename T>
absl::Status SumRows(const Variable& variable, PreparedUpdate& update) {
  std::span<const T> given = update.gradient.values<T>();
  std::vector<T> values(given.begin(), given.end());
  absl::Status status =
      SumDuplicateRows(variable.def.shape.dim(0), RowSize(variable), update.rows, values);
  if (!status.ok()) return status;
  std::vector<int64_t> dims = variable.def.shape.dims();
  dims[0] = static_cast<int64_t>(update.rows.size());
  update.gradient = Tensor::Of<T>(Shape(dims), values);
  return absl::OkStatus();
}

absl::StatusOr<PreparedUpdate> Prepare(Store& store, const Push& push, GradientUpdate& given) {
  absl::StatusOr<VariablePtr> variable = store.Find(given.variable);
  if (!variable.ok()) return variable.status();
  PreparedUpdate update;
  update.variable = *variable;
  update.gradient = std::move(given.gradient);
  std::optional<std::vector<int64_t>> rows;
  if (given.rows) {
    absl::StatusOr<std::vector<int64_t>> read = ReadRows(*given.rows);
    if (!read.ok()) return Refuse(push, given.variable, read.status().message());
    rows = *std::move(read);
  }
  absl::Status status = CheckFits(**variable, update.gradient, "the gradient", rows);
  if (status.ok()) status = CheckFinite(push, update.gradient, "the gradient");
  if (!status.ok()) return Refuse(push, given.variable, status.message());
  if (!rows) return update;
  update.sparse = true;
  update.rows = *std::move(rows);
  status = (*variable)->def.dtype == DType::kFloat32 ? SumRows<float>(**variable, update)
                                                     : SumRows<double>(**variable, update);
  if (!status.ok()) return Refuse(push, given.variable, status.message());
  return update;
}

template <typename Fn>
void ForEachFloat(Tensor& tensor, Fn&& fn) {
  if (!tensor.unique()) tensor = tensor.Clone();
  if (tensor.dtype() == DType::kFloat32) {
    for (float& x : tensor.mutable_values<float>()) x = static_cast<float>(fn(x));
  } else {
    for (double& x : tensor.mutable_values<double>()) x = fn(x);
  }
}

// As tf.clip_by_value and tf.clip_by_global_norm, before duplicate rows would count twice.
void Clip(const OptimizerStep& given, PreparedStep& step) {
  if (given.clip_value > 0) {
    for (PreparedUpdate& u : step.updates) {
      ForEachFloat(u.gradient,
                   [&](double x) { return std::clamp(x, -given.clip_value, given.clip_value); });
    }
  }
  if (given.clip_norm <= 0) return;
  double squares = 0;
  for (PreparedUpdate& u : step.updates) {
    ForEachFloat(u.gradient, [&](double x) {
      squares += x * x;
      return x;
    });
  }
  const double norm = std::sqrt(squares);
  if (norm <= given.clip_norm) return;
  for (PreparedUpdate& u : step.updates) {
    ForEachFloat(u.gradient, [&](double x) { return x * given.clip_norm / norm; });
  }
}

std::vector<VariablePtr> VariablesOf(const PreparedStep& step) {
  std::vector<VariablePtr> variables;
  for (const PreparedUpdate& update : step.updates) variables.push_back(update.variable);
  return variables;
}

absl::StatusOr<PreparedStep> Prepare(Store& store, const Push& push, OptimizerStep& given) {
  PreparedStep step;
  step.weight_decay = given.weight_decay;
  if (!std::isfinite(given.clip_norm) || !std::isfinite(given.clip_value) ||
      !std::isfinite(given.weight_decay)) {
    return absl::InvalidArgumentError(
        absl::StrCat("worker '", push.id.worker_id, "': clipping and weight decay must be finite"));
  }
  std::set<std::string> seen;
  for (GradientUpdate& update : given.updates) {
    if (!seen.insert(update.variable).second) {
      return Refuse(push, update.variable, "has two gradients in one step; sum them first");
    }
    absl::StatusOr<PreparedUpdate> prepared = Prepare(store, push, update);
    if (!prepared.ok()) return prepared.status();
    step.updates.push_back(*std::move(prepared));
  }
  const auto checked = store.CheckOptimizer(given.state, VariablesOf(step));
  if (!checked.ok()) return checked.status();
  Clip(given, step);
  return step;
}

// After all checks, because it creates the slots that are missing.
absl::Status Bind(Store& store, const OptimizerStep& given, PreparedStep& step) {
  absl::StatusOr<OptimizerState> state =
      store.BindOptimizer(given.state, VariablesOf(step), given.definer);
  if (!state.ok()) return state.status();
  for (size_t i = 0; i < step.updates.size(); ++i) step.updates[i].slots = state->slots[i];
  step.state = *std::move(state);
  return absl::OkStatus();
}

absl::StatusOr<PreparedAssignment> Prepare(Store& store, const Push& push, Assignment& given) {
  absl::StatusOr<VariablePtr> variable = store.Find(given.variable);
  if (!variable.ok()) return variable.status();
  std::optional<std::vector<int64_t>> rows;
  if (IsScatter(given.op)) {
    if (!given.rows) return Refuse(push, given.variable, "a scatter needs row numbers");
    absl::StatusOr<std::vector<int64_t>> read = ReadRows(*given.rows);
    if (!read.ok()) return Refuse(push, given.variable, read.status().message());
    rows = *std::move(read);
  }
  absl::Status status = CheckFits(**variable, given.value, "the value", rows);
  if (status.ok()) status = CheckFinite(push, given.value, "the value");
  if (!status.ok()) return Refuse(push, given.variable, status.message());
  const bool arithmetic = given.op != AssignOp::kAssign && given.op != AssignOp::kInitialize &&
                          given.op != AssignOp::kScatterUpdate;
  if (arithmetic && (*variable)->def.dtype == DType::kBool) {
    return Refuse(push, given.variable, "a bool cannot be added to");
  }
  return PreparedAssignment{*variable, given.op, std::move(given.value),
                            rows.value_or(std::vector<int64_t>{})};
}

absl::Status CheckInitialized(const Push& push, Variable& variable) {
  std::lock_guard lock(variable.mutex);
  if (variable.initialized) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("variable ", variable.def.name, ", worker '", push.id.worker_id,
                   "': it has no value yet; its creator, ", ToString(variable.def.definer),
                   ", has not run its initializer"));
}

// A variable that has a value keeps one, so this holds until the push runs.
absl::Status CheckInitialized(const Push& push, const PreparedPush& prepared) {
  for (const PreparedStep& step : prepared.steps) {
    for (const PreparedUpdate& update : step.updates) {
      absl::Status status = CheckInitialized(push, *update.variable);
      if (!status.ok()) return status;
    }
  }
  for (const PreparedAssignment& a : prepared.assignments) {
    if (a.op == AssignOp::kAssign || a.op == AssignOp::kInitialize) continue;
    if (absl::Status status = CheckInitialized(push, *a.variable); !status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace

bool IsScatter(AssignOp op) {
  return op == AssignOp::kScatterUpdate || op == AssignOp::kScatterAdd ||
         op == AssignOp::kScatterSub;
}

int64_t RowSize(const Variable& variable) {
  const int64_t rows = variable.def.shape.dim(0);
  return rows == 0 ? 0 : variable.def.shape.num_elements() / rows;
}

std::vector<VariablePtr> PreparedPush::Concerned() const {
  std::vector<VariablePtr> concerned;
  for (const PreparedStep& step : steps) {
    concerned.insert(concerned.end(), step.state.scalars.begin(), step.state.scalars.end());
    for (const PreparedUpdate& update : step.updates) {
      concerned.push_back(update.variable);
      concerned.insert(concerned.end(), update.slots.begin(), update.slots.end());
    }
  }
  for (const PreparedAssignment& a : assignments) concerned.push_back(a.variable);
  return concerned;
}

absl::StatusOr<PreparedPush> Prepare(Store& store, Push push) {
  PreparedPush prepared;
  for (Assignment& given : push.assignments) {
    absl::StatusOr<PreparedAssignment> assignment = Prepare(store, push, given);
    if (!assignment.ok()) return assignment.status();
    prepared.assignments.push_back(*std::move(assignment));
  }
  for (OptimizerStep& given : push.steps) {
    absl::StatusOr<PreparedStep> step = Prepare(store, push, given);
    if (!step.ok()) return step.status();
    prepared.steps.push_back(*std::move(step));
  }
  if (absl::Status status = CheckInitialized(push, prepared); !status.ok()) return status;
  for (size_t i = 0; i < prepared.steps.size(); ++i) {
    absl::Status status = Bind(store, push.steps[i], prepared.steps[i]);
    if (!status.ok()) return status;
  }
  return prepared;
}

}  // namespace varscope::server
