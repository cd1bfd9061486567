#include "client/rpc/convert.h"

#include <algorithm>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "proto/tensor/rows.h"
#include "proto/wire/convert.h"
#include "varscope/errors.h"

namespace varscope::internal {
namespace {

template <typename T>
T OrThrow(absl::StatusOr<T> value) {
  if (!value.ok())
    throw InternalError("the server's answer: " + std::string(value.status().message()));
  return *std::move(value);
}

void ToProto(const InitializerSpec& spec, v1::InitializerSpec* out) {
  out->set_kind(spec.kind);
  wire::ToProto(spec.parameters, out->mutable_parameters());
  out->set_mode(spec.mode);
  out->set_distribution(spec.distribution);
  if (spec.seed) out->set_seed(*spec.seed);
  if (spec.value.defined()) out->set_value(spec.value.raw(), spec.value.byte_size());
}

// int64 [n]. InvalidArgumentError for what has no indices, and where `values`, which the server
// will take for n rows, are not so many.
Tensor WireRows(const std::string& variable, const Tensor& rows, const Tensor& values) {
  if (values.shape().rank() == 0 || values.shape().dim(0) != rows.num_elements()) {
    throw InvalidArgumentError(absl::StrCat("variable ", variable, ": values of shape ",
                                            values.shape().ToString(), " come with ",
                                            rows.num_elements(), " indices"));
  }
  if (rows.dtype() == DType::kInt64 && rows.shape().rank() == 1) return rows;
  const absl::StatusOr<std::vector<int64_t>> numbers = ToIndices(rows);
  if (!numbers.ok()) {
    throw InvalidArgumentError(
        absl::StrCat("variable ", variable, ": ", numbers.status().message()));
  }
  return Tensor::Of<int64_t>(Shape{static_cast<int64_t>(numbers->size())}, *numbers);
}

// 1 + the number of rows; 0 without rows.
uint64_t IndexCountField(const Tensor& rows) {
  return rows.defined() ? static_cast<uint64_t>(rows.num_elements()) + 1 : 0;
}

void ToProto(const PushRequest::Step& step, const wire::Encoding* encodings,
             StreamVariables& variables, v1::FrameHeader& head, v1::OptimizerStep* out) {
  ToProto(step.state, out->mutable_state());
  out->mutable_clip()->set_norm(step.clip_norm);
  out->mutable_clip()->set_value(step.clip_value);
  out->set_weight_decay(step.weight_decay);
  wire::ToProto(step.creator, out->mutable_creator());
  for (const PushRequest::SlotCreation& creation : step.create_slots) {
    out->add_create_slots(variables.NumberOf(creation.variable, creation.slots, head));
  }
  const std::vector<PushRequest::Update>& updates = step.updates;
  const auto any = [&](auto&& has) { return std::any_of(updates.begin(), updates.end(), has); };
  const bool rows = any([](const auto& update) { return update.rows.defined(); });
  const bool versions = any([](const auto& update) { return update.base_version.has_value(); });
  const bool encoded = std::any_of(encodings, encodings + updates.size(),
                                   [](wire::Encoding e) { return e != wire::Encoding::kNone; });
  for (size_t i = 0; i < updates.size(); ++i) {
    const PushRequest::Update& update = updates[i];
    out->add_variables(variables.NumberOf({update.variable, update.slots, update.gradient.dtype(),
                                           update.gradient.shape(), update.rows.defined()},
                                          head));
    if (rows) out->add_index_counts(IndexCountField(update.rows));
    if (versions) out->add_base_versions(update.base_version ? *update.base_version + 1 : 0);
    if (encoded) out->add_encodings(static_cast<v1::Encoding>(encodings[i]));
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
  out->set_worker_initialized(d.worker_initialized);
  out->set_unpartitioned(d.unpartitioned);
  wire::ToProto(d.creator, out->mutable_creator());
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
  wire::ToProto(state.hyperparameters, out->mutable_hyperparameters());
  out->set_name(state.name);
  out->set_instance(state.instance);
  out->set_group(state.group);
  out->mutable_non_slots()->Assign(state.non_slots.begin(), state.non_slots.end());
}

PushTensors TensorsOf(const PushRequest& request) {
  PushTensors out;
  for (const PushRequest::Step& step : request.steps) {
    for (const PushRequest::Update& update : step.updates) {
      if (update.rows.defined()) {
        out.tensors.push_back(WireRows(update.variable, update.rows, update.gradient));
      }
      out.tensors.push_back(update.gradient);
      out.encodings.push_back(wire::Encoding::kNone);
    }
  }
  for (const PushRequest::Assignment& assignment : request.assignments) {
    if (assignment.rows.defined()) {
      out.tensors.push_back(WireRows(assignment.variable, assignment.rows, assignment.value));
    }
    out.tensors.push_back(assignment.value);
  }
  return out;
}

void ToProto(const PushRequest& request, const PushTensors& tensors, StreamVariables& variables,
             v1::FrameHeader* head) {
  v1::PushHead* const push = head->mutable_push();
  push->set_allow_nonfinite(request.allow_nonfinite);
  const wire::Encoding* encodings = tensors.encodings.data();
  for (const PushRequest::Step& step : request.steps) {
    ToProto(step, encodings, variables, *head, push->add_steps());
    encodings += step.updates.size();
  }
  for (const PushRequest::Assignment& assignment : request.assignments) {
    static const std::vector<std::string> kNoSlots;
    const Tensor& value = assignment.value;
    v1::Assignment* const a = push->add_assignments();
    a->set_variable(variables.NumberOf(
        {assignment.variable, kNoSlots, value.dtype(), value.shape(), assignment.rows.defined()},
        *head));
    a->set_op(static_cast<v1::Assignment::Op>(assignment.op));
    a->set_index_count(IndexCountField(assignment.rows));
  }
}

Resolved FromProto(const v1::Resolution& r) {
  Resolved out;
  if (!v1::Resolution::Outcome_IsValid(r.outcome())) {
    throw InternalError(
        absl::StrCat("the server resolved a name to an unknown outcome, ", r.outcome()));
  }
  out.outcome = static_cast<Resolved::Outcome>(r.outcome());
  for (const v1::VariableInfo& info : r.variables()) {
    out.variables.push_back({info.name(), OrThrow(wire::FromProto(info.dtype())),
                             OrThrow(wire::FromProto(info.shape())), info.trainable(),
                             wire::FromProto(info.creator())});
  }
  const bool present =
      out.outcome == Resolved::Outcome::kCreated || out.outcome == Resolved::Outcome::kAttached;
  if (present && out.variables.empty())
    throw InternalError("the server resolved a name to no variable");
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
      throw InternalError("the server's partitions do not add up");
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
          .state_key = info.state_key(),
          .state_index = info.state_index(),
          .non_slot = info.non_slot(),
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
  out.outer.hyperparameters = wire::FromProto(group.outer().hyperparameters());
  return out;
}

}  // namespace varscope::internal
