#include "server/store/apply.h"

#include <algorithm>

#include "absl/container/flat_hash_set.h"
#include "absl/container/inlined_vector.h"
#include "proto/core/allocate.h"
#include "proto/core/blocking.h"
#include "proto/core/rows.h"
#include "proto/optimizers/weight_decay.h"
#include "server/planted.h"
#include "server/store/check.h"
#include "server/store/prepare.h"

namespace varscope::server {
namespace {

// Room for all that Run changes: nothing is written before all of it is there. Requires the locks.
absl::Status Reserve(PreparedStep& step) {
  absl::Status status;
  for (const VariablePtr& scalar : step.state.scalars) status.Update(scalar->MakeWritable());
  for (PreparedUpdate& update : step.updates) {
    status.Update(update.variable->MakeWritable());
    for (const VariablePtr& slot : update.slots) status.Update(slot->MakeWritable());
    if (step.weight_decay != 0 && !update.sparse) status.Update(TryMakeUnique(update.gradient));
    if (step.state.optimizer->NeedsScratch(update.sparse)) {
      const VariableDefinition& def = update.variable->def;
      absl::StatusOr<Tensor> scratch = TryAllocate(def.dtype, def.shape);
      if (!scratch.ok()) return scratch.status();
      update.scratch = *std::move(scratch);
    }
    if (!status.ok()) return status;
  }
  return status;
}

bool Replaces(AssignOp op) { return op == AssignOp::kAssign || op == AssignOp::kInitialize; }

absl::Status Reserve(PreparedPush& push) {
  for (PreparedStep& step : push.steps) {
    if (absl::Status status = Reserve(step); !status.ok()) return status;
  }
  // Of variables that are written in place later: what replaces their value before must be theirs.
  absl::flat_hash_set<const Variable*> written;
  for (auto a = push.assignments.rbegin(); a != push.assignments.rend(); ++a) {
    absl::Status status;
    if (!Replaces(a->op)) {
      written.insert(a->variable.get());
      status = a->variable->MakeWritable();
    } else if (written.contains(a->variable.get())) {
      status = TryMakeUnique(a->value);
    }
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

template <typename T>
void RunUpdate(const PreparedStep& step, PreparedUpdate& update, std::span<const double> scalars) {
  optimizers::UpdateArgs<T> args{
      .variable = update.variable->value.mutable_values<T>(),
      .slots = {},
      .gradient = {},
      .h = step.state.hyperparameters,
      .scalars = scalars,
      .rows = update.rows,
      .row_size = update.sparse ? RowSize(update.variable->def.shape) : 0,
      .scratch = {}};
  if (update.scratch.defined()) args.scratch = update.scratch.mutable_values<T>();
  for (const VariablePtr& slot : update.slots) {
    args.slots.push_back(slot->value.mutable_values<T>());
  }
  if (!update.sparse) {
    optimizers::AddWeightDecay<T>(args.variable, step.weight_decay, update.gradient);
  }
  args.gradient = update.gradient.values<T>();
  step.state.optimizer->Apply(args, update.sparse);
}

void Touch(Variable& variable, uint64_t bytes) {
  ++variable.version;
  ++variable.pushes;
  variable.bytes_pushed += bytes;
}

void Run(PreparedStep& step) {
  absl::InlinedVector<double, optimizers::kFewStates> scalars;
  for (const VariablePtr& s : step.state.scalars) scalars.push_back(s->value.scalar<float>());
  for (PreparedUpdate& update : step.updates) {
    if (Planted(Plant::kHalfPush) && step.updates.size() > 1 && &update == &step.updates.back() &&
        update.variable->version % 16 == 7) {
      continue;
    }
    VisitFloating(update.variable->def.dtype, [&](auto tag) {
      RunUpdate<typename decltype(tag)::type>(step, update, scalars);
    });
    Touch(*update.variable, update.gradient.byte_size());
    for (const VariablePtr& slot : update.slots) ++slot->version;
  }
  step.state.optimizer->finish(step.state.hyperparameters, scalars);
  for (size_t i = 0; i < scalars.size(); ++i) {
    Variable& scalar = *step.state.scalars[i];
    *scalar.value.mutable_data<float>() = static_cast<float>(scalars[i]);
    ++scalar.version;
  }
}

template <typename T, typename Fn>
void Combine(PreparedAssignment& a, Fn&& fn) {
  T* const to = a.variable->value.mutable_data<T>();
  const T* const from = a.value.data<T>();
  if (!IsScatter(a.op)) {
    for (int64_t i = 0; i < a.value.num_elements(); ++i) to[i] = fn(to[i], from[i]);
    return;
  }
  const int64_t row_size = RowSize(a.variable->def.shape);
  for (size_t r = 0; r < a.rows.size(); ++r) {
    for (int64_t k = 0; k < row_size; ++k) {
      T& target = to[a.rows[r] * row_size + k];
      target = fn(target, from[r * row_size + k]);
    }
  }
}

// Integers wrap, as TensorFlow's do, without undefined behaviour.
template <typename T>
T Plus(T x, T y) {
  if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) {
    using U = std::make_unsigned_t<T>;
    return static_cast<T>(static_cast<U>(static_cast<U>(x) + static_cast<U>(y)));
  } else {
    return static_cast<T>(x + y);
  }
}

template <typename T>
T Minus(T x, T y) {
  if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) {
    using U = std::make_unsigned_t<T>;
    return static_cast<T>(static_cast<U>(static_cast<U>(x) - static_cast<U>(y)));
  } else {
    return static_cast<T>(x - y);
  }
}

void Run(PreparedAssignment& a) {
  Variable& variable = *a.variable;
  if (a.op == AssignOp::kInitialize && variable.initialized) return;
  Touch(variable, a.value.byte_size());
  if (Replaces(a.op)) {
    variable.value = a.value;
    variable.initialized = true;
    return;
  }
  VisitDType(variable.def.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    switch (a.op) {
      case AssignOp::kScatterUpdate:
        return Combine<T>(a, [](T, T y) { return y; });
      case AssignOp::kAdd:
      case AssignOp::kScatterAdd:
        return Combine<T>(a, Plus<T>);
      default:
        return Combine<T>(a, Minus<T>);
    }
  });
}

// Updates of a variable since a gradient's base version; requires its lock.
uint64_t UpdatesSince(const std::optional<uint64_t>& base_version, const Variable& variable) {
  const bool behind = base_version && *base_version < variable.version;
  return behind ? variable.version - *base_version : 0;
}

// Requires the locks of all its variables.
uint64_t StalenessOf(const PreparedPush& push) {
  uint64_t staleness = 0;
  for (const PreparedStep& step : push.steps) {
    for (const PreparedUpdate& u : step.updates) {
      staleness = std::max(staleness, UpdatesSince(u.base_version, *u.variable));
    }
  }
  return staleness;
}

std::vector<uint64_t> VersionsOf(const PreparedPush& push) {
  std::vector<uint64_t> versions;
  for (const PreparedStep& step : push.steps) {
    for (const PreparedUpdate& u : step.updates) versions.push_back(u.variable->version);
  }
  for (const PreparedAssignment& a : push.assignments) versions.push_back(a.variable->version);
  return versions;
}

absl::StatusOr<Applied> Run(Store& store, const Push& push, PreparedPush prepared,
                            std::vector<Ledger::Admission> admissions) {
  const LockedVariables locked(prepared.Concerned());
  Applied applied{.staleness = StalenessOf(prepared)};
  if (push.max_staleness && applied.staleness > *push.max_staleness) {
    applied.outcome = Outcome::kStale;
    applied.global_step = store.global_step();
    return applied;
  }
  if (absl::Status status = Reserve(prepared); !status.ok()) return status;
  for (PreparedStep& step : prepared.steps) Run(step);
  for (PreparedAssignment& assignment : prepared.assignments) Run(assignment);
  applied.versions = VersionsOf(prepared);
  store.Commit(admissions, push, !prepared.steps.empty(), applied);
  return applied;
}

}  // namespace

