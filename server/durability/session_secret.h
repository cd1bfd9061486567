// The secret of a data directory's session keys, which has a file of its own.
#ifndef VARSCOPE_SERVER_DURABILITY_SESSION_SECRET_H_
#define VARSCOPE_SERVER_DURABILITY_SESSION_SECRET_H_

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/env/env.h"

namespace varscope::server {

// Nothing when there is no file. DataLoss when it is not as it was written: another secret would
// make every worker's key unknown, and the store another one. A file of before has no checksum.
absl::StatusOr<std::optional<std::string>> ReadSessionSecret(Directory& directory);

// Atomic and durable; only its owner may read the file. The secret has SessionKeys::kSecretBytes.
absl::Status WriteSessionSecret(Env& env, Directory& directory, const std::string& secret);

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_DURABILITY_SESSION_SECRET_H_
