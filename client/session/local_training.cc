#include "client/session/local_training.h"

#include <algorithm>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "client/graph/throw.h"
#include "client/session/groups.h"
#include "proto/optimizers/clip.h"
#include "proto/optimizers/sparse.h"
#include "proto/optimizers/weight_decay.h"
#include "proto/tensor/elements.h"
#include "proto/tensor/rows.h"
#include "varscope/errors.h"

namespace varscope::internal {
namespace {

using optimizers::Hyperparameters;
using optimizers::Optimizer;
using optimizers::StateDef;

Tensor Filled(DType dtype, const Shape& shape, double value) {
  Tensor tensor(dtype, shape);
  Fill(tensor, value);
  return tensor;
}

Tensor Difference(const Tensor& from, const Tensor& to) {
  Tensor difference(from.dtype(), from.shape());
  VisitGradient(from.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    const std::span<T> out = difference.mutable_values<T>();
    for (size_t i = 0; i < out.size(); ++i) out[i] = from.data<T>()[i] - to.data<T>()[i];
  });
  return difference;
}

// A gradient with distinct rows, as the rules take it.
struct Gradient {
  Tensor values;
  std::vector<int64_t> rows;
  bool sparse = false;
};

// What a server would refuse, before a byte is read as a number.
void CheckFits(const PushRequest::Update& update, const Tensor& variable,
               const std::optional<std::vector<int64_t>>& rows) {
  Shape expected = variable.shape();
  if (rows) {
    absl::StatusOr<Shape> shape = RowsShape(variable.shape(), static_cast<int64_t>(rows->size()));
    ThrowIfError(shape.status());
    expected = *std::move(shape);
  }
  const Tensor& gradient = update.gradient;
  if (TakesGradients(variable.dtype()) && gradient.dtype() == variable.dtype() &&
      gradient.shape() == expected) {
    return;
  }
  throw InvalidArgumentError(absl::StrCat(
      "variable ", update.variable, ": it is ", Name(variable.dtype()), ", and the gradient ",
      Name(gradient.dtype()), " ", gradient.shape().ToString(), ", expected float32 or float64 of ",
      "the variable's dtype and shape ", expected.ToString(), "; nothing was applied"));
}

Gradient Prepare(const PushRequest& push, const PushRequest::Update& update,
                 const Tensor& variable) {
  std::optional<std::vector<int64_t>> rows;
  if (update.rows.defined()) {
    absl::StatusOr<std::vector<int64_t>> read = ToIndices(update.rows);
    ThrowIfError(read.status());
    rows = *std::move(read);
  }
  CheckFits(update, variable, rows);
  const int64_t bad = push.allow_nonfinite ? -1 : FirstNonFinite(update.gradient);
  if (bad >= 0) {
    throw InvalidArgumentError(absl::StrCat("variable ", update.variable,
                                            ": the gradient has a NaN or an infinity at element ",
                                            bad, "; nothing was applied"));
  }
  Gradient gradient{.values = update.gradient, .rows = {}, .sparse = rows.has_value()};
  if (!gradient.sparse) return gradient;
  gradient.rows = *std::move(rows);
  ThrowIfError(CheckRows(variable.shape(), gradient.rows));
  ThrowIfError(optimizers::SumRows(gradient.rows, gradient.values));
  return gradient;
}

// As a server checks them: in the dtype of each variable.
Hyperparameters CheckedHyperparameters(const Optimizer& rule, const PushRequest::Step& step) {
  const std::map<std::string, double>& given = step.state.hyperparameters;
  ThrowIfError(optimizers::ReadHyperparameters(rule, given, DType::kFloat64).status());
  for (const PushRequest::Update& update : step.updates) {
    const DType dtype = update.gradient.dtype();
    ThrowIfError(optimizers::ReadHyperparameters(rule, given, dtype).status());
    ThrowIfError(optimizers::CheckWeightDecay(step.weight_decay, dtype));
  }
  return optimizers::FillHyperparameters(rule, given);
}

template <typename T>
void RunRule(const Optimizer& rule, const Hyperparameters& h, std::span<const double> non_slots,
             Tensor& variable, std::vector<Tensor>& slots, Gradient& gradient,
             double weight_decay) {
  if (!gradient.sparse) {
    optimizers::AddWeightDecay<T>(variable.values<T>(), weight_decay, gradient.values);
  }
  variable.MakeUnique();
  optimizers::UpdateArgs<T> args{.variable = variable.mutable_values<T>(),
                                 .slots = {},
                                 .gradient = gradient.values.values<T>(),
                                 .h = h,
                                 .non_slots = non_slots,
                                 .rows = gradient.rows,
                                 .row_size = gradient.sparse ? RowSize(variable.shape()) : 0,
                                 .scratch = {}};
  Tensor scratch;
  if (rule.NeedsScratch(gradient.sparse)) {
    scratch = Tensor(variable.dtype(), variable.shape());
    args.scratch = scratch.mutable_values<T>();
  }
  for (Tensor& slot : slots) {
    slot.MakeUnique();
    args.slots.push_back(slot.mutable_values<T>());
  }
  rule.Apply(args, gradient.sparse);
}

// What an assignment that the server took does to another copy.
void Change(Tensor& copy, const PushRequest::Assignment& a) {
  absl::StatusOr<std::vector<int64_t>> rows = std::vector<int64_t>();
  if (a.rows.defined()) rows = ToIndices(a.rows);
  ThrowIfError(rows.status());
  copy.MakeUnique();
  Combine(a.op, a.value, *rows, copy);
}

// Null: the variable is in none that is local.
const SyncGroup* FindLocalGroup(const std::vector<SyncGroup>& groups, const std::string& variable) {
  const SyncGroup* const group = FindGroup(groups, variable);
  return group != nullptr && group->local ? group : nullptr;
}

}  // namespace

