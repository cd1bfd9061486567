#include "server/rpc/convert.h"

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "proto/naming/names.h"
#include "proto/tensor/rows.h"
#include "proto/tensor/shape_rules.h"
#include "proto/wire/convert.h"
#include "server/codec/initializer.h"
#include "server/sync/outer.h"

namespace varscope::server {
namespace {

// What has no length of its own in one of a message's parts, and in each of its numbers.
constexpr uint64_t kAnswerPartBytes = 1024;
constexpr uint64_t kAnswerNumberBytes = 32;

// In the message, grown in steps, and on the wire.
template <typename... Texts>
uint64_t BytesOfTexts(const Texts&... texts) {
  return 3 * (texts.size() + ... + uint64_t{0});
}

uint64_t AnswerBytesOf(const Creator& creator) {
  return BytesOfTexts(creator.worker_id, creator.host, creator.file);
}

}  // namespace

uint64_t AnswerBytesOf(const Variable& variable) {
  const VariableDefinition& def = variable.def;
  return kAnswerPartBytes + BytesOfTexts(def.name, def.key, def.primary, def.initializer) +
         AnswerBytesOf(def.creator) + kAnswerNumberBytes * def.shape.dims().size();
}

uint64_t AnswerBytesOf(const Resolution& resolution) {
  uint64_t bytes = kAnswerPartBytes;
  // What is refused is told with escaped bytes (Utf8), four for one.
  bytes += 4 * BytesOfTexts(resolution.message, resolution.detail, resolution.warning);
  for (const VariablePtr& variable : resolution.variables) bytes += AnswerBytesOf(*variable);
  for (const Creator& creator : resolution.creators)
    bytes += kAnswerPartBytes + AnswerBytesOf(creator);
  if (resolution.partitioning) {
    bytes += kAnswerNumberBytes * (resolution.partitioning->full_shape.dims().size() +
                                   resolution.partitioning->partitions.size());
  }
  return bytes;
}

uint64_t AnswerBytesOf(const SnapshotInfo& info) {
  return kAnswerPartBytes + 4 * BytesOfTexts(info.name, info.damage);
}

uint64_t AnswerBytesOf(const GroupStatus& group) {
  return 2 * kAnswerPartBytes +
         BytesOfTexts(group.options.prefix, group.options.spec, group.waits.text);
}

absl::StatusOr<ResolveRequest> FromProto(const v1::VariableDefinition& d) {
  ResolveRequest out;
  if (!v1::VariableKind_IsValid(d.kind()) || !v1::Reuse_IsValid(d.reuse())) {
    return absl::InvalidArgumentError(absl::StrCat(
        "kind ", static_cast<int>(d.kind()), " with reuse ", static_cast<int>(d.reuse()),
        ": at least one of them is none that this server knows"));
  }
  out.kind = static_cast<VariableKind>(d.kind());
  out.name = d.name();
  out.request.key = d.key();
  const absl::StatusOr<DType> dtype = wire::FromProto(d.dtype());
  if (!dtype.ok()) return dtype.status();
  out.request.dtype = *dtype;
  out.request.reuse = static_cast<Reuse>(d.reuse());
  const v1::Shape* shape = d.has_shape() ? &d.shape() : nullptr;
  if (d.has_partitioning()) {
    const v1::PartitionSpec& p = d.partitioning();
    out.request.partitions.emplace(p.partitions().begin(), p.partitions().end());
    shape = p.has_full_shape() ? &p.full_shape() : nullptr;
  }
  if (shape != nullptr) {
    absl::StatusOr<Shape> read = wire::FromProto(*shape);
    if (!read.ok()) return read.status();
    out.request.shape = *std::move(read);
  }
  if (d.has_trainable()) out.trainable = d.trainable();
  out.worker_initialized = d.worker_initialized();
  out.request.unpartitioned = d.unpartitioned();
  out.part_names = {d.part_names().begin(), d.part_names().end()};
  if (d.has_initializer()) {
    auto initializer = codec::FromProto(d.initializer(), *dtype, out.request.shape);
    if (!initializer.ok()) return initializer.status();
    out.initializer = *std::move(initializer);
  }
  return out;
}

void ToProto(Variable& variable, v1::VariableInfo* out) {
  const VariableDefinition& def = variable.def;
  out->set_name(def.name);
  out->set_key(def.key);
  out->set_kind(static_cast<v1::VariableKind>(def.kind));
  out->set_dtype(wire::ToProto(def.dtype));
  wire::ToProto(def.shape, out->mutable_shape());
  out->set_trainable(def.trainable);
  out->set_primary(def.primary);
  wire::ToProto(def.creator, out->mutable_creator());
  out->set_initializer(def.initializer);
  out->set_seed(def.seed);
  out->set_pulls(variable.pulls.load());
  out->set_pushes(variable.pushes.load());
  out->set_bytes_pulled(variable.bytes_pulled.load());
  out->set_bytes_pushed(variable.bytes_pushed.load());
  MutexLock lock(variable.mutex);
  out->set_version(variable.version);
  out->set_initialized(variable.initialized);
  out->set_bytes(variable.value.byte_size());
}

void ToProto(const Resolution& resolution, v1::Resolution* out) {
  out->set_outcome(static_cast<v1::Resolution::Outcome>(resolution.outcome));
  for (const VariablePtr& variable : resolution.variables) {
    ToProto(*variable, out->add_variables());
  }
  if (resolution.partitioning) {
    v1::PartitionSpec* const p = out->mutable_partitioning();
    wire::ToProto(resolution.partitioning->full_shape, p->mutable_full_shape());
    const std::vector<int64_t>& partitions = resolution.partitioning->partitions;
    p->mutable_partitions()->Assign(partitions.begin(), partitions.end());
  }
  out->set_message(Utf8(resolution.message));
  out->set_detail(Utf8(resolution.detail));
  out->set_warning(Utf8(resolution.warning));
  for (const Creator& creator : resolution.creators) wire::ToProto(creator, out->add_creators());
}

void ToProto(const SnapshotInfo& info, v1::ListSnapshotsResponse::Snapshot* out) {
  out->set_name(info.name);
  out->set_position(info.position);
  out->set_time_unix_micros(info.time_unix_micros);
  out->set_global_step(info.global_step);
  out->set_bytes(info.bytes);
  out->set_variables(info.variables);
  out->set_damage(Utf8(info.damage));
}

void ToProto(const WorkerStatus& worker, v1::WorkerInfo* out) {
  out->set_worker_id(worker.record.worker_id);
  out->set_incarnation(worker.record.incarnation);
  out->set_state(static_cast<v1::WorkerInfo::State>(worker.record.state));
  out->set_host(worker.record.host);
  out->set_pid(worker.record.pid);
  out->set_silent_ms(worker.silent.count());
  out->set_quarantine(worker.record.quarantine);
}

void ToProto(const GroupStatus& group, v1::SyncGroup* out) {
  const GroupOptions& options = group.options;
  out->set_prefix(options.prefix);
  out->set_mode(static_cast<v1::SyncMode>(options.mode));
  out->set_step(group.step);
  if (options.mode != SyncMode::kLocal) return;
  out->set_local_steps(options.local_steps);
  out->set_fragments(options.fragments);
  const OuterOptimizer outer = OuterOptimizerOf(options);
  out->mutable_outer()->set_optimizer(outer.optimizer);
  out->mutable_outer()->set_name(outer.name);
  wire::ToProto(outer.hyperparameters, out->mutable_outer()->mutable_hyperparameters());
}

void ToProto(const GroupStatus& group, v1::GroupInfo* out) {
  ToProto(group, out->mutable_group());
  out->set_spec(group.options.spec);
  out->set_workers(group.waits.workers);
  out->set_waits(group.waits.text);
  out->set_applied(group.applied);
  out->set_stale(group.stale);
  out->set_nonfinite(group.nonfinite);
  out->set_mean_staleness(group.mean_staleness);
  out->set_max_staleness(group.max_staleness);
}

void ToProto(const PushResult& result, v1::PushResponse* out) {
  out->set_global_step(result.global_step);
  out->set_outcome(static_cast<v1::PushResponse::Outcome>(result.outcome));
  out->set_staleness(result.staleness);
  out->set_group_step(result.group_step);
}

}  // namespace varscope::server
