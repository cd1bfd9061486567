#include "server/env/posix_files.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstring>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "proto/naming/names.h"
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

// Where a file is, or may be. Takes no memory: what was written in vain is removed also where there
// is none.
class Place {
 public:
  // InvalidArgument when that is no name. `descriptor` is the directory's, which outlives this.
  static absl::StatusOr<Place> In(const Directory& directory, int descriptor,
                                  absl::string_view name) {
    constexpr absl::string_view kNotInNames{"/\0", 2};
    const bool is_name = !name.empty() && name.size() <= NAME_MAX && name != "." && name != ".." &&
                         name.find_first_of(kNotInNames) == absl::string_view::npos;
    if (is_name) return Place(directory, descriptor, name);
    return absl::InvalidArgumentError(absl::StrCat(
        directory.path().string(), ": '", Printable(name), "' is not the name of a file in it"));
  }
  int at() const { return at_; }
  const char* name() const { return name_.data(); }
  // For messages.
  fs::path path() const { return directory_->PathOf(name()); }
  // Of the system's last call.
  absl::Status Error(const char* what) const {
    const int error = errno;
    return FileError(path(), what, error);
  }

 private:
  Place(const Directory& directory, int descriptor, absl::string_view name)
      : directory_(&directory), at_(descriptor) {
    name.copy(name_.data(), name.size());
  }

  const Directory* directory_;
  int at_;
  std::array<char, NAME_MAX + 1> name_{};
};

// Whatever that leads to.
bool IsSymbolicLink(const Place& place) {
  struct stat status {};
  return fstatat(place.at(), place.name(), &status, AT_SYMLINK_NOFOLLOW) == 0 &&
         S_ISLNK(status.st_mode);
}

