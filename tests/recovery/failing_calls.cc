#include "tests/recovery/failing_calls.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/types.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <mutex>
#include <string>

namespace varscope::testing {
namespace {

struct Watched {
  std::string directory;
  CallWatch::Failing failing;
  std::function<void(int)> before;
  int calls = 0;
};

// Never destroyed: other threads may write until the end.
std::mutex& Mutex() {
  static auto* const mutex = new std::mutex;
  return *mutex;
}
Watched* watched = nullptr;  // guarded by Mutex()
thread_local bool inside = false;

std::string PathOf(int fd) {
  char path[4096];
  const std::string link = "/proc/self/fd/" + std::to_string(fd);
  const ssize_t n = readlink(link.c_str(), path, sizeof(path));
  return n < 0 ? "" : std::string(path, n);
}

enum class Kind { kWrite, kRemoval, kOther };

// One call, which is the only one while this lives.
class Call {
 public:
  explicit Call(const std::string& path, Kind kind = Kind::kOther) {
    if (inside) return;
    std::unique_lock lock(Mutex());
    if (watched == nullptr || !path.starts_with(watched->directory)) return;
    lock_ = std::move(lock);
    const int number = watched->calls++;
    if (watched->before) {
      inside = true;
      watched->before(number);
      inside = false;
    }
    const CallWatch::Failing& failing = watched->failing;
    fails_ = failing.from >= 0 && number >= failing.from && number - failing.from < failing.count &&
             (failing.others || kind == Kind::kWrite) &&
             (failing.removals || kind != Kind::kRemoval) &&
             (failing.except.empty() || !path.ends_with(failing.except));
  }
  // With errno.
  bool fails() const {
    if (fails_) errno = watched->failing.error;
    return fails_;
  }

 private:
  std::unique_lock<std::mutex> lock_;
  bool fails_ = false;
};

template <typename Function>
Function Next(const char* name) {
  return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

}  // namespace

CallWatch::CallWatch(std::filesystem::path directory, Failing failing,
                     std::function<void(int)> before) {
  auto* const w = new Watched{std::filesystem::canonical(directory), failing, std::move(before)};
  std::lock_guard lock(Mutex());
  watched = w;
}

CallWatch::~CallWatch() {
  std::lock_guard lock(Mutex());
  delete watched;
  watched = nullptr;
}

int CallWatch::calls() const {
  std::lock_guard lock(Mutex());
  return watched->calls;
}

void CallWatch::Heal() {
  std::lock_guard lock(Mutex());
  watched->failing.from = -1;
}

void CallWatch::Between(const std::function<void()>& look) const {
  std::lock_guard lock(Mutex());
  inside = true;
  look();
  inside = false;
}

}  // namespace varscope::testing

using varscope::testing::Call;
using varscope::testing::Kind;
using varscope::testing::Next;
using varscope::testing::PathOf;

extern "C" ssize_t write(int fd, const void* bytes, size_t size) {
  static const auto next = Next<ssize_t (*)(int, const void*, size_t)>("write");
  const Call call(PathOf(fd), Kind::kWrite);
  if (!call.fails()) return next(fd, bytes, size);
  // A full file system takes some of it.
  if (size > 1) (void)!next(fd, bytes, size / 2);
  (void)call.fails();
  return -1;
}

extern "C" int fsync(int fd) {
  static const auto next = Next<int (*)(int)>("fsync");
  const Call call(PathOf(fd));
  return call.fails() ? -1 : next(fd);
}

extern "C" int fdatasync(int fd) {
  static const auto next = Next<int (*)(int)>("fdatasync");
  const Call call(PathOf(fd));
  return call.fails() ? -1 : next(fd);
}

extern "C" int rename(const char* from, const char* to) noexcept {
  static const auto next = Next<int (*)(const char*, const char*)>("rename");
  const Call call(to);
  return call.fails() ? -1 : next(from, to);
}

extern "C" int remove(const char* path) noexcept {
  static const auto next = Next<int (*)(const char*)>("remove");
  const Call call(path, Kind::kRemoval);
  return call.fails() ? -1 : next(path);
}

extern "C" int open(const char* path, int flags, ...) {
  static const auto next = Next<int (*)(const char*, int, ...)>("open");
  mode_t mode = 0;
  if ((flags & O_CREAT) != 0) {
    va_list arguments;
    va_start(arguments, flags);
    mode = va_arg(arguments, mode_t);
    va_end(arguments);
  }
  const Call call(path);
  return call.fails() ? -1 : next(path, flags, mode);
}
