#include "server/push/commit.h"

#include <utility>

#include "absl/container/inlined_vector.h"
#include "proto/optimizers/weight_decay.h"
#include "proto/tensor/rows.h"
#include "server/failpoint.h"

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
         std::span<const double> non_slots) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  const bool sparse = update.indices.has_value();
  Tensor& gradient = update.gradient.value;
  optimizers::UpdateArgs<T> args{.variable = update.variable->value.mutable_values<T>(),
                                 .slots = {},
                                 .gradient = {},
                                 .h = step.hyperparameters,
                                 .non_slots = non_slots};
  if (sparse) {
    args.rows = update.indices->value.values<int64_t>();
    args.row_size = RowSize(update.variable->def.shape);
  }
  if (scratch.defined()) args.scratch = scratch.mutable_values<T>();
  for (Variable* const slot : update.slots) {
    args.slots.push_back(slot->value.mutable_values<T>());
  }
  if (!sparse) optimizers::AddWeightDecay<T>(args.variable, step.weight_decay, gradient);
  args.gradient = gradient.values<T>();
  step.optimizer->Apply(args, sparse);
}

// `scratch` is that of the step's first update.
void Run(PushStep& step, Tensor* scratch) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  absl::InlinedVector<double, optimizers::kFewStates> non_slots;
  for (const Variable* const s : step.non_slots) non_slots.push_back(s->value.scalar<float>());
  for (PushUpdate& update : step.updates) {
    Tensor& room = *scratch++;
    if (FailpointIsOn(Failpoint::kHalfPush) && step.updates.size() > 1 &&
        &update == &step.updates.back() && update.variable->version % 16 == 7) {
      continue;
    }
    VisitGradient(update.variable->def.dtype, [&](auto tag) {
      Run<typename decltype(tag)::type>(step, update, room, non_slots);
    });
    Touch(*update.variable, update.gradient.value.byte_size());
    for (Variable* const slot : update.slots) ++slot->version;
  }
  step.optimizer->finish(step.hyperparameters, non_slots);
  for (size_t i = 0; i < non_slots.size(); ++i) {
    Variable& scalar = *step.non_slots[i];
    *scalar.value.mutable_data<float>() = static_cast<float>(non_slots[i]);
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

PushResult Stale(const Changes& changes, Staleness staleness) {
  return {.global_step = changes.global_step(),
          .outcome = Outcome::kStale,
          .staleness = staleness.value_or(0)};
}

}  // namespace

PushResult Commit(LockedPush locked) noexcept ABSL_NO_THREAD_SAFETY_ANALYSIS {
  Tensor* scratch = locked.scratch_.data();
  for (PushStep& step : locked.push_.steps) {
    Run(step, scratch);
    scratch += step.updates.size();
  }
  for (PushAssignment& assignment : locked.push_.assignments) Run(assignment);
  if (locked.entry_) locked.entry_->ReadValues();
  locked.changes_->Commit(locked.in_flight_push_, !locked.push_.steps.empty(), locked.group_step_,
                          locked.entry_.get(), locked.result_);
  return locked.result_;
}

absl::StatusOr<PushResult> Apply(Store& store, ValidPush push,
                                 CompletionRecords::InFlightPush in_flight_push,
                                 std::optional<uint64_t> max_staleness) {
  const auto is_too_stale = [&](Staleness staleness) {
    return !staleness || (max_staleness && *staleness > *max_staleness);
  };
  if (max_staleness) {
    // So that it leaves no slots, either.
    const Staleness staleness = StalenessOf(push);
    if (is_too_stale(staleness)) return in_flight_push.Drop(Stale(store.changes, staleness));
  }
  absl::StatusOr<LockedPush> locked = Lock(store, std::move(push), std::move(in_flight_push));
  if (!locked.ok()) return locked.status();
  if (is_too_stale(locked->staleness())) {
    return locked->in_flight_push_.Drop(Stale(store.changes, locked->staleness()));
  }
  return Commit(*std::move(locked));
}

}  // namespace varscope::server