std::optional<SyncGroup> LocalTraining::GroupOf(const std::string& variable) const {
  const RemoteStore::Groups groups = store_.groups();
  const SyncGroup* const group = FindLocalGroup(*groups, variable);
  return group != nullptr ? std::optional(*group) : std::nullopt;
}

bool LocalTraining::IsLocal(const std::string& variable) const {
  return FindLocalGroup(*store_.groups(), variable) != nullptr;
}

void LocalTraining::NoticeReconnection() {
  RemoteStore::Groups groups = store_.groups();
  if (groups == seen_) return;
  std::erase_if(replicas_, [&](const auto& replica) {
    return FindLocalGroup(*groups, replica.first) == nullptr;
  });
  const uint64_t losses = store_.losses();
  if (std::exchange(losses_seen_, losses) != losses || !ServerHasTheBases()) Forget();
  seen_ = std::move(groups);
}

bool LocalTraining::ServerHasTheBases() const {
  if (replicas_.empty()) return true;
  std::vector<std::string> names;
  names.reserve(replicas_.size());
  for (const auto& [name, replica] : replicas_) names.push_back(name);
  try {
    const PullResult now = store_.PullWhole(names);
    size_t next = 0;
    return std::all_of(replicas_.begin(), replicas_.end(), [&](const auto& replica) {
      const Replica& own = replica.second;
      const PulledValue& pulled = now[next++];
      const auto is = pulled.value.bytes();
      const auto was = own.base.bytes();
      // Others may have gone on from it while this worker was away: what it did is still to come.
      if (pulled.version > own.base_version) return true;
      return pulled.version == own.base_version &&
             std::equal(is.begin(), is.end(), was.begin(), was.end());
    });
  } catch (const NotFoundError&) {
    return false;  // it was created after the snapshot
  }
}

void LocalTraining::Forget() {
  for (const auto& [name, replica] : replicas_) {
    if (replica.was_read) forgotten_.insert(name);
  }
  replicas_.clear();
  inner_.clear();
  states_.clear();
}

std::optional<Tensor> LocalTraining::Read(const std::string& variable) {
  MutexLock lock(mutex_);
  NoticeReconnection();
  const auto it = replicas_.find(variable);
  if (it != replicas_.end()) {
    it->second.was_read = true;
    return it->second.value;
  }
  forgotten_.erase(variable);  // the run reads the server's
  return std::nullopt;
}

void LocalTraining::CheckIsOfNow(const PushRequest& push,
                                 const std::map<std::string, PulledValue>& pulled) {
  for (const PushRequest::Step& step : push.steps) {
    for (const PushRequest::Update& update : step.updates) {
      if (!forgotten_.contains(update.variable) || pulled.contains(update.variable)) continue;
      forgotten_.clear();  // the next run reads the server's
      throw AbortedError(absl::StrCat(
          "variable ", update.variable, ": the server's value is no longer the one that this ",
          "worker has trained from (the store was rolled back); what this run computed was not ",
          "applied, the next starts from there"));
    }
  }
}

LocalTraining::Replica& LocalTraining::ReplicaOf(const std::string& variable,
                                                 const std::map<std::string, PulledValue>& pulled) {
  const auto [it, fresh] = replicas_.try_emplace(variable);
  if (!fresh) return it->second;
  const auto known = pulled.find(variable);
  const PulledValue now = known != pulled.end() ? known->second : store_.PullWhole({variable})[0];
  it->second = {.base = now.value, .base_version = now.version, .value = now.value};
  return it->second;
}

std::optional<PushAnswer> LocalTraining::Step(const SyncGroup& group, const PushRequest& push,
                                              const std::map<std::string, PulledValue>& pulled) {
  MutexLock lock(mutex_);
  NoticeReconnection();
  CheckIsOfNow(push, pulled);
  const auto [it, fresh] = states_.try_emplace(group.prefix);
  GroupState& state = it->second;
  if (fresh) state.rounds = group.step;
  for (const PushRequest::Step& step : push.steps) {
    Apply(push, step, pulled);
    for (const PushRequest::Update& update : step.updates) {
      const auto at = std::lower_bound(state.trained.begin(), state.trained.end(), update.variable);
      if (at == state.trained.end() || *at != update.variable) {
        state.trained.insert(at, update.variable);
      }
    }
  }
  ++state.steps;
  if (state.steps % (group.local_steps / group.fragments) != 0) return std::nullopt;
  return Synchronize(group, state);
}

