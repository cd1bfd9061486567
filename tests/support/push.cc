#include "tests/support/push.h"

#include <shared_mutex>
#include <utility>

#include "proto/wire/convert.h"
#include "server/push/resolve.h"
#include "server/push/validate.h"

namespace varscope::server {
namespace {

constexpr uint64_t kMaxBytes = uint64_t{1} << 34;

uint32_t Add(const Tensor& tensor, SentPush& sent) {
  v1::TensorSpec* const spec = sent.head.add_tensors();
  spec->set_dtype(wire::ToProto(tensor.dtype()));
  wire::ToProto(tensor.shape(), spec->mutable_shape());
  sent.tensors.push_back(tensor);
  return static_cast<uint32_t>(sent.tensors.size() - 1);
}

void Add(const OptimizerStep& step, SentPush& sent, v1::OptimizerStep* out) {
  v1::OptimizerState* const state = out->mutable_state();
  state->set_optimizer(step.state.optimizer);
  state->mutable_hyperparameters()->insert(step.state.hyperparameters.begin(),
                                           step.state.hyperparameters.end());
  state->set_name(step.state.name);
  state->set_instance(step.state.instance);
  state->set_group(step.state.group);
  state->mutable_scalars()->Assign(step.state.scalars.begin(), step.state.scalars.end());
  out->mutable_clip()->set_norm(step.clip_norm);
  out->mutable_clip()->set_value(step.clip_value);
  out->set_weight_decay(step.weight_decay);
  wire::ToProto(step.definer, out->mutable_definer());
  for (const GradientUpdate& update : step.updates) {
    v1::Update* const u = out->add_updates();
    u->set_variable(update.variable);
    u->set_gradient(Add(update.gradient, sent));
    if (update.rows) u->set_rows(Add(*update.rows, sent));
    if (update.base_version) u->set_base_version(*update.base_version);
    u->mutable_slots()->Assign(update.slots.begin(), update.slots.end());
  }
  for (const SlotRequest& bound : step.bind) {
    out->add_bind(bound.variable);
    out->add_bind_slots()->mutable_names()->Assign(bound.slots.begin(), bound.slots.end());
  }
}

}  // namespace

SentPush Send(const Push& push) {
  SentPush sent;
  v1::PushHead* const head = sent.head.mutable_push();
  head->set_worker_id(push.id.worker_id);
  head->set_incarnation(push.id.incarnation);
  head->set_sequence(push.id.sequence);
  head->set_allow_nonfinite(push.allow_nonfinite);
  for (const OptimizerStep& step : push.steps) Add(step, sent, head->add_steps());
  for (const Assignment& assignment : push.assignments) {
    v1::Assignment* const a = head->add_assignments();
    a->set_variable(assignment.variable);
    a->set_op(static_cast<v1::Assignment::Op>(assignment.op));
    a->set_value(Add(assignment.value, sent));
    if (assignment.rows) a->set_rows(Add(*assignment.rows, sent));
  }
  return sent;
}

absl::StatusOr<ResolvedPush> Resolved(const Store& store, const Push& push) {
  const Definer worker = push.steps.empty() ? Definer{} : push.steps.front().definer;
  return Resolve(store, Send(push).head, worker, kMaxBytes);
}

absl::StatusOr<ValidPush> Validated(const Store& store, const Push& push) {
  absl::StatusOr<ResolvedPush> resolved = Resolved(store, push);
  if (!resolved.ok()) return resolved.status();
  return Validate(*std::move(resolved), Send(push).tensors, /*known_finite=*/false, {});
}

absl::StatusOr<LockedPush> Locked(Store& store, const Push& push) {
  absl::StatusOr<ValidPush> valid = Validated(store, push);
  if (!valid.ok()) return valid.status();
  std::vector<Ledger::Admission> admissions;
  absl::StatusOr<Ledger::Admission> admission = store.ledger().Begin(push.id);
  if (!admission.ok()) return admission.status();
  admissions.push_back(*std::move(admission));
  return Lock(store, *std::move(valid), std::move(admissions));
}

absl::StatusOr<Applied> Apply(Store& store, const Push& push) {
  const std::shared_lock changes = store.LockChanges();
  absl::StatusOr<Ledger::Admission> admission = store.ledger().Begin(push.id);
  if (!admission.ok()) return admission.status();
  if (admission->earlier()) return *admission->earlier();
  absl::StatusOr<ValidPush> valid = Validated(store, push);
  if (!valid.ok()) return valid.status();
  return Apply(store, *std::move(valid), *std::move(admission));
}

void Submit(Synchronizer& synchronizer, const Store& store, const Push& push, PushDone done) {
  absl::StatusOr<ResolvedPush> resolved = Resolved(store, push);
  if (!resolved.ok()) return done(resolved.status());
  synchronizer.Submit(*std::move(resolved), Send(push).tensors, /*known_finite=*/false,
                      std::move(done));
}

}  // namespace varscope::server
