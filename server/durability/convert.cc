#include "server/durability/convert.h"

#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "proto/memory/memory_account.h"
#include "proto/tensor/portable_math.h"
#include "proto/tensor/shape_rules.h"
#include "proto/wire/convert.h"
#include "server/catalog/initializers.h"
#include "server/codec/initializer.h"
#include "server/durability/record_bytes.h"

namespace varscope::server {
namespace {

void ToProto(const VariableDefinition& def, durability::VariableRecord* out) {
  out->set_name(def.name);
  out->set_key(def.key);
  out->set_kind(static_cast<v1::VariableKind>(def.kind));
  out->set_dtype(wire::ToProto(def.dtype));
  wire::ToProto(def.shape, out->mutable_shape());
  out->set_trainable(def.trainable);
  out->set_primary(def.primary);
  wire::ToProto(def.creator, out->mutable_creator());
  out->set_creator_incarnation(def.creator_incarnation);
  out->set_creator_request(def.creator_request);
  out->set_initializer(def.initializer);
  out->set_seed(def.seed);
}

absl::StatusOr<VariableDefinition> FromProto(const durability::VariableRecord& record) {
  const absl::StatusOr<DType> dtype = wire::FromProto(record.dtype());
  const absl::StatusOr<Shape> shape = wire::FromProto(record.shape());
  if (!dtype.ok() || !shape.ok() || !ByteSize(*dtype, *shape).ok() ||
      !v1::VariableKind_IsValid(record.kind())) {
    return DamagedRecord(absl::StrCat("variable ", record.name()));
  }
  return VariableDefinition{.name = record.name(),
                            .key = record.key(),
                            .kind = static_cast<VariableKind>(record.kind()),
                            .dtype = *dtype,
                            .shape = *shape,
                            .trainable = record.trainable(),
                            .primary = record.primary(),
                            .creator = wire::FromProto(record.creator()),
                            .creator_incarnation = record.creator_incarnation(),
                            .creator_request = record.creator_request(),
                            .initializer = record.initializer(),
                            .seed = record.seed()};
}

absl::StatusOr<PartitionedNames> FromProto(const durability::PartitionedRecord& record) {
  const absl::StatusOr<DType> dtype = wire::FromProto(record.dtype());
  const absl::StatusOr<Shape> shape = wire::FromProto(record.partitioning().full_shape());
  if (!dtype.ok() || !shape.ok()) return DamagedRecord(absl::StrCat("partitioned ", record.key()));
  const auto& partitions = record.partitioning().partitions();
  return PartitionedNames{record.key(),
                          KnownPartitioned{*dtype, *shape, {partitions.begin(), partitions.end()}},
                          {record.parts().begin(), record.parts().end()}};
}

void ToProto(const std::vector<StateNames>& state_names,
             google::protobuf::RepeatedPtrField<durability::OptimizerStateRecord>* out) {
  for (const StateNames& names : state_names) ToProto(names, out->Add());
}

std::vector<StateNames> FromProto(
    const google::protobuf::RepeatedPtrField<durability::OptimizerStateRecord>& records) {
  std::vector<StateNames> state_names;
  for (const durability::OptimizerStateRecord& record : records) {
    state_names.push_back({record.key(), {record.variables().begin(), record.variables().end()}});
  }
  return state_names;
}

std::vector<CapturedNames> CapturedFromProto(
    const google::protobuf::RepeatedPtrField<durability::OptimizerStateRecord>& records) {
  std::vector<CapturedNames> all;
  for (const durability::OptimizerStateRecord& record : records) {
    CapturedNames& names = all.emplace_back(CapturedNames{record.key(), {}});
    for (const std::string& name : record.variables()) {
      names.variables.push_back(std::make_shared<const std::string>(name));
    }
  }
  return all;
}

// Of a variable that is in no store yet.
struct HeldDefinition {
  explicit HeldDefinition(VariableDefinition read)
      : held(MemoryAccount::Process().HoldAnyway(OverheadOf(read))), definition(std::move(read)) {}
  const MemoryAccount::Hold held;
  const VariableDefinition definition;
};

// What a message takes beside its texts: each of its numbers, tags and lengths.
constexpr uint64_t kMessageBytes = 512;

uint64_t TextBytes(const Creator& creator) {
  return creator.worker_id.size() + creator.host.size() + creator.file.size();
}

uint64_t MostBytes(const std::map<std::string, double>& numbers) {
  uint64_t bytes = 0;
  for (const auto& [name, value] : numbers) bytes += name.size() + 32;
  return bytes;
}

uint64_t MostBytes(const std::vector<std::string>& texts) {
  uint64_t bytes = 0;
  for (const std::string& text : texts) bytes += text.size() + 16;
  return bytes;
}

uint64_t MostBytes(const std::vector<StateNames>& state_names) {
  uint64_t bytes = 0;
  for (const StateNames& names : state_names) {
    bytes += kMessageBytes + names.key.size() + MostBytes(names.variables);
  }
  return bytes;
}

uint64_t MostBytes(const NewVariable& variable) {
  const VariableDefinition& def = variable.definition;
  uint64_t bytes = 2 * kMessageBytes + def.name.size() + def.key.size() + def.primary.size() +
                   TextBytes(def.creator) + def.initializer.size();
  if (const auto& spec = variable.initializer) {
    bytes += spec->kind.size() + spec->mode.size() + spec->distribution.size() +
             MostBytes(spec->parameters);
  }
  return bytes;
}

// How a first value is computed, and with which functions.
void ToProto(const InitializerSpec& spec, durability::VariableRecord* out) {
  codec::ToProto(spec, out->mutable_spec());
  if (Computes(spec)) out->set_math(kPortableMathVersion);
}

absl::Status CheckMath(const durability::VariableRecord& record, const InitializerSpec& spec) {
  if (!Computes(spec) || record.math() == kPortableMathVersion) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      "the first value of variable ", record.name(), " was computed with functions of version ",
      record.math(), ", this varscoped has version ", kPortableMathVersion,
      ". Nothing was changed. Start the varscoped that wrote the directory and stop it with "
      "SIGTERM: the snapshot that it then leaves has the value"));
}

