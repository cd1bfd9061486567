// A library to preload into a daemon: while the file $VARSCOPE_TEST_FAIL_FSYNC exists, fdatasync
// and fsync fail with EIO.
#include <dlfcn.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

namespace {

bool Failing() {
  const char* const file = std::getenv("VARSCOPE_TEST_FAIL_FSYNC");
  return file != nullptr && access(file, F_OK) == 0;
}

int CallNext(const char* name, int fd) {
  using Function = int (*)(int);
  const auto next = reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
  return next(fd);
}

}  // namespace

extern "C" int fdatasync(int fd) {
  if (!Failing()) return CallNext("fdatasync", fd);
  errno = EIO;
  return -1;
}

extern "C" int fsync(int fd) {
  if (!Failing()) return CallNext("fsync", fd);
  errno = EIO;
  return -1;
}
