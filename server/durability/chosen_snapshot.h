// The snapshot that a rollback goes back to.
#ifndef VARSCOPE_SERVER_DURABILITY_CHOSEN_SNAPSHOT_H_
#define VARSCOPE_SERVER_DURABILITY_CHOSEN_SNAPSHOT_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "server/env/files.h"
#include "server/store/state.h"

namespace varscope::server {

struct ChosenSnapshot {
  std::string source;  // the file's name
  std::unique_ptr<PreparedState> prepared;
  StoreState state;  // the same
};

// Reads the snapshot of that name, and changes nothing. Its values are in memory beside those that
// are there, whatever --memory-limit is; names and definitions once. ResourceExhausted, with what
// to do, when the system has no memory for it; NotFound and DataLoss as FindSnapshot and
// ReadSnapshot.
absl::StatusOr<ChosenSnapshot> ChooseSnapshot(Directory& directory, const std::string& name);

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_DURABILITY_CHOSEN_SNAPSHOT_H_