// Of a variable in a snapshot that has no value.
absl::StatusOr<FirstValue> FirstValueOf(const durability::VariableRecord& record,
                                        const VariableDefinition& def) {
  const absl::StatusOr<Shape> full_shape = wire::FromProto(record.full_shape());
  if (!full_shape.ok()) return DamagedRecord(absl::StrCat("variable ", record.name()));
  absl::StatusOr<InitializerSpec> spec = codec::FromProto(record.spec(), def.dtype, def.shape);
  if (!spec.ok()) return spec.status();
  if (!CanInitialize(*spec, def.dtype, def.shape)) {
    return DamagedRecord(absl::StrCat("the first value of variable ", record.name()));
  }
  if (absl::Status status = CheckMath(record, *spec); !status.ok()) return status;
  return FirstValue{*std::move(spec), *full_shape};
}

absl::StatusOr<NewVariable> NewFromProto(const durability::VariableRecord& record,
                                         std::span<const std::byte>& body) {
  absl::StatusOr<VariableDefinition> definition = FromProto(record);
  const absl::StatusOr<Shape> full_shape = wire::FromProto(record.full_shape());
  if (!definition.ok()) return definition.status();
  if (!full_shape.ok()) return DamagedRecord(absl::StrCat("variable ", record.name()));
  NewVariable variable{*std::move(definition), std::nullopt, *full_shape};
  if (!record.has_spec()) return variable;
  const VariableDefinition& def = variable.definition;
  // A value's bytes are in the body.
  v1::InitializerSpec without_value = record.spec();
  const bool has_value = without_value.kind() == "value";
  if (has_value) without_value.set_kind("zeros");
  absl::StatusOr<InitializerSpec> spec = codec::FromProto(without_value, def.dtype, def.shape);
  if (!spec.ok()) return spec.status();
  if (has_value) {
    absl::StatusOr<Tensor> value = TakeTensor(body, def.dtype, def.shape);
    if (!value.ok()) return value.status();
    spec->kind = "value";
    spec->value = *std::move(value);
  }
  if (!CanInitialize(*spec, def.dtype, def.shape)) {
    return DamagedRecord(absl::StrCat("the first value of variable ", record.name()));
  }
  if (absl::Status status = CheckMath(record, *spec); !status.ok()) return status;
  variable.initializer = *std::move(spec);
  return variable;
}

