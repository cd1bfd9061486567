// From a data directory to a running store: the newest whole snapshot, then the log.
#ifndef VARSCOPE_SERVER_DURABILITY_RECOVERY_H_
#define VARSCOPE_SERVER_DURABILITY_RECOVERY_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "server/durability/convert.h"
#include "server/env/env.h"
#include "server/membership/workers.h"
#include "server/store/store.h"

namespace varscope::server {

struct Recovered {
  uint64_t position = 0;  // of the last record that is part of the state
  std::string snapshot;   // the file that the state comes from; empty: none
  // Its, unless an operator named it, who may remove it.
  std::optional<uint64_t> snapshot_position;
  // Of a rollback that had come onto the disk when its server died, before it could write down
  // that all are fenced off, which they are here: see RecorderOptions.
  std::optional<RollbackRecord> unfinished_rollback;
  uint64_t replayed = 0;    // log records
  uint64_t mismatches = 0;  // of them, that led elsewhere than at their first time
  // What somebody should read: snapshots that were skipped, a torn end that was dropped, the first
  // of the mismatches.
  std::vector<std::string> warnings;
};

struct RecoveryOptions {
  // A record that leads elsewhere than at its first time is a warning; else the end.
  bool accept_mismatches = false;
  // Leaves every file as it is, also those that a start would remove.
  bool read_only = false;
  // Told every few seconds how far it is; null: nobody is.
  std::function<void(const std::string&)> progress;
  // Asked before each record: true ends it, with Cancelled. Null: nothing does.
  std::function<bool()> stop;
};

// Fills the empty `store` and `workers`. The state is exactly that after some prefix of all
// changes, which includes every change that was acknowledged as durable. DataLoss, with nothing to
// be relied on in `store`, when that cannot be had: a record is damaged and whole ones follow it,
// records between the snapshot and the log are missing, or the newest snapshot is damaged and the
// log ends before it. A file that cannot be read for another reason is that reason's error.
// FailedPrecondition names both versions when a file has another disk format. DataLoss names record
// and variable when a push leads to other steps or bytes than at its first time (ValueCheck).
absl::StatusOr<Recovered> Recover(Directory& directory, Store& store, Workers& workers,
                                  Env& env = SystemEnv(), const RecoveryOptions& options = {});

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_DURABILITY_RECOVERY_H_
