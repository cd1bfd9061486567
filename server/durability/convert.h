// Changes and state of the store, to and from what the disk holds.
#ifndef VARSCOPE_SERVER_DURABILITY_CONVERT_H_
#define VARSCOPE_SERVER_DURABILITY_CONVERT_H_

#include <span>
#include <variant>

#include "absl/status/statusor.h"
#include "server/durability/frame.h"
#include "server/durability/records.pb.h"
#include "server/store/creation.h"
#include "server/store/push.h"
#include "server/store/state.h"
#include "server/sync/workers.h"

namespace varscope::server {

RecordBytes ToRecord(const WorkerRecord& worker);
RecordBytes ToRecord(const CreationBatch& batch);
RecordBytes ToRecord(const Push& push, const Applied& applied);

struct PushedRecord {
  Push push;
  Applied applied;
};
using Change = std::variant<WorkerRecord, CreationBatch, PushedRecord>;
// DataLoss for what no daemon of this version writes.
absl::StatusOr<Change> FromRecord(std::span<const std::byte> header,
                                  std::span<const std::byte> body);

// Without checksums and values, which the snapshot adds; `workers` and `position` likewise.
void ToProto(const StoreState& state, durability::SnapshotHead* out);
// Without values.
absl::StatusOr<StoreState> FromProto(const durability::SnapshotHead& head);
void ToProto(const WorkerRecord& worker, durability::Connected* out);
WorkerRecord FromProto(const durability::Connected& connected);

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_DURABILITY_CONVERT_H_