absl::StatusOr<Change> CreatedFromProto(const durability::Created& created,
                                        std::span<const std::byte> body) {
  CreationBatch batch;
  for (const durability::VariableRecord& record : created.variables()) {
    absl::StatusOr<NewVariable> variable = NewFromProto(record, body);
    if (!variable.ok()) return variable.status();
    batch.variables.push_back(*std::move(variable));
  }
  if (created.has_partitioned()) {
    absl::StatusOr<PartitionedNames> names = FromProto(created.partitioned());
    if (!names.ok()) return names.status();
    batch.partitioned = *std::move(names);
  }
  batch.slots = FromProto(created.slots());
  batch.non_slots = FromProto(created.non_slots());
  return batch;
}

}  // namespace

namespace {

using DiskState = durability::WorkerRecord::State;

constexpr std::pair<WorkerState, DiskState> kStates[] = {
    {WorkerState::kLive, durability::WorkerRecord::LIVE},
    {WorkerState::kEvicted, durability::WorkerRecord::EVICTED},
    {WorkerState::kLeft, durability::WorkerRecord::LEFT},
    {WorkerState::kRolledBack, durability::WorkerRecord::ROLLED_BACK},
    {WorkerState::kForgotten, durability::WorkerRecord::FORGOTTEN}};

DiskState ToProto(WorkerState state) {
  for (const auto& [ours, disk] : kStates) {
    if (ours == state) return disk;
  }
  return durability::WorkerRecord::EVICTED;
}

// What this server does not know may not push.
WorkerState FromProto(DiskState state) {
  for (const auto& [ours, disk] : kStates) {
    if (disk == state) return ours;
  }
  return WorkerState::kEvicted;
}

}  // namespace

void ToProto(const WorkerRecord& worker, durability::WorkerRecord* out) {
  out->set_worker_id(worker.worker_id);
  out->set_incarnation(worker.incarnation);
  out->set_sharing(static_cast<v1::SharingMode>(worker.sharing));
  out->set_host(worker.host);
  out->set_pid(worker.pid);
  out->set_state(ToProto(worker.state));
  out->set_nonce(worker.nonce);
  out->set_quarantine(worker.quarantine);
}

WorkerRecord FromProto(const durability::WorkerRecord& worker) {
  const bool replicated = worker.sharing() == v1::SHARING_REPLICATED;
  return {worker.worker_id(),
          worker.incarnation(),
          replicated ? Sharing::kReplicated : Sharing::kGlobal,
          worker.host(),
          worker.pid(),
          FromProto(worker.state()),
          worker.nonce(),
          worker.quarantine()};
}

void ToProto(const PartitionedNames& names, durability::PartitionedRecord* out) {
  out->set_key(names.key);
  out->set_dtype(wire::ToProto(names.known.dtype));
  v1::PartitionSpec* const spec = out->mutable_partitioning();
  wire::ToProto(names.known.full_shape, spec->mutable_full_shape());
  spec->mutable_partitions()->Assign(names.known.partitions.begin(), names.known.partitions.end());
  out->mutable_parts()->Assign(names.parts.begin(), names.parts.end());
}

void ToProto(const StateNames& names, durability::OptimizerStateRecord* out) {
  out->set_key(names.key);
  out->mutable_variables()->Assign(names.variables.begin(), names.variables.end());
}

void ToProto(const CapturedNames& names, durability::OptimizerStateRecord* out) {
  out->set_key(names.key);
  for (const auto& name : names.variables) out->add_variables(*name);
}

RecordBytes ToRecord(const WorkerRecord& worker) {
  durability::Record record;
  ToProto(worker, record.mutable_connected());
  return Serialize(record);
}

RecordBytes ToRecord(const CreationBatch& batch) {
  durability::Record record;
  durability::Created* const created = record.mutable_created();
  std::vector<Tensor> body;
  for (const NewVariable& variable : batch.variables) {
    durability::VariableRecord* const v = created->add_variables();
    ToProto(variable.definition, v);
    wire::ToProto(variable.full_shape, v->mutable_full_shape());
    if (!variable.initializer) continue;
    ToProto(*variable.initializer, v);
    if (variable.initializer->kind == "value") body.push_back(variable.initializer->value);
  }
  if (batch.partitioned) ToProto(*batch.partitioned, created->mutable_partitioned());
  ToProto(batch.slots, created->mutable_slots());
  ToProto(batch.non_slots, created->mutable_non_slots());
  return Serialize(record, std::move(body));
}

