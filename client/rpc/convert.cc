#include "client/rpc/convert.h"

#include <algorithm>

#include "absl/status/statusor.h"
#include "proto/wire/convert.h"
#include "varscope/errors.h"

namespace varscope::internal {
namespace {

template <typename T>
T OrThrow(absl::StatusOr<T> value) {
  if (!value.ok()) throw OpError("the server's answer: " + std::string(value.status().message()));
  return *std::move(value);
}

void ToProto(const InitializerSpec& spec, v1::InitializerSpec* out) {
  out->set_kind(spec.kind);
  for (const auto& [name, value] : spec.parameters) (*out->mutable_parameters())[name] = value;
  out->set_mode(spec.mode);
  out->set_distribution(spec.distribution);
  if (spec.seed) out->set_seed(*spec.seed);
  if (spec.value.defined()) out->set_value(spec.value.raw(), spec.value.byte_size());
}

// Collects the tensors of a push and their specifications.
class Tensors {
 public:
  Tensors(v1::FrameHeader* head, std::vector<Tensor>* tensors) : head_(head), tensors_(tensors) {}
  uint32_t Add(const std::string& name, const Tensor& tensor) {
    v1::TensorSpec* const spec = head_->add_tensors();
    spec->set_name(name);
    spec->set_dtype(wire::ToProto(tensor.dtype()));
    wire::ToProto(tensor.shape(), spec->mutable_shape());
    tensors_->push_back(tensor);
    return static_cast<uint32_t>(tensors_->size() - 1);
  }

 private:
  v1::FrameHeader* head_;
  std::vector<Tensor>* tensors_;
};

void ToProto(const PushRequest::Step& step, Tensors& tensors, v1::OptimizerStep* out) {
  ToProto(step.state, out->mutable_state());
  out->mutable_clip()->set_norm(step.clip_norm);
  out->mutable_clip()->set_value(step.clip_value);
  out->set_weight_decay(step.weight_decay);
  wire::ToProto(step.definer, out->mutable_definer());
  for (const PushRequest::Binding& bound : step.bind) {
    out->add_bind(bound.variable);
    out->add_bind_slots()->mutable_names()->Assign(bound.slots.begin(), bound.slots.end());
  }
  for (const PushRequest::Update& update : step.updates) {
    v1::Update* const u = out->add_updates();
    u->set_variable(update.variable);
    u->set_gradient(tensors.Add(update.variable, update.gradient));
    if (update.rows.defined()) u->set_rows(tensors.Add(update.variable, update.rows));
    if (update.base_version) u->set_base_version(*update.base_version);
    u->mutable_slots()->Assign(update.slots.begin(), update.slots.end());
  }
}

}  // namespace

void ToProto(const Definition& d, v1::VariableDefinition* out) {
  out->set_kind(d.key.empty() ? v1::KIND_UNIQUE : v1::KIND_SHARED);
  out->set_key(d.key);
  out->set_name(d.name);
  out->set_dtype(wire::ToProto(d.dtype));
  if (d.trainable) out->set_trainable(*d.trainable);
  out->set_reuse(static_cast<v1::Reuse>(d.reuse));
  out->set_deferred_value(d.deferred_value);
  out->set_whole(d.whole);
  wire::ToProto(d.definer, out->mutable_definer());
  if (d.initializer) ToProto(*d.initializer, out->mutable_initializer());
  // An unknown rank says as much as no shape.
  const bool shaped = d.shape && d.shape->known_rank();
  if (!d.partitions) {
    if (shaped) wire::ToProto(*d.shape, out->mutable_shape());
    return;
  }
  v1::PartitionSpec* const partitioning = out->mutable_partitioning();
  if (shaped) wire::ToProto(*d.shape, partitioning->mutable_full_shape());
  partitioning->mutable_partitions()->Assign(d.partitions->begin(), d.partitions->end());
  out->mutable_part_names()->Assign(d.part_names.begin(), d.part_names.end());
}

void ToProto(const OptimizerState& state, v1::OptimizerState* out) {
  out->set_optimizer(state.optimizer);
  for (const auto& [name, value] : state.hyperparameters) {
    (*out->mutable_hyperparameters())[name] = value;
  }
  out->set_name(state.name);
  out->set_instance(state.instance);
  out->set_group(state.group);
  out->mutable_scalars()->Assign(state.scalars.begin(), state.scalars.end());
}

void ToProto(const PushRequest& request, v1::FrameHeader* head, std::vector<Tensor>* tensors) {
  Tensors collected(head, tensors);
  v1::PushHead* const push = head->mutable_push();
  push->set_allow_nonfinite(request.allow_nonfinite);
  for (const PushRequest::Step& step : request.steps) ToProto(step, collected, push->add_steps());
  for (const PushRequest::Assignment& assignment : request.assignments) {
    v1::Assignment* const a = push->add_assignments();
    a->set_variable(assignment.variable);
    a->set_op(static_cast<v1::Assignment::Op>(assignment.op));
    a->set_value(collected.Add(assignment.variable, assignment.value));
    if (assignment.rows.defined()) {
      a->set_rows(collected.Add(assignment.variable, assignment.rows));
    }
  }
}

Resolved FromProto(const v1::Resolution& r) {
  Resolved out;
  out.outcome = static_cast<Resolved::Outcome>(r.outcome());
  for (const v1::VariableInfo& info : r.variables()) {
    out.variables.push_back({info.name(), OrThrow(wire::FromProto(info.dtype())),
                             OrThrow(wire::FromProto(info.shape())), info.trainable(),
                             wire::FromProto(info.definer())});
  }
  const bool present =
      out.outcome == Resolved::Outcome::kCreated || out.outcome == Resolved::Outcome::kAttached;
  if (present && out.variables.empty()) throw OpError("the server resolved a name to no variable");
  if (r.has_partitioning() && present) {
    const v1::PartitionSpec& p = r.partitioning();
    out.partitioning = KnownPartitioned{out.variables.front().dtype,
                                        OrThrow(wire::FromProto(p.full_shape())),
                                        {p.partitions().begin(), p.partitions().end()}};
    const absl::Status valid =
        ValidatePartitions(out.partitioning->full_shape, out.partitioning->partitions);
    if (!valid.ok() ||
        Slice("", out.partitioning->full_shape, out.partitioning->partitions).size() !=
            out.variables.size()) {
      throw OpError("the server's partitions do not add up");
    }
  }
  out.message = r.message();
  out.detail = r.detail();
  out.warning = r.warning();
  return out;
}

ListedVariable FromProto(const v1::VariableInfo& info) {
  const bool slot = info.kind() == v1::KIND_SLOT;
  return {.name = info.name(),
          .key = info.key(),
          .primary = slot ? info.primary() : "",
          .dtype = OrThrow(wire::FromProto(info.dtype())),
          .shape = OrThrow(wire::FromProto(info.shape())),
          .initialized = info.initialized()};
}

SyncGroup FromProto(const v1::SyncGroup& group) {
  SyncGroup out{.prefix = group.prefix(),
                .local = group.mode() == v1::SYNC_LOCAL,
                .in_step = group.mode() == v1::SYNC_BSP || group.mode() == v1::SYNC_LOCAL,
                .step = group.step(),
                .local_steps = std::max(1U, group.local_steps()),
                .fragments = std::clamp(group.fragments(), 1U, std::max(1U, group.local_steps()))};
  out.outer.optimizer = group.outer().optimizer();
  out.outer.name = group.outer().name();
  out.outer.hyperparameters = {group.outer().hyperparameters().begin(),
                               group.outer().hyperparameters().end()};
  return out;
}

}  // namespace varscope::internal
