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

// Fills the empty `store` and `workers` with what the directory has, says so in the log, and
// returns what keeps their changes from now on; it must go before they do. Without --data-dir: what
// keeps nothing. The error says why the directory cannot be used: another server has it, it cannot
// be written, or it is damaged. `stop`: as RecoveryOptions.
absl::StatusOr<std::unique_ptr<Durability>> OpenDataDirectory(const Options& options, Store& store,
                                                              Workers& workers, Env& env,
                                                              const std::function<bool()>& stop);

// The keys of the directory's workers, which outlive a restart as the workers do. DataLoss when
// their file is damaged. Without --data-dir: new ones. To be called once OpenDataDirectory has
// locked the directory.
absl::StatusOr<SessionKeys> OpenSessionKeys(const Options& options, Env& env);

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_DATA_DIRECTORY_H_
