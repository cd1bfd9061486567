// Snapshots: the whole state at one position of the log, in one file.
//
//   40 bytes   prefix as the log's (frame.h), without a body; its position is the snapshot's
//   header     a piece of the SnapshotHead, which has a CRC32C for each value (snapshot_head.h)
//   ...        further pieces, each with its prefix, as long as there are more
//   values     each variable's bytes, in order, without gaps
#ifndef VARSCOPE_SERVER_DURABILITY_SNAPSHOT_H_
#define VARSCOPE_SERVER_DURABILITY_SNAPSHOT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "server/env/env.h"
#include "server/membership/workers.h"
#include "server/store/state.h"
#include "server/sync/durability.h"

namespace varscope::server {

struct Snapshot {
  std::string name;       // the operator's; empty: none
  uint64_t position = 0;  // the last log record that is part of it
  StoreState state;
  std::vector<WorkerRecord> workers;
  std::string rolled_back_to = {};  // see SnapshotHead (records.proto)
};

struct SnapshotFile {
  uint64_t position;
  std::string name;
};

// Protobuf writes no message of 2 GiB, and while a piece is written or read it takes a few times as
// much memory.
inline constexpr size_t kHeadPieceBytes = size_t{64} << 10;

// Atomic and durable: the file has its name only when all of it is on stable storage and its head
// has been read back. Returns its name. With an error it removes the file that was not there
// before; ResourceExhausted when the system has no memory to write it.
absl::StatusOr<std::string> WriteSnapshot(Env& env, Directory& directory, const Snapshot& snapshot,
                                          size_t head_piece_bytes = kHeadPieceBytes);

// DataLoss, saying what is wrong, for a file that is not whole. No --memory-limit refuses its
// values; ResourceExhausted when the system has no memory for them.
absl::StatusOr<Snapshot> ReadSnapshot(Directory& directory, const std::string& name);

// Newest first; at one position, which then is one state, the one without a name first.
absl::StatusOr<std::vector<SnapshotFile>> ListSnapshots(Directory& directory);

// What their heads and file names tell, newest first; one without a name of its own goes by its
// file's. Reads heads to their ends, of which each piece counts the variables, but never values.
absl::StatusOr<std::vector<SnapshotInfo>> DescribeSnapshots(Directory& directory);
// OK for the empty name, and for a new one of letters, digits, '_', '-'.
absl::Status CheckNewName(Directory& directory, const std::string& name);
// The file of a snapshot, by DescribeSnapshots' name. NotFound says which there are; DataLoss what
// is wrong with it.
absl::StatusOr<std::string> FindSnapshot(Directory& directory, const std::string& name);

// Keeps the newest `keep` of those without a name whose heads can be read, and all with a name or
// with damage. Returns the position of the oldest of the first that is left, 0 when none is: named
// ones are for rollback, not for recovery, and need no log. Those after position `newest` do not
// count: a rollback that failed may have left one.
uint64_t TrimSnapshots(Directory& directory, size_t keep, uint64_t newest);

// What a crash left of a snapshot that was being written.
void RemoveUnfinishedSnapshots(Directory& directory);

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_DURABILITY_SNAPSHOT_H_
