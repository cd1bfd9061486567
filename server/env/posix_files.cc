#include "server/env/posix_files.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "server/env/open_directory.h"

namespace varscope::server {
namespace {

namespace fs = std::filesystem;

// One system call never gets more, so that none lasts long.
constexpr size_t kMaxCall = size_t{64} << 20;

// "<path>: <what>: <reason>".
absl::Status FileError(const fs::path& path, const char* what, int error) {
  const std::string text =
      absl::StrCat(path.string(), ": ", what, ": ", std::generic_category().message(error));
  if (error == ENOSPC || error == EDQUOT || error == EFBIG) {
    return absl::ResourceExhaustedError(text);
  }
  if (error == EEXIST) return absl::AlreadyExistsError(text);
  if (error == EACCES) return absl::PermissionDeniedError(text);
  return error == ENOENT ? absl::NotFoundError(text) : absl::InternalError(text);
}

// Whatever that leads to.
bool IsSymbolicLink(const fs::path& path) {
  struct stat status {};
  return lstat(path.c_str(), &status) == 0 && S_ISLNK(status.st_mode);
}

// Closes it at its end.
class Descriptor {
 public:
  // Of a file, or with O_DIRECTORY of a directory. FailedPrecondition for anything else that
  // somebody has put there: a pipe would hold up whoever opens it, a symbolic link may lead
  // nowhere. With O_NOFOLLOW not of what a symbolic link leads to.
  static absl::StatusOr<Descriptor> Open(const fs::path& path, int flags, mode_t mode = 0640) {
    const int fd = open(path.c_str(), flags | O_CLOEXEC | O_NONBLOCK, mode);
    const bool another_thing = errno == ENXIO || errno == EISDIR || errno == ELOOP;
    if (fd < 0 && errno == ENOENT && IsSymbolicLink(path)) {
      return absl::FailedPreconditionError(absl::StrCat(
          path.string(),
          " is a symbolic link that leads nowhere; mount what it leads to, or move it away"));
    }
    if (fd < 0 && !another_thing) return FileError(path, "open", errno);
    if (fd >= 0) {
      Descriptor opened(fd);
      struct stat status {};
      if (fstat(fd, &status) != 0) return FileError(path, "stat", errno);
      if ((flags & O_DIRECTORY) != 0 || S_ISREG(status.st_mode)) return opened;
    }
    return absl::FailedPreconditionError(
        absl::StrCat(path.string(), " is not a regular file; move it away"));
  }
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  int get() const { return fd_; }

 private:
  explicit Descriptor(int fd) : fd_(fd) {}
  int fd_;
};

class PosixWritableFile final : public WritableFile {
 public:
  PosixWritableFile(fs::path path, Descriptor descriptor)
      : WritableFile(std::move(path)), descriptor_(std::move(descriptor)) {}

  absl::Status Sync() override {
    if (fdatasync(descriptor_.get()) != 0) return FileError(path(), "fdatasync", errno);
    struct stat status {};
    if (fstat(descriptor_.get(), &status) != 0) return FileError(path(), "stat", errno);
    if (status.st_nlink > 0) return absl::OkStatus();
    return absl::NotFoundError(absl::StrCat(path().string(), ": somebody has removed it"));
  }

 protected:
  absl::StatusOr<size_t> WriteSome(std::span<const std::byte> bytes) override {
    while (true) {
      const ssize_t n = write(descriptor_.get(), bytes.data(), std::min(bytes.size(), kMaxCall));
      if (n >= 0) return static_cast<size_t>(n);
      if (errno != EINTR) return FileError(path(), "write", errno);
    }
  }

 private:
  const Descriptor descriptor_;
};

class PosixReadableFile final : public ReadableFile {
 public:
  PosixReadableFile(fs::path path, uint64_t size, Descriptor descriptor)
      : ReadableFile(std::move(path), size), descriptor_(std::move(descriptor)) {}

  absl::Status ReadAt(uint64_t offset, std::span<std::byte> into) override {
    while (!into.empty()) {
      const ssize_t n = pread(descriptor_.get(), into.data(), std::min(into.size(), kMaxCall),
                              static_cast<off_t>(offset));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return FileError(path(), absl::StrCat("read at offset ", offset).c_str(), errno);
      if (n == 0) return NothingAt(offset);
      into = into.subspan(n);
      offset += n;
    }
    return absl::OkStatus();
  }

 private:
  absl::Status NothingAt(uint64_t offset) const {
    const bool was_cut = offset < size();
    return absl::OutOfRangeError(absl::StrCat(
        path().string(), ": there is nothing at offset ", offset,
        was_cut ? absl::StrCat("; it had ", size(), " bytes, and somebody has cut it off") : ""));
  }

  const Descriptor descriptor_;
};

class PosixFileLock final : public FileLock {
 public:
  PosixFileLock(Descriptor directory, Descriptor file)
      : directory_(std::move(directory)), file_(std::move(file)) {}

