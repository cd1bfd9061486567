// From a data directory to a running store: the newest whole snapshot, then the log.
#ifndef VARSCOPE_SERVER_DURABILITY_RECOVERY_H_
#define VARSCOPE_SERVER_DURABILITY_RECOVERY_H_

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "server/env/env.h"
#include "server/membership/workers.h"
#include "server/store/store.h"

namespace varscope::server {

struct Recovered {
  uint64_t position = 0;           // of the last record that is part of the state
  std::filesystem::path snapshot;  // empty: none
  uint64_t replayed = 0;           // log records
  // What somebody should read: snapshots that were skipped, a torn end that was dropped.
  std::vector<std::string> warnings;
};

// Fills the empty `store` and `workers`. The state is exactly that after some prefix of all
// changes, which includes every change that was acknowledged as durable. DataLoss, with nothing to
// be relied on in `store`, when that cannot be had: a record is damaged and whole ones follow it,
// records between the snapshot and the log are missing, or the newest snapshot is damaged and the
// log ends before it. A file that cannot be read for another reason is that reason's error.
// FailedPrecondition names both versions when a file has another disk format.
absl::StatusOr<Recovered> Recover(const std::filesystem::path& directory, Store& store,
                                  Workers& workers, Files& files = SystemEnv().files());

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_DURABILITY_RECOVERY_H_
