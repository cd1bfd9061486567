#include "client/checkpoint/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "client/graph/throw.h"
#include "varscope/errors.h"

namespace varscope::checkpoint {
namespace {

[[noreturn]] void ThrowErrno(const std::filesystem::path& path, const char* what) {
  const int error = errno;
  const std::string text = absl::StrCat(path.string(), ": ", what, ": ", std::strerror(error));
  ThrowIfError(absl::Status(absl::ErrnoToStatusCode(error), text));
  throw UnknownError(text);
}

void SyncPath(const std::filesystem::path& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) ThrowErrno(path, "open");
  const bool synced = fsync(fd) == 0;
  const int error = errno;
  close(fd);
  errno = error;
  if (!synced) ThrowErrno(path, "fsync");
}

// That no other file of this process has, nor one of another process.
std::filesystem::path TemporaryOf(const std::filesystem::path& path) {
  static std::atomic<uint64_t> count = 0;
  return absl::StrCat(path.string(), ".tmp", getpid(), "-", ++count);
}

}  // namespace

NewFile::NewFile(std::filesystem::path path)
    : path_(std::move(path)), temporary_(TemporaryOf(path_)) {}

NewFile::~NewFile() {
  if (kept_) return;
  out_.close();
  std::error_code ignored;
  std::filesystem::remove(temporary_, ignored);
}

void NewFile::Write(std::span<const std::byte> bytes) {
  if (!out_.is_open()) out_.open(temporary_, std::ios::binary | std::ios::trunc);
  out_.write(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
  if (!out_) ThrowErrno(temporary_, "write");
}

void NewFile::Keep() {
  if (out_.is_open()) {
    out_.close();
    if (!out_) ThrowErrno(temporary_, "write");
  }
  SyncPath(temporary_);
  if (std::rename(temporary_.c_str(), path_.c_str()) != 0) ThrowErrno(path_, "rename");
  kept_ = true;
  const std::filesystem::path folder = path_.parent_path();
  SyncPath(folder.empty() ? "." : folder);
}

OldFile::OldFile(std::filesystem::path path)
    : path_(std::move(path)), fd_(open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {
  struct stat status {};
  if (fd_ >= 0 && fstat(fd_, &status) == 0 && S_ISREG(status.st_mode)) {
    size_ = static_cast<uint64_t>(status.st_size);
    return;
  }
  if (fd_ >= 0) close(fd_);
  throw NotFoundError(absl::StrCat(path_.string(),
                                   ": there is no such file, or it is not to be "
                                   "read"));
}

OldFile::~OldFile() { close(fd_); }

void OldFile::Read(uint64_t offset, std::span<std::byte> into) const {
  if (offset > size_ || into.size() > size_ - offset) {
    ThrowDamaged(path_, absl::StrCat("it ends before byte ", offset, " + ", into.size()));
  }
  while (!into.empty()) {
    const ssize_t n = pread(fd_, into.data(), into.size(), static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) ThrowErrno(path_, absl::StrCat("read at byte ", offset).c_str());
    if (n == 0) {
      ThrowDamaged(path_, absl::StrCat("there is nothing at byte ", offset, "; it had ", size_,
                                       " bytes, and somebody has cut it off"));
    }
    into = into.subspan(n);
    offset += n;
  }
}

std::string OldFile::Read(uint64_t offset, uint64_t length) const {
  if (offset > size_ || length > size_ - offset) {
    ThrowDamaged(path_, absl::StrCat("it ends before byte ", offset, " + ", length));
  }
  std::string text(length, '\0');
  Read(offset, std::as_writable_bytes(std::span(text)));
  return text;
}

void ThrowDamaged(const std::filesystem::path& path, const std::string& what) {
  throw DataLossError(absl::StrCat(path.string(), " is damaged: ", what));
}

}  // namespace varscope::checkpoint
