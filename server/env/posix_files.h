// The files of the operating system.
#ifndef VARSCOPE_SERVER_ENV_POSIX_FILES_H_
#define VARSCOPE_SERVER_ENV_POSIX_FILES_H_

#include <filesystem>
#include <memory>

#include "absl/status/statusor.h"
#include "server/env/files.h"

namespace varscope::server {

// Env::OpenDirectory of the operating system. Its path may be relative, and a symbolic link.
absl::StatusOr<std::unique_ptr<Directory>> OpenPosixDirectory(const std::filesystem::path& path,
                                                              IfMissing missing);

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_ENV_POSIX_FILES_H_
