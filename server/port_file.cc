#include "server/port_file.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <string>
#include <system_error>

#include "absl/strings/str_cat.h"

namespace varscope::server {
namespace {

absl::Status PortFileError(const std::filesystem::path& path, const char* what, int error) {
  return absl::InternalError(absl::StrCat("--port-file ", path.string(), ": ", what, ": ",
                                          std::generic_category().message(error)));
}

// 0, or what went wrong.
int WriteLine(int fd, const std::string& line) {
  constexpr mode_t kAllRead = 0644;
  errno = EIO;  // what a short write has for a reason
  const bool written = fchmod(fd, kAllRead) == 0 &&
                       write(fd, line.data(), line.size()) == static_cast<ssize_t>(line.size());
  const int error = written ? 0 : errno;
  return close(fd) == 0 || error != 0 ? error : errno;
}

}  // namespace

absl::Status WritePortFile(const std::filesystem::path& path, int port) {
  struct stat status {};
  if (lstat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode)) {
    return absl::FailedPreconditionError(
        absl::StrCat("--port-file ", path.string(),
                     " is there already, and is not a regular file; name another one"));
  }
  // One that nobody has.
  std::string temporary = path.string() + ".tmp-XXXXXX";
  const int fd = mkostemp(temporary.data(), O_CLOEXEC);
  if (fd < 0) return PortFileError(path, "cannot be made", errno);
  int error = WriteLine(fd, absl::StrCat(port, "\n"));
  if (error == 0 && std::rename(temporary.c_str(), path.c_str()) != 0) error = errno;
  if (error == 0) return absl::OkStatus();
  unlink(temporary.c_str());
  return PortFileError(path, "cannot be written", error);
}

}  // namespace varscope::server
