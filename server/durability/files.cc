#include "server/durability/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace varscope::server {
namespace {

// One system call never gets more, so that none lasts long.
constexpr size_t kMaxCall = size_t{64} << 20;

absl::StatusOr<int> Open(const std::filesystem::path& path, int flags) {
  const int fd = open(path.c_str(), flags | O_CLOEXEC, 0640);
  if (fd < 0) return FileError(path, "open", errno);
  return fd;
}

}  // namespace

absl::Status FileError(const std::filesystem::path& path, const char* what, int error) {
  const std::string text = absl::StrCat(path.string(), ": ", what, ": ", strerror(error));
  if (error == ENOSPC || error == EDQUOT || error == EFBIG) {
    return absl::ResourceExhaustedError(text);
  }
  return error == ENOENT ? absl::NotFoundError(text) : absl::InternalError(text);
}

absl::StatusOr<File> File::Create(const std::filesystem::path& path) {
  const absl::StatusOr<int> fd = Open(path, O_WRONLY | O_CREAT | O_TRUNC);
  if (!fd.ok()) return fd.status();
  return File(path, *fd);
}

absl::StatusOr<File> File::OpenToRead(const std::filesystem::path& path) {
  const absl::StatusOr<int> fd = Open(path, O_RDONLY);
  if (!fd.ok()) return fd.status();
  return File(path, *fd);
}

std::optional<uint64_t> NumberAfter(absl::string_view prefix, absl::string_view name) {
  constexpr size_t kDigits = 20;
  if (!absl::ConsumePrefix(&name, prefix) || name.size() < kDigits) return std::nullopt;
  name = name.substr(0, kDigits);
  uint64_t number = 0;
  const bool digits = std::all_of(name.begin(), name.end(), absl::ascii_isdigit);
  if (!digits || !absl::SimpleAtoi(name, &number)) return std::nullopt;
  return number;
}

File::~File() {
  if (fd_ >= 0) close(fd_);
}

File& File::operator=(File&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(fd_, other.fd_);
  return *this;
}

absl::Status File::Write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t n = write(fd_, bytes.data(), std::min(bytes.size(), kMaxCall));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return FileError(path_, "write", errno);
    bytes = bytes.subspan(n);
  }
  return absl::OkStatus();
}

absl::Status File::Read(std::span<std::byte> into) {
  while (!into.empty()) {
    const ssize_t n = read(fd_, into.data(), std::min(into.size(), kMaxCall));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return FileError(path_, "read", errno);
    if (n == 0) return absl::OutOfRangeError(absl::StrCat(path_.string(), ": ends too early"));
    into = into.subspan(n);
  }
  return absl::OkStatus();
}

absl::StatusOr<size_t> File::Size() const {
  struct stat status {};
  if (fstat(fd_, &status) != 0) return FileError(path_, "stat", errno);
  return static_cast<size_t>(status.st_size);
}

absl::Status File::Sync() {
  if (fdatasync(fd_) != 0) return FileError(path_, "fdatasync", errno);
  return absl::OkStatus();
}

absl::Status File::Truncate(size_t size) {
  if (ftruncate(fd_, static_cast<off_t>(size)) != 0) return FileError(path_, "truncate", errno);
  if (lseek(fd_, static_cast<off_t>(size), SEEK_SET) < 0) return FileError(path_, "seek", errno);
  return absl::OkStatus();
}

absl::Status SyncDirectory(const std::filesystem::path& directory) {
  const absl::StatusOr<int> fd = Open(directory, O_RDONLY | O_DIRECTORY);
  if (!fd.ok()) return fd.status();
  const bool synced = fsync(*fd) == 0;
  const int error = errno;
  close(*fd);
  return synced ? absl::OkStatus() : FileError(directory, "fsync", error);
}

absl::Status Rename(const std::filesystem::path& from, const std::filesystem::path& to) {
  if (std::rename(from.c_str(), to.c_str()) != 0) return FileError(to, "rename", errno);
  return absl::OkStatus();
}

}  // namespace varscope::server
