// --port-file: where others read which port the server has.
#ifndef VARSCOPE_SERVER_PORT_FILE_H_
#define VARSCOPE_SERVER_PORT_FILE_H_

#include <filesystem>

#include "absl/status/status.h"

namespace varscope::server {

// Atomic, so that a reader never sees half a number. Replaces a file of before, and nothing else:
// FailedPrecondition for a symbolic link, a device, a pipe.
absl::Status WritePortFile(const std::filesystem::path& path, int port);

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_PORT_FILE_H_
