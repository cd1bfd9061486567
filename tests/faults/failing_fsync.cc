// A library to preload into a server.
//
// While the file $VARSCOPE_TEST_FAIL_FSYNC exists, fdatasync and fsync fail with EIO. In the
// directory $VARSCOPE_TEST_SYNCED they note, by the file's inode, how many of its bytes a power
// failure could not take away: those that were there when the last of them succeeded.
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace {

bool Failing() {
  const char* const file = std::getenv("VARSCOPE_TEST_FAIL_FSYNC");
  return file != nullptr && access(file, F_OK) == 0;
}

// Before the call: what is written during it may or may not be on stable storage.
std::string SizeOf(int fd, std::string* name) {
  struct stat stat;
  if (fstat(fd, &stat) != 0) return "";
  *name = std::to_string(stat.st_ino);
  return std::to_string(stat.st_size);
}

void Note(const std::string& name, const std::string& size) {
  const char* const directory = std::getenv("VARSCOPE_TEST_SYNCED");
  if (directory == nullptr || size.empty()) return;
  const std::string path = std::string(directory) + "/" + name;
  const std::string temporary = path + ".tmp";
  const int out = open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (out < 0) return;
  const bool written = write(out, size.data(), size.size()) == static_cast<ssize_t>(size.size());
  close(out);
  if (written) std::rename(temporary.c_str(), path.c_str());
}

int CallNext(const char* name, int fd) {
  using Function = int (*)(int);
  const auto next = reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
  std::string inode;
  const std::string size = SizeOf(fd, &inode);
  const int result = next(fd);
  if (result == 0) Note(inode, size);
  return result;
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