uint64_t StalenessOf(const Store& store, const Push& push) {
  uint64_t staleness = 0;
  for (const OptimizerStep& step : push.steps) {
    for (const GradientUpdate& update : step.updates) {
      if (!update.base_version) continue;
      const absl::StatusOr<VariablePtr> variable = store.Find(update.variable);
      if (!variable.ok()) continue;
      const auto lock = PatientLock((*variable)->mutex);
      staleness = std::max(staleness, UpdatesSince(update.base_version, **variable));
    }
  }
  return staleness;
}

absl::StatusOr<Applied> Apply(Store& store, Push push) {
  const std::shared_lock changes = store.LockChanges();
  absl::StatusOr<Ledger::Admission> admission = store.ledger().Begin(push.id);
  if (!admission.ok()) return admission.status();
  if (admission->earlier()) return *admission->earlier();
  if (absl::Status status = Check(store, push); !status.ok()) return status;
  return ApplyChecked(store, push, *std::move(admission));
}

absl::StatusOr<Applied> ApplyChecked(Store& store, const Push& push, Ledger::Admission admission) {
  std::vector<Ledger::Admission> admissions;
  admissions.push_back(std::move(admission));
  return ApplyChecked(store, push, std::move(admissions));
}

absl::StatusOr<Applied> ApplyChecked(Store& store, const Push& push,
                                     std::vector<Ledger::Admission> admissions) {
  if (absl::Status status = store.MayPush(push); !status.ok()) return status;
  absl::StatusOr<PreparedPush> prepared = Prepare(store, push);
  if (!prepared.ok()) return prepared.status();
  return Run(store, push, *std::move(prepared), std::move(admissions));
}

absl::StatusOr<Applied> ApplyAgain(Store& store, const Push& push) {
  absl::StatusOr<PreparedPush> prepared = PrepareAgain(store, push);
  if (!prepared.ok()) return prepared.status();
  std::vector<Ledger::Admission> admissions;
  admissions.emplace_back(store.ledger(), push.id, std::nullopt);
  for (const PushId& id : push.others) {
    admissions.emplace_back(store.ledger(), id, std::nullopt);
  }
  return Run(store, push, *std::move(prepared), std::move(admissions));
}

}  // namespace varscope::server
