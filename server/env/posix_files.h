// The files of the operating system.
#ifndef VARSCOPE_SERVER_ENV_POSIX_FILES_H_
#define VARSCOPE_SERVER_ENV_POSIX_FILES_H_

#include "server/env/files.h"

namespace varscope::server {

// Lives as long as the process.
Files& PosixFiles();

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_ENV_POSIX_FILES_H_