 private:
  const Descriptor directory_;
  const Descriptor file_;
};

class Posix final : public Files {
 public:
  absl::StatusOr<std::unique_ptr<WritableFile>> Create(const fs::path& path,
                                                       Access access) override {
    const bool owner_only = access == Access::kOwnerOnly;
    absl::StatusOr<Descriptor> opened =
        Descriptor::Open(path, O_WRONLY | O_CREAT | O_NOFOLLOW | (owner_only ? O_EXCL : O_TRUNC),
                         owner_only ? 0600 : 0640);
    if (!opened.ok()) return opened.status();
    return std::make_unique<PosixWritableFile>(path, *std::move(opened));
  }

  absl::StatusOr<std::unique_ptr<ReadableFile>> Open(const fs::path& path) override {
    absl::StatusOr<Descriptor> opened = Descriptor::Open(path, O_RDONLY);
    if (!opened.ok()) return opened.status();
    struct stat status {};
    if (fstat(opened->get(), &status) != 0) return FileError(path, "stat", errno);
    return std::make_unique<PosixReadableFile>(path, static_cast<uint64_t>(status.st_size),
                                               *std::move(opened));
  }

  absl::StatusOr<std::vector<std::string>> List(const fs::path& directory) override {
    std::vector<std::string> names;
    OpenDirectory open(directory.c_str());
    while (const char* const name = open.Next()) names.emplace_back(name);
    if (open.error() != 0) return FileError(directory, "list", open.error());
    return names;
  }

  absl::Status Rename(const fs::path& from, const fs::path& to) override {
    if (std::rename(from.c_str(), to.c_str()) != 0) return FileError(to, "rename", errno);
    return absl::OkStatus();
  }

  absl::Status Remove(const fs::path& path) override {
    if (unlink(path.c_str()) == 0 || errno == ENOENT) return absl::OkStatus();
    return FileError(path, "remove", errno);
  }

  absl::Status SyncDirectory(const fs::path& directory) override {
    const absl::StatusOr<Descriptor> opened = Descriptor::Open(directory, O_RDONLY | O_DIRECTORY);
    if (!opened.ok()) return opened.status();
    if (fsync(opened->get()) != 0) return FileError(directory, "fsync", errno);
    return absl::OkStatus();
  }

  absl::Status CreateDirectories(const fs::path& directory) override {
    std::error_code error;
    const fs::path whole = fs::absolute(directory, error);
    std::vector<fs::path> parents;  // of what will be made
    for (fs::path at = whole; !error && !fs::exists(at, error) && at.has_relative_path();
         at = at.parent_path()) {
      parents.push_back(at.parent_path());
    }
    if (!error) fs::create_directories(whole, error);
    if (error) return FileError(directory, "create", error.value());
    // A name is durable when its directory is.
    for (const fs::path& parent : parents) {
      if (absl::Status status = SyncDirectory(parent); !status.ok()) return status;
    }
    return absl::OkStatus();
  }

  absl::StatusOr<std::unique_ptr<FileLock>> Lock(const fs::path& path, LockFile file) override {
    const fs::path directory = path.parent_path();
    const auto in_use = [&] {
      return absl::FailedPreconditionError(
          absl::StrCat(directory.string(), " is in use by another varscoped"));
    };
    // Both: somebody may remove the file, and not every file system locks a directory.
    absl::StatusOr<Descriptor> whole = Descriptor::Open(directory, O_RDONLY | O_DIRECTORY);
    if (!whole.ok()) return whole.status();
    if (flock(whole->get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) return in_use();
    const int flags = file == LockFile::kMade ? O_RDWR | O_CREAT : O_RDONLY;
    absl::StatusOr<Descriptor> opened = Descriptor::Open(path, flags | O_NOFOLLOW);
    if (!opened.ok()) return opened.status();
    if (flock(opened->get(), LOCK_EX | LOCK_NB) != 0) {
      return errno == EWOULDBLOCK ? in_use() : FileError(path, "lock", errno);
    }
    return std::make_unique<PosixFileLock>(*std::move(whole), *std::move(opened));
  }

  absl::StatusOr<uint64_t> FreeBytes(const fs::path& directory) override {
    struct statvfs status {};
    if (statvfs(directory.c_str(), &status) != 0) {
      return FileError(directory, "ask for free space", errno);
    }
    return uint64_t{status.f_bavail} * status.f_frsize;
  }
};

}  // namespace

absl::Status WritableFile::Write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const absl::StatusOr<size_t> n = WriteSome(bytes);
    if (!n.ok()) return n.status();
    bytes = bytes.subspan(*n);
  }
  return absl::OkStatus();
}

absl::Status ReadableFile::Read(std::span<std::byte> into) {
  absl::Status status = ReadAt(at_, into);
  if (status.ok()) at_ = std::min<uint64_t>(size_, at_ + into.size());
  return status;
}

Files& PosixFiles() {
  static auto* const files = new Posix;
  return *files;
}

}  // namespace varscope::server
