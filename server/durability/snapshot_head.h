// The head of a snapshot, written and read a part at a time: however many variables there are,
// little of it is in memory at once.
#ifndef VARSCOPE_SERVER_DURABILITY_SNAPSHOT_HEAD_H_
#define VARSCOPE_SERVER_DURABILITY_SNAPSHOT_HEAD_H_

#include <cstdint>
#include <filesystem>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/durability/records.pb.h"
#include "server/durability/snapshot.h"
#include "server/env/files.h"

namespace varscope::server {

// CRC32C of each of a head's pieces.
using PieceChecksums = std::vector<uint32_t>;

// A piece ends when it has `piece_bytes`. An error: why it cannot be written.
absl::StatusOr<PieceChecksums> WriteHead(WritableFile& file, const Snapshot& snapshot,
                                         int64_t time_unix_micros, size_t piece_bytes);

struct Head {
  durability::SnapshotHead fields;  // but for the lists
  uint64_t variables = 0;
  PieceChecksums pieces;
};

// Given some fields of a head that were written one after the other. An error ends the reading.
using TakeFields = absl::FunctionRef<absl::Status(const durability::SnapshotHead& some)>;

// Reads up to the values. DataLoss when something is wrong, ResourceExhausted without memory for a
// piece, or what `take` returned.
absl::StatusOr<Head> ReadHead(ReadableFile& file, TakeFields take);

// DataLoss that names the file.
absl::Status DamagedSnapshot(const std::filesystem::path& path, absl::string_view what);

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_DURABILITY_SNAPSHOT_HEAD_H_