void LocalTraining::Apply(const PushRequest& push, const PushRequest::Step& step,
                          const std::map<std::string, PulledValue>& pulled) {
  const Optimizer* const rule = optimizers::FindOptimizer(step.state.optimizer);
  if (rule == nullptr) {
    throw InvalidArgumentError(absl::StrCat("unknown optimizer '", step.state.optimizer, "'"));
  }
  const Hyperparameters h = CheckedHyperparameters(*rule, step);
  std::vector<Gradient> gradients;
  gradients.reserve(step.updates.size());
  std::vector<Tensor*> values;
  values.reserve(step.updates.size());
  for (const PushRequest::Update& update : step.updates) {
    gradients.push_back(Prepare(push, update, ReplicaOf(update.variable, pulled).value));
  }
  for (Gradient& gradient : gradients) values.push_back(&gradient.values);
  ThrowIfError(optimizers::Clip(values, step.clip_value, step.clip_norm));

  const std::vector<StateDef> slot_defs = rule->slots(h);
  // As on the server, state with other slots is other state.
  Inner& inner =
      inner_[absl::StrCat(step.state.optimizer, "\n", step.state.name, "\n", step.state.instance,
                          "\n", step.state.group, "\n", slot_defs.size())];
  if (!std::exchange(inner.started, true)) {
    for (const StateDef& scalar : rule->non_slots) {
      inner.non_slots.push_back(optimizers::InitialValue(*rule, h, scalar));
    }
  }
  for (size_t i = 0; i < step.updates.size(); ++i) {
    Tensor& variable = ReplicaOf(step.updates[i].variable, pulled).value;
    const auto [slots, fresh] = inner.slots.try_emplace(step.updates[i].variable);
    if (fresh) {
      for (const StateDef& slot : slot_defs) {
        slots->second.push_back(
            Filled(variable.dtype(), variable.shape(), optimizers::InitialValue(*rule, h, slot)));
      }
    }
    std::vector<Tensor>& own = slots->second;
    VisitGradient(variable.dtype(), [&](auto tag) {
      RunRule<typename decltype(tag)::type>(*rule, h, inner.non_slots, variable, own, gradients[i],
                                            step.weight_decay);
    });
  }
  rule->finish(h, inner.non_slots);
}

std::vector<std::string> LocalTraining::Fragment(const SyncGroup& group,
                                                 const GroupState& state) const {
  uint64_t total = 0;
  for (const std::string& variable : state.trained) {
    total += replicas_.at(variable).value.byte_size();
  }
  // A variable is in the fragment in which its middle byte is.
  const uint64_t round = state.rounds % group.fragments;
  std::vector<std::string> fragment;
  uint64_t before = 0;
  for (const std::string& variable : state.trained) {
    const uint64_t bytes = replicas_.at(variable).value.byte_size();
    const uint64_t middle = before + bytes / 2;
    if (total == 0 || middle * group.fragments / total == round) fragment.push_back(variable);
    before += bytes;
  }
  return fragment;
}

PushAnswer LocalTraining::Synchronize(const SyncGroup& group, GroupState& state) {
  // One that was assigned to has no copy until now: it is the server's value.
  for (const std::string& variable : state.trained) ReplicaOf(variable, {});
  const std::vector<std::string> variables = Fragment(group, state);
  PushAnswer answer{.group_step = state.rounds + 1};
  if (variables.empty()) {
    ++state.rounds;
    return answer;
  }
  PushRequest push;
  PushRequest::Step& step = push.steps.emplace_back();
  step.state = group.outer;
  step.state.group = state.trained.front();
  for (const std::string& variable : variables) {
    const Replica& replica = replicas_.at(variable);
    step.updates.push_back({.variable = variable,
                            .gradient = Difference(replica.base, replica.value),
                            .rows = {},
                            .base_version = replica.base_version});
  }
  try {
    answer = store_.Push(push);
  } catch (const AbortedError&) {
    // What the copies began from may be no more.
    Forget();
    throw;
  }
  state.rounds = answer.group_step;
  const PullResult now = store_.PullWhole(variables);
  for (size_t i = 0; i < variables.size(); ++i) {
    replicas_[variables[i]] = {
        .base = now[i].value, .base_version = now[i].version, .value = now[i].value};
  }
  return answer;
}

void LocalTraining::Follow(const std::vector<PushRequest::Assignment>& assignments) {
  MutexLock lock(mutex_);
  for (const PushRequest::Assignment& assignment : assignments) {
    const auto it = replicas_.find(assignment.variable);
    using Op = AssignOp;
    // A variable with a copy has its initial value already.
    if (it == replicas_.end() || assignment.op == Op::kInitialize) continue;
    if (assignment.op == Op::kAssign) {
      replicas_.erase(it);
      continue;
    }
    // Both, so that the difference between them stays what the local steps have made.
    for (Tensor* const tensor : {&it->second.base, &it->second.value}) Change(*tensor, assignment);
  }
}

}  // namespace varscope::internal