RecordBytes ToRecord(const RollbackRecord& rollback) {
  durability::Record record;
  record.mutable_rolled_back()->set_source(rollback.source);
  record.mutable_rolled_back()->set_position(rollback.position);
  record.mutable_rolled_back()->set_failed(rollback.failed);
  return Serialize(record);
}

uint64_t MostHeaderBytes(const CreationBatch& batch) {
  uint64_t bytes = kMessageBytes + MostBytes(batch.slots) + MostBytes(batch.non_slots);
  for (const NewVariable& variable : batch.variables) bytes += MostBytes(variable);
  if (!batch.partitioned) return bytes;
  return bytes + kMessageBytes + batch.partitioned->key.size() +
         MostBytes(batch.partitioned->parts);
}

absl::StatusOr<Change> FromRecord(std::span<const std::byte> header,
                                  std::span<const std::byte> body) {
  durability::Record record;
  if (!record.ParseFromArray(header.data(), static_cast<int>(header.size()))) {
    return DamagedRecord("its header does not parse");
  }
  if (record.has_connected()) return FromProto(record.connected());
  if (record.has_created()) return CreatedFromProto(record.created(), body);
  if (record.has_pushed()) return ReadPush(record.pushed(), body);
  if (record.has_rolled_back()) {
    const durability::RolledBack& rollback = record.rolled_back();
    return RollbackRecord{rollback.source(), rollback.position(), rollback.failed()};
  }
  return DamagedRecord("it is of an unknown kind; was it written by a newer varscoped?");
}

void ToProto(const CapturedVariable& captured, durability::VariableRecord* out) {
  ToProto(*captured.definition, out);
  out->set_version(captured.version);
  out->set_initialized(captured.initialized);
  if (captured.first_value != nullptr) {
    wire::ToProto(captured.first_value->full_shape, out->mutable_full_shape());
    ToProto(captured.first_value->spec, out);
  }
  out->set_pulls(captured.pulls);
  out->set_pushes(captured.pushes);
  out->set_bytes_pulled(captured.bytes_pulled);
  out->set_bytes_pushed(captured.bytes_pushed);
}

void ToProto(const CompletionRecords::Entry& entry, durability::CompletionRecord* out) {
  ToProto(entry.id, out->mutable_push());
  ToProto(entry.result, out->mutable_answer());
}

absl::StatusOr<StoreState> FromProto(const durability::SnapshotHead& head) {
  StoreState state;
  for (const durability::VariableRecord& v : head.variables()) {
    absl::StatusOr<VariableDefinition> read = FromProto(v);
    if (!read.ok()) return read.status();
    const auto definition = std::make_shared<const HeldDefinition>(*std::move(read));
    CapturedVariable& captured =
        state.variables.emplace_back(CapturedVariable{{definition, &definition->definition},
                                                      Tensor(),
                                                      v.version(),
                                                      v.initialized(),
                                                      v.pulls(),
                                                      v.pushes(),
                                                      v.bytes_pulled(),
                                                      v.bytes_pushed()});
    if (!v.has_spec()) continue;
    absl::StatusOr<FirstValue> first = FirstValueOf(v, *captured.definition);
    if (!first.ok()) return first.status();
    captured.first_value = std::make_shared<const FirstValue>(*std::move(first));
  }
  for (const durability::PartitionedRecord& record : head.partitioned()) {
    absl::StatusOr<PartitionedNames> names = FromProto(record);
    if (!names.ok()) return names.status();
    state.partitioned.push_back(*std::move(names));
  }
  state.slots = CapturedFromProto(head.slots());
  state.non_slots = CapturedFromProto(head.non_slots());
  for (const durability::CompletionRecord& e : head.completion_records()) {
    state.completion_records.push_back({PushIdOf(e.push()), PushResultOf(e.answer())});
  }
  return state;
}

}  // namespace varscope::server
