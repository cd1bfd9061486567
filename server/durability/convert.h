// Changes and state of the store, to and from what the disk holds.
#ifndef VARSCOPE_SERVER_DURABILITY_CONVERT_H_
#define VARSCOPE_SERVER_DURABILITY_CONVERT_H_

#include <span>
#include <variant>

#include "absl/status/statusor.h"
#include "server/catalog/creation.h"
#include "server/durability/frame.h"
#include "server/durability/push_record.h"
#include "server/durability/records.pb.h"
#include "server/membership/workers.h"
#include "server/store/state.h"

namespace varscope::server {

// See records.proto.
struct RollbackRecord {
  std::string source;     // a file's name
  uint64_t position = 0;  // 0: it begins
  bool failed = false;
};

// The header of a record, and a piece of a snapshot's head, must stay below 2 GiB, above which
// protobuf writes nothing: see MostHeaderBytes.
RecordBytes ToRecord(const WorkerRecord& worker);
RecordBytes ToRecord(const CreationBatch& batch);
RecordBytes ToRecord(const RollbackRecord& rollback);

// The header of its record has at most so many bytes.
uint64_t MostHeaderBytes(const CreationBatch& batch);

using Change = std::variant<WorkerRecord, CreationBatch, LoggedPush, RollbackRecord>;
// DataLoss for what no server of this version writes.
absl::StatusOr<Change> FromRecord(std::span<const std::byte> header,
                                  std::span<const std::byte> body);

// One variable without its checksum and value, which the snapshot adds.
void ToProto(const CapturedVariable& captured, durability::VariableRecord* out);
void ToProto(const PartitionedNames& names, durability::PartitionedRecord* out);
void ToProto(const StateNames& names, durability::OptimizerStateRecord* out);
void ToProto(const CapturedNames& names, durability::OptimizerStateRecord* out);
void ToProto(const CompletionRecords::Entry& entry, durability::CompletionRecord* out);
// The lists of a head, or of any part of its fields. Without values; the lists are not in the
// account yet, definitions are.
absl::StatusOr<StoreState> FromProto(const durability::SnapshotHead& head);
void ToProto(const WorkerRecord& worker, durability::WorkerRecord* out);
WorkerRecord FromProto(const durability::WorkerRecord& worker);

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_DURABILITY_CONVERT_H_
