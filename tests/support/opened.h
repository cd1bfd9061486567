// A directory of the operating system, as a test looks into it.
#ifndef VARSCOPE_TESTS_SUPPORT_OPENED_H_
#define VARSCOPE_TESTS_SUPPORT_OPENED_H_

#include <filesystem>
#include <memory>

#include "server/env/posix_files.h"

namespace varscope::testing {

// Not locked. It has to be there.
inline std::unique_ptr<server::Directory> Opened(const std::filesystem::path& path) {
  return server::OpenPosixDirectory(path, server::IfMissing::kError).value();
}

}  // namespace varscope::testing

#endif  // VARSCOPE_TESTS_SUPPORT_OPENED_H_