// Closes it at its end.
class Descriptor {
 public:
  // Of a file. FailedPrecondition for anything else that somebody has put there: a pipe would hold
  // up whoever opens it, a symbolic link may lead nowhere. With O_NOFOLLOW not of what a symbolic
  // link leads to.
  static absl::StatusOr<Descriptor> Open(const Place& place, int flags, mode_t mode = 0640) {
    const int fd = openat(place.at(), place.name(), flags | O_CLOEXEC | O_NONBLOCK, mode);
    const int error = errno;
    const bool another_thing = error == ENXIO || error == EISDIR || error == ELOOP;
    if (fd < 0 && error == ENOENT && IsSymbolicLink(place)) {
      return absl::FailedPreconditionError(absl::StrCat(
          place.path().string(),
          " is a symbolic link that leads nowhere; mount what it leads to, or move it away"));
    }
    if (fd < 0 && !another_thing) return FileError(place.path(), "open", error);
    if (fd >= 0) {
      Descriptor opened(fd);
      struct stat status {};
      if (fstat(fd, &status) != 0) return place.Error("stat");
      if (S_ISREG(status.st_mode)) return opened;
    }
    return absl::FailedPreconditionError(
        absl::StrCat(place.path().string(), " is not a regular file; move it away"));
  }
  static absl::StatusOr<Descriptor> OpenDirectory(const fs::path& path) {
    const int fd = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return FileError(path, "open", errno);
    return Descriptor(fd);
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

absl::Status Sync(const Descriptor& directory, const fs::path& path) {
  return fsync(directory.get()) == 0 ? absl::OkStatus() : FileError(path, "fsync", errno);
}

// Where the directory is now; nothing when it is nowhere.
std::string NowAt(const Descriptor& directory) {
  std::error_code error;
  std::string place = fs::read_symlink(absl::StrCat("/proc/self/fd/", directory.get()), error);
  return absl::EndsWith(place, " (deleted)") ? "" : place;
}

class PosixDirectory final : public Directory {
 public:
  PosixDirectory(const fs::path& path, Descriptor directory)
      : Directory(path), directory_(std::move(directory)) {}

  absl::StatusOr<std::unique_ptr<WritableFile>> Create(absl::string_view name,
                                                       Access access) override {
    const bool owner_only = access == Access::kOwnerOnly;
    const int flags = O_WRONLY | O_CREAT | O_NOFOLLOW | (owner_only ? O_EXCL : O_TRUNC);
    absl::StatusOr<Descriptor> opened = OpenFile(name, flags, owner_only ? 0600 : 0640);
    if (!opened.ok()) return opened.status();
    return std::make_unique<PosixWritableFile>(PathOf(name), *std::move(opened));
  }

  absl::StatusOr<std::unique_ptr<ReadableFile>> Open(absl::string_view name) override {
    absl::StatusOr<Descriptor> opened = OpenFile(name, O_RDONLY);
    if (!opened.ok()) return opened.status();
    struct stat status {};
    if (fstat(opened->get(), &status) != 0) return FileError(PathOf(name), "stat", errno);
    return std::make_unique<PosixReadableFile>(PathOf(name), static_cast<uint64_t>(status.st_size),
                                               *std::move(opened));
  }

  absl::StatusOr<std::vector<std::string>> List() override {
    std::vector<std::string> names;
    server::OpenDirectory open(directory_.get());
    while (const char* const name = open.Next()) names.emplace_back(name);
    if (open.error() != 0) return FileError(path(), "list", open.error());
    return names;
  }

  absl::Status Rename(absl::string_view from, absl::string_view to) override {
    const absl::StatusOr<Place> old_place = PlaceOf(from);
    if (!old_place.ok()) return old_place.status();
    const absl::StatusOr<Place> place = PlaceOf(to);
    if (!place.ok()) return place.status();
    if (renameat(old_place->at(), old_place->name(), place->at(), place->name()) == 0) {
      return absl::OkStatus();
    }
    return place->Error("rename");
  }

  absl::Status Remove(absl::string_view name) override {
    const absl::StatusOr<Place> place = PlaceOf(name);
    if (!place.ok()) return place.status();
    if (unlinkat(place->at(), place->name(), 0) == 0 || errno == ENOENT) return absl::OkStatus();
    return place->Error("remove");
  }

  absl::Status Sync() override { return server::Sync(directory_, path()); }

  absl::Status Lock(absl::string_view name, LockFile file) override {
    const auto in_use = [&] {
      return absl::FailedPreconditionError(
          absl::StrCat(path().string(), " is in use by another varscoped"));
    };
    // Both: somebody may remove the file, and not every file system locks a directory.
    if (flock(directory_.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) return in_use();
    const int flags = file == LockFile::kMade ? O_RDWR | O_CREAT : O_RDONLY;
    absl::StatusOr<Descriptor> opened = OpenFile(name, flags | O_NOFOLLOW);
    if (!opened.ok()) return opened.status();
    if (flock(opened->get(), LOCK_EX | LOCK_NB) != 0) {
      return errno == EWOULDBLOCK ? in_use() : FileError(path(), "lock", errno);
    }
    lock_.emplace(*std::move(opened));
    return absl::OkStatus();
  }

  absl::StatusOr<uint64_t> FreeBytes() override {
    struct statvfs status {};
    if (fstatvfs(directory_.get(), &status) != 0) {
      return FileError(path(), "ask for free space", errno);
    }
    return uint64_t{status.f_bavail} * status.f_frsize;
  }

  absl::Status CheckPath() const override {
    struct stat own {};
    struct stat there {};
    if (stat(path().c_str(), &there) == 0) {
      if (fstat(directory_.get(), &own) != 0) return FileError(path(), "stat", errno);
      if (own.st_dev == there.st_dev && own.st_ino == there.st_ino) return absl::OkStatus();
    } else if (errno != ENOENT && errno != ENOTDIR) {
      return FileError(path(), "stat", errno);
    }
    const std::string place = NowAt(directory_);
    return absl::FailedPreconditionError(absl::StrCat(
        "the data directory ", path().string(),
        " was removed or replaced while the server used it, which leaves alone what is there now; ",
        place.empty() ? "nothing can be saved any more: write the variables to a checkpoint "
                        "(varscopectl export), stop the server, start it again, and import them"
                      : absl::StrCat("its own is ", place,
                                     " now: move that back, and it goes on, or stop it, and start "
                                     "it with that one")));
  }

 private:
  absl::StatusOr<Place> PlaceOf(absl::string_view name) const {
    return Place::In(*this, directory_.get(), name);
  }

  absl::StatusOr<Descriptor> OpenFile(absl::string_view name, int flags, mode_t mode = 0640) const {
    const absl::StatusOr<Place> place = PlaceOf(name);
    if (!place.ok()) return place.status();
    return Descriptor::Open(*place, flags, mode);
  }

  const Descriptor directory_;
  std::optional<Descriptor> lock_;
};

absl::Status MakeDirectories(const fs::path& directory) {
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
    const absl::StatusOr<Descriptor> opened = Descriptor::OpenDirectory(parent);
    if (!opened.ok()) return opened.status();
    if (absl::Status status = Sync(*opened, parent); !status.ok()) return status;
  }
  return absl::OkStatus();
}

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

absl::StatusOr<std::unique_ptr<Directory>> OpenPosixDirectory(const fs::path& path,
                                                              IfMissing missing) {
  if (missing == IfMissing::kMake) {
    if (absl::Status status = MakeDirectories(path); !status.ok()) return status;
  }
  absl::StatusOr<Descriptor> opened = Descriptor::OpenDirectory(path);
  if (!opened.ok()) return opened.status();
  return std::make_unique<PosixDirectory>(path, *std::move(opened));
}

}  // namespace varscope::server
