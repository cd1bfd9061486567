// Snapshots: the whole state at one cut, in one file.
//
//   40 bytes   prefix as the log's (frame.h), its body the size of all that follows the header and
//              its checksum the header's alone; its position is the snapshot's
//   header     SnapshotHead, with a CRC32C for each value
//   values     each variable's bytes, in order, without gaps
#ifndef VARSCOPE_SERVER_DURABILITY_SNAPSHOT_H_
#define VARSCOPE_SERVER_DURABILITY_SNAPSHOT_H_

#include <cstdint>
#include <filesystem>
#include <vector>

#include "absl/status/statusor.h"
#include "server/store/state.h"
#include "server/sync/durability.h"
#include "server/sync/workers.h"

namespace varscope::server {

struct Snapshot {
  std::string name;       // the operator's; empty: none
  uint64_t position = 0;  // the last log record that is part of it
  StoreState state;
  std::vector<WorkerRecord> workers;
};

struct SnapshotFile {
  uint64_t position;
  std::filesystem::path path;
};

// Atomic and durable: the file has its name only when all of it is on the medium. Returns its path.
absl::StatusOr<std::filesystem::path> WriteSnapshot(const std::filesystem::path& directory,
                                                    const Snapshot& snapshot);

// DataLoss, saying what is wrong, for a file that is not whole.
absl::StatusOr<Snapshot> ReadSnapshot(const std::filesystem::path& path);

// Newest first.
absl::StatusOr<std::vector<SnapshotFile>> ListSnapshots(const std::filesystem::path& directory);

// What their heads tell, newest first; one without a name goes by its file's. Never reads values.
absl::StatusOr<std::vector<SnapshotInfo>> DescribeSnapshots(const std::filesystem::path& directory);
// OK for the empty name, and for a new one of letters, digits, '_', '-'.
absl::Status CheckNewName(const std::filesystem::path& directory, const std::string& name);
// By DescribeSnapshots' name. NotFound says which there are; else as ReadSnapshot.
absl::StatusOr<Snapshot> FindSnapshot(const std::filesystem::path& directory,
                                      const std::string& name);

// Keeps the newest `keep` of those without a name, and all with one. Returns the position of the
// oldest of the former that is left, 0 when none is: named ones are for rollback, not for recovery,
// and need no log.
uint64_t TrimSnapshots(const std::filesystem::path& directory, size_t keep);

// What a crash left of a snapshot that was being written.
void RemoveUnfinishedSnapshots(const std::filesystem::path& directory);

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_DURABILITY_SNAPSHOT_H_
