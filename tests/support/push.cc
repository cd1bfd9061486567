#include "tests/support/push.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "proto/tensor/rows.h"
#include "proto/wire/convert.h"
#include "server/push/resolve.h"
#include "server/push/validate.h"
#include "server/store/read.h"

namespace varscope::server {
namespace {

constexpr uint64_t kMaxBytes = uint64_t{1} << 34;

// A variable that gets `value`, or rows of it: its number. The tensors go to `sent`.
uint32_t Add(const std::string& name, const std::vector<std::string>& slots, const Tensor& value,
             const std::optional<Tensor>& rows, SentPush& sent) {
  v1::NamedVariable& named = *sent.head.add_variables();
  named.set_name(name);
  named.mutable_slots()->Assign(slots.begin(), slots.end());
  named.set_dtype(wire::ToProto(value.dtype()));
  wire::ToProto(value.shape(), named.mutable_shape());
  if (rows) {
    if (value.shape().rank() > 0) named.mutable_shape()->set_dims(0, -1);
    const bool travels = rows->dtype() != DType::kInt32 && rows->shape().rank() == 1;
    const auto numbers = travels ? std::vector<int64_t>() : ToIndices(*rows).value();
    sent.tensors.push_back(
        travels ? *rows
                : Tensor::Of<int64_t>(Shape{static_cast<int64_t>(numbers.size())}, numbers));
  }
  sent.tensors.push_back(value);
  return sent.head.variables_size() - 1;
}

uint64_t IndexCountField(const std::optional<Tensor>& rows) {
  return rows ? static_cast<uint64_t>(rows->num_elements()) + 1 : 0;
}

void Add(const OptimizerStep& step, SentPush& sent, v1::OptimizerStep* out) {
  v1::OptimizerState* const state = out->mutable_state();
  state->set_optimizer(step.state.optimizer);
  wire::ToProto(step.state.hyperparameters, state->mutable_hyperparameters());
  state->set_name(step.state.name);
  state->set_instance(step.state.instance);
  state->set_group(step.state.group);
  state->mutable_non_slots()->Assign(step.state.non_slots.begin(), step.state.non_slots.end());
  out->mutable_clip()->set_norm(step.clip_norm);
  out->mutable_clip()->set_value(step.clip_value);
  out->set_weight_decay(step.weight_decay);
  wire::ToProto(step.creator, out->mutable_creator());
  for (const GradientUpdate& update : step.updates) {
    out->add_variables(Add(update.variable, update.slots, update.gradient, update.rows, sent));
    out->add_index_counts(IndexCountField(update.rows));
    out->add_base_versions(update.base_version ? *update.base_version + 1 : 0);
  }
  for (const SlotRequest& creation : step.create_slots) {
    v1::NamedVariable& named = *sent.head.add_variables();
    named.set_name(creation.variable);
    named.mutable_slots()->Assign(creation.slots.begin(), creation.slots.end());
    out->add_create_slots(sent.head.variables_size() - 1);
  }
}

}  // namespace

void NameState(OptimizerStep& step, absl::FunctionRef<const char*()> scope) {
  const optimizers::Optimizer& optimizer = *optimizers::FindOptimizer(step.state.optimizer);
  const auto hyperparameters =
      optimizers::ReadHyperparameters(optimizer, step.state.hyperparameters, DType::kFloat64);
  if (!hyperparameters.ok()) return;
  const std::string below = scope();
  const size_t slots = optimizer.slots(*hyperparameters).size();
  const auto names = [&](const std::string& variable) {
    const std::string first = absl::StrCat(below, variable, "/", step.state.name);
    std::vector<std::string> names;
    for (size_t i = 0; i < slots; ++i) {
      names.push_back(i == 0 ? first : absl::StrCat(first, "_", i));
    }
    return names;
  };
  for (const optimizers::StateDef& scalar : optimizer.non_slots) {
    step.state.non_slots.push_back(absl::StrCat(below, scalar.name));
  }
  for (GradientUpdate& update : step.updates) update.slots = names(update.variable);
  for (SlotRequest& creation : step.create_slots) creation.slots = names(creation.variable);
}

SentPush Send(const Push& push) {
  SentPush sent;
  v1::PushHead* const head = sent.head.mutable_push();
  head->set_sequence(push.id.sequence);
  head->set_allow_nonfinite(push.allow_nonfinite);
  for (const OptimizerStep& step : push.steps) Add(step, sent, head->add_steps());
  for (const Assignment& assignment : push.assignments) {
    v1::Assignment* const a = head->add_assignments();
    a->set_op(static_cast<v1::Assignment::Op>(assignment.op));
    a->set_variable(Add(assignment.variable, {}, assignment.value, assignment.rows, sent));
    a->set_index_count(IndexCountField(assignment.rows));
  }
  return sent;
}

Tensor ValueOf(const Store& store, const std::string& name) {
  return ReadTogether(std::vector{store.catalog.Find(name).value().get()}).value().front().value;
}

absl::StatusOr<ResolvedPush> Resolved(const Store& store, const Push& push) {
  const Creator worker = push.steps.empty() ? Creator{} : push.steps.front().creator;
  const SentPush sent = Send(push);
  StreamVariables variables;
  const Caller caller{push.id.worker_id, push.id.incarnation};
  absl::Status named = variables.Add(store.catalog, sent.head.variables(), caller);
  if (!named.ok()) return named;
  std::vector<wire::IncomingTensor> tensors;
  absl::StatusOr<ResolvedPush> resolved =
      Resolve(variables, sent.head.push(), caller, worker, kMaxBytes, tensors);
  if (!resolved.ok()) return resolved;
  // What the reader of frames would refuse.
  for (size_t i = 0; i < tensors.size(); ++i) {
    const Tensor& tensor = sent.tensors[i];
    if (tensors[i].dtype == tensor.dtype() && tensors[i].shape == tensor.shape()) continue;
    return absl::InvalidArgumentError(absl::StrCat(
        "variable ", tensors[i].variable, ": the push sends ", sent.tensors[i].shape().ToString(),
        ", expected ", tensors[i].shape.ToString()));
  }
  return resolved;
}

absl::StatusOr<ValidPush> Validated(const Store& store, const Push& push) {
  absl::StatusOr<ResolvedPush> resolved = Resolved(store, push);
  if (!resolved.ok()) return resolved.status();
  return Validate(*std::move(resolved), Send(push).tensors, /*verified_finite=*/false, {});
}

absl::StatusOr<LockedPush> Locked(Store& store, const Push& push) {
  absl::StatusOr<ValidPush> valid = Validated(store, push);
  if (!valid.ok()) return valid.status();
  absl::StatusOr<CompletionRecords::InFlightPush> in_flight_push =
      store.completion_records.Begin(push.id);
  if (!in_flight_push.ok()) return in_flight_push.status();
  return Lock(store, *std::move(valid), *std::move(in_flight_push));
}

absl::StatusOr<PushResult> Apply(Store& store, const Push& push) {
  const absl::StatusOr<ChangesLock> changes = store.changes.Lock();
  if (!changes.ok()) return changes.status();
  absl::StatusOr<CompletionRecords::InFlightPush> in_flight_push =
      store.completion_records.Begin(push.id);
  if (!in_flight_push.ok()) return in_flight_push.status();
  if (in_flight_push->cached_result()) return *in_flight_push->cached_result();
  absl::StatusOr<ValidPush> valid = Validated(store, push);
  if (!valid.ok()) return valid.status();
  return Apply(store, *std::move(valid), *std::move(in_flight_push));
}

void Submit(Synchronizer& synchronizer, const Store& store, const Push& push, PushDone done,
            uint64_t timeout_ms) {
  absl::StatusOr<ResolvedPush> resolved = Resolved(store, push);
  if (!resolved.ok()) return done(resolved.status());
  synchronizer.Submit(*std::move(resolved), Send(push).tensors, /*verified_finite=*/false,
                      std::move(done), timeout_ms);
}

}  // namespace varscope::server
