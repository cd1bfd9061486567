#include "server/codec/push.h"

#include "absl/strings/str_cat.h"
#include "proto/core/names.h"
#include "proto/wire/convert.h"

namespace varscope::server::codec {
namespace {

OptimizerStateRequest FromProto(const v1::OptimizerState& state) {
  return {.optimizer = state.optimizer(),
          .hyperparameters = {state.hyperparameters().begin(), state.hyperparameters().end()},
          .name = state.name().empty() ? state.optimizer() : state.name(),
          .instance = state.instance(),
          .group = state.group(),
          .scalars = {state.scalars().begin(), state.scalars().end()}};
}

// Collects the tensors of a push and their specifications.
class Tensors {
 public:
  Tensors(google::protobuf::RepeatedPtrField<v1::TensorSpec>* specs, std::vector<Tensor>* tensors)
      : specs_(specs), tensors_(tensors) {}
  uint32_t Add(const Tensor& tensor) {
    v1::TensorSpec* const spec = specs_->Add();
    spec->set_dtype(wire::ToProto(tensor.dtype()));
    wire::ToProto(tensor.shape(), spec->mutable_shape());
    tensors_->push_back(tensor);
    return static_cast<uint32_t>(tensors_->size() - 1);
  }

 private:
  google::protobuf::RepeatedPtrField<v1::TensorSpec>* specs_;
  std::vector<Tensor>* tensors_;
};

void ToProto(const OptimizerStep& step, Tensors& tensors, v1::OptimizerStep* out) {
  v1::OptimizerState* const state = out->mutable_state();
  state->set_optimizer(step.state.optimizer);
  for (const auto& [name, value] : step.state.hyperparameters) {
    (*state->mutable_hyperparameters())[name] = value;
  }
  state->set_name(step.state.name);
  state->set_instance(step.state.instance);
  state->set_group(step.state.group);
  state->mutable_scalars()->Assign(step.state.scalars.begin(), step.state.scalars.end());
  out->mutable_clip()->set_norm(step.clip_norm);
  out->mutable_clip()->set_value(step.clip_value);
  out->set_weight_decay(step.weight_decay);
  for (const SlotRequest& bound : step.bind) {
    out->add_bind(bound.variable);
    out->add_bind_slots()->mutable_names()->Assign(bound.slots.begin(), bound.slots.end());
  }
  wire::ToProto(step.definer, out->mutable_definer());
  for (const GradientUpdate& update : step.updates) {
    v1::Update* const u = out->add_updates();
    u->set_variable(update.variable);
    u->set_gradient(tensors.Add(update.gradient));
    if (update.rows) u->set_rows(tensors.Add(*update.rows));
    if (update.base_version) u->set_base_version(*update.base_version);
    u->mutable_slots()->Assign(update.slots.begin(), update.slots.end());
  }
}

}  // namespace

Definer DefinerAt(const v1::Definer& where, Definer worker) {
  worker.file = PrintablePath(where.file());
  worker.line = where.line();
  worker.time_unix_micros = where.time_unix_micros();
  return worker;
}

absl::StatusOr<Push> FromProto(const v1::PushHead& head, const std::vector<Tensor>& tensors,
                               const Definer& worker) {
  Push push;
  push.id = {head.worker_id(), head.incarnation(), head.sequence()};
  push.allow_nonfinite = head.allow_nonfinite();
  const auto tensor = [&](uint32_t index) { return tensors[index]; };
  const auto rows = [&](const auto& use) {
    return use.has_rows() ? std::optional<Tensor>(tensor(use.rows())) : std::nullopt;
  };
  for (const v1::OptimizerStep& s : head.steps()) {
    OptimizerStep step{.state = FromProto(s.state()),
                       .clip_norm = s.clip().norm(),
                       .clip_value = s.clip().value(),
                       .weight_decay = s.weight_decay(),
                       .definer = DefinerAt(s.definer(), worker)};
    if (step.state.group.empty() && s.updates_size() > 0) {
      step.state.group = s.updates(0).variable();
    }
    if (step.state.group.empty() && s.bind_size() > 0) step.state.group = s.bind(0);
    for (const v1::Update& u : s.updates()) {
      step.updates.push_back({u.variable(), tensor(u.gradient()), rows(u),
                              u.has_base_version() ? std::optional(u.base_version()) : std::nullopt,
                              SlotNames(u.slots().begin(), u.slots().end())});
    }
    for (int i = 0; i < s.bind_size(); ++i) {
      SlotRequest& bound = step.bind.emplace_back(SlotRequest{s.bind(i)});
      if (i >= s.bind_slots_size()) continue;
      bound.slots = {s.bind_slots(i).names().begin(), s.bind_slots(i).names().end()};
    }
    push.steps.push_back(std::move(step));
  }
  for (const v1::Assignment& a : head.assignments()) {
    if (!v1::Assignment::Op_IsValid(a.op())) {
      return absl::InvalidArgumentError(
          absl::StrCat("variable ", Printable(a.variable()), ": unknown assignment"));
    }
    push.assignments.push_back(
        {a.variable(), static_cast<AssignOp>(a.op()), tensor(a.value()), rows(a)});
  }
  return push;
}

void ToProto(const Push& push, v1::PushHead* head,
             google::protobuf::RepeatedPtrField<v1::TensorSpec>* specs,
             std::vector<Tensor>* tensors) {
  Tensors collected(specs, tensors);
  head->set_worker_id(push.id.worker_id);
  head->set_incarnation(push.id.incarnation);
  head->set_sequence(push.id.sequence);
  head->set_allow_nonfinite(push.allow_nonfinite);
  for (const OptimizerStep& step : push.steps) ToProto(step, collected, head->add_steps());
  for (const Assignment& assignment : push.assignments) {
    v1::Assignment* const a = head->add_assignments();
    a->set_variable(assignment.variable);
    a->set_op(static_cast<v1::Assignment::Op>(assignment.op));
    a->set_value(collected.Add(assignment.value));
    if (assignment.rows) a->set_rows(collected.Add(*assignment.rows));
  }
}

void ToProto(const Applied& applied, v1::PushResponse* out) {
  out->set_global_step(applied.global_step);
  out->set_outcome(static_cast<v1::PushResponse::Outcome>(applied.outcome));
  out->set_staleness(applied.staleness);
  out->set_group_step(applied.group_step);
  for (uint64_t version : applied.versions) out->add_applied()->set_version(version);
}

Applied FromProto(const v1::PushResponse& response) {
  Applied applied{.global_step = response.global_step(),
                  .group_step = response.group_step(),
                  .outcome = static_cast<Outcome>(response.outcome()),
                  .staleness = response.staleness()};
  for (const v1::PushResponse::Applied& a : response.applied()) {
    applied.versions.push_back(a.version());
  }
  return applied;
}

}  // namespace varscope::server::codec
