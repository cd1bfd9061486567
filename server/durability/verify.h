// What a data directory holds, and whether a server could go on from it: nothing in it is changed.
#ifndef VARSCOPE_SERVER_DURABILITY_VERIFY_H_
#define VARSCOPE_SERVER_DURABILITY_VERIFY_H_

#include <cstdint>
#include <filesystem>
#include <vector>

#include "absl/status/statusor.h"
#include "server/durability/recovery.h"
#include "server/env/env.h"
#include "server/membership/workers.h"
#include "server/store/state.h"
#include "server/sync/durability.h"

namespace varscope::server {

struct VerifiedSnapshot {
  SnapshotInfo info;
  absl::Status whole;  // with all its values
};

struct VerifiedSegment {
  std::filesystem::path path;
  uint64_t first = 0;  // position of its first record
  uint64_t bytes = 0;
  // The oldest whole snapshot without a name has all of it: a removal did not come to its end. It
  // goes with a later snapshot, and nobody misses what it has lost meanwhile.
  bool left_over = false;
  absl::Status whole;  // each record that was durable can be read; OK for one that is left over
};

struct Verified {
  std::vector<VerifiedSnapshot> snapshots;  // newest first
  std::vector<VerifiedSegment> segments;    // oldest first
  absl::Status session_secret;  // OK when there is none, too, or when only its owner may read it
  // As a start finds it. An error: why a server would not start, as Recover's; the state is then
  // none.
  absl::StatusOr<Recovered> recovered;
  StoreState state;
  std::vector<WorkerRecord> workers;
  // Of the state: variables, steps, completion records, workers; the same for two directories that
  // hold the same. Values are in it by their CRC32C.
  uint32_t hash = 0;
};

// Reads every file whole, also what a start does not need as long as newer ones are there, but for
// segments that are left over, and replays the log. FailedPrecondition while a server uses the
// directory; NotFound when there is none, or no server ever had it.
absl::StatusOr<Verified> Verify(const std::filesystem::path& path, Env& env = SystemEnv(),
                                const RecoveryOptions& options = {});

// CRC32C of the value's bytes; of none when it has no value.
uint32_t ChecksumOf(const CapturedVariable& variable);

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_DURABILITY_VERIFY_H_
