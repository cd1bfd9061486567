#include "server/push/commit.h"

#include <utility>

#include "absl/container/inlined_vector.h"
#include "proto/core/rows.h"
#include "proto/optimizers/weight_decay.h"
#include "server/planted.h"

namespace varscope::server {
namespace {

// A LockedPush holds the locks of all that the functions below change, which clang does not follow.

void Touch(Variable& variable, uint64_t bytes) ABSL_EXCLUSIVE_LOCKS_REQUIRED(variable.mutex) {
  ++variable.version;
  ++variable.pushes;
  variable.bytes_pushed += bytes;
}

template <typename T>
void Run(const PushStep& step, PushUpdate& update, Tensor& scratch,
         std::span<const double> scalars) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  const bool sparse = update.indices.has_value();
  Tensor& gradient = update.gradient.value;
  optimizers::UpdateArgs<T> args{.variable = update.variable->value.mutable_values<T>(),
                                 .slots = {},
                                 .gradient = {},
                                 .h = step.hyperparameters,
                                 .scalars = scalars};
  if (sparse) {
    args.rows = update.indices->value.values<int64_t>();
    args.row_size = RowSize(update.variable->def.shape);
  }
  if (scratch.defined()) args.scratch = scratch.mutable_values<T>();
  for (const VariablePtr& slot : update.slots) {
    args.slots.push_back(slot->value.mutable_values<T>());
  }
  if (!sparse) optimizers::AddWeightDecay<T>(args.variable, step.weight_decay, gradient);
  args.gradient = gradient.values<T>();
  step.optimizer->Apply(args, sparse);
}

// `scratch` is that of the step's first update.
void Run(PushStep& step, Tensor* scratch) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  absl::InlinedVector<double, optimizers::kFewStates> scalars;
  for (const VariablePtr& s : step.scalars) scalars.push_back(s->value.scalar<float>());
  for (PushUpdate& update : step.updates) {
    Tensor& room = *scratch++;
    if (Planted(Plant::kHalfPush) && step.updates.size() > 1 && &update == &step.updates.back() &&
        update.variable->version % 16 == 7) {
      continue;
    }
    VisitGradient(update.variable->def.dtype, [&](auto tag) {
      Run<typename decltype(tag)::type>(step, update, room, scalars);
    });
    Touch(*update.variable, update.gradient.value.byte_size());
    for (const VariablePtr& slot : update.slots) ++slot->version;
  }
  step.optimizer->finish(step.hyperparameters, scalars);
  for (size_t i = 0; i < scalars.size(); ++i) {
    Variable& scalar = *step.scalars[i];
    *scalar.value.mutable_data<float>() = static_cast<float>(scalars[i]);
    ++scalar.version;
  }
}

void Run(PushAssignment& a) {
  Variable& variable = *a.variable;
  variable.mutex.AssertHeld();
  if (a.op == AssignOp::kInitialize && variable.initialized) return;
  Touch(variable, a.value.value.byte_size());
  if (a.op == AssignOp::kAssign || a.op == AssignOp::kInitialize) {
    variable.value = a.value.value;
    variable.initialized = true;
    return;
  }
  const auto rows = a.indices ? a.indices->value.values<int64_t>() : std::span<const int64_t>();
  Combine(a.op, a.value.value, rows, variable.value);
}

}  // namespace

class Committer {
 public:
  static Applied Run(LockedPush locked) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    Tensor* scratch = locked.scratch_.data();
    for (PushStep& step : locked.push_.steps) {
      server::Run(step, scratch);
      scratch += step.updates.size();
    }
    for (PushAssignment& assignment : locked.push_.assignments) server::Run(assignment);
    std::vector<uint64_t>& versions = locked.applied_.versions;
    for (const PushStep& step : locked.push_.steps) {
      for (const PushUpdate& u : step.updates) versions.push_back(u.variable->version);
    }
    for (const PushAssignment& a : locked.push_.assignments) {
      versions.push_back(a.variable->version);
    }
    locked.store_->Commit(locked.admissions_, !locked.push_.steps.empty(), locked.group_step_,
                          locked.entry_.get(), locked.applied_);
    return std::move(locked.applied_);
  }

  static Applied Stale(const Store& store, uint64_t staleness) {
    return {.global_step = store.global_step(),
            .outcome = Outcome::kStale,
            .staleness = staleness,
            .versions = {}};
  }
};

Applied Commit(LockedPush push) noexcept { return Committer::Run(std::move(push)); }

absl::StatusOr<Applied> Apply(Store& store, ValidPush push,
                              std::vector<Ledger::Admission> admissions,
                              std::optional<uint64_t> max_staleness) {
  if (max_staleness) {
    // So that it leaves no slots, either.
    const uint64_t staleness = StalenessOf(push);
    if (staleness > *max_staleness) return Committer::Stale(store, staleness);
  }
  absl::StatusOr<LockedPush> locked = Lock(store, std::move(push), std::move(admissions));
  if (!locked.ok()) return locked.status();
  if (max_staleness && locked->staleness() > *max_staleness) {
    return Committer::Stale(store, locked->staleness());
  }
  return Commit(*std::move(locked));
}

absl::StatusOr<Applied> Apply(Store& store, ValidPush push, Ledger::Admission admission,
                              std::optional<uint64_t> max_staleness) {
  std::vector<Ledger::Admission> admissions;
  admissions.push_back(std::move(admission));
  return Apply(store, std::move(push), std::move(admissions), max_staleness);
}

}  // namespace varscope::server
