// The server's data directory: locked by one server, recovered from, then recorded to.
#ifndef VARSCOPE_SERVER_DATA_DIRECTORY_H_
#define VARSCOPE_SERVER_DATA_DIRECTORY_H_

#include <functional>
#include <memory>

#include "absl/status/statusor.h"
#include "server/auth/session_keys.h"
#include "server/env/env.h"
#include "server/membership/workers.h"
#include "server/options.h"
#include "server/store/store.h"
#include "server/sync/durability.h"

namespace varscope::server {

struct DataDirectory {
  // Keeps the changes of the store and the workers from now on; it must go before they do. Without
  // --data-dir it keeps nothing.
  std::unique_ptr<Durability> durability;
  // Of the directory's workers: they outlive a restart as the workers do. Without --data-dir: new
  // ones.
  SessionKeys session_keys;
};

// Opens the directory, for as long as `durability` lives: its path is not used again. Fills the
// empty `store` and `workers` with what it has, and says so in the log. The error says why it
// cannot be used: another server has it, it cannot be written, or it is damaged. `stop`: as
// RecoveryOptions.
absl::StatusOr<DataDirectory> OpenDataDirectory(const Options& options, Store& store,
                                                Workers& workers, Env& env,
                                                const std::function<bool()>& stop);

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_DATA_DIRECTORY_H_
