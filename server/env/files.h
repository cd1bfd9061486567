// Files as the server uses them: an interface, so that a test can have a disk that fails, and
// crashes, at any call. Every error names the file and the reason ("No space left on device");
// NotFound, PermissionDenied, ResourceExhausted for a full disk, else Internal.
#ifndef VARSCOPE_SERVER_ENV_FILES_H_
#define VARSCOPE_SERVER_ENV_FILES_H_

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace varscope::server {

// An open file that grows at its end. Its destruction closes it, and writes nothing.
// Thread-compatible.
class WritableFile {
 public:
  virtual ~WritableFile() = default;
  WritableFile(const WritableFile&) = delete;
  WritableFile& operator=(const WritableFile&) = delete;

  // All of it. After an error an unknown part of it is in the file. Promises nothing for a crash.
  absl::Status Write(std::span<const std::byte> bytes);
  // Everything written so far is on stable storage when it returns OK, though not the file's name
  // (Directory::Sync). NotFound when the file is no more: somebody has removed it. After an
  // error nothing is known of it.
  virtual absl::Status Sync() = 0;
  const std::filesystem::path& path() const { return path_; }

 protected:
  explicit WritableFile(std::filesystem::path path) : path_(std::move(path)) {}
  // Returns how many of them it wrote, at least one of a non-empty `bytes`.
  virtual absl::StatusOr<size_t> WriteSome(std::span<const std::byte> bytes) = 0;

 private:
  const std::filesystem::path path_;
};

// An open file that is read, never mapped: whoever cuts it off meanwhile, or a sector that cannot
// be read, is an error that names the file and the offset, and no signal. Thread-compatible.
class ReadableFile {
 public:
  virtual ~ReadableFile() = default;
  ReadableFile(const ReadableFile&) = delete;
  ReadableFile& operator=(const ReadableFile&) = delete;

  // The bytes from `offset` on; OutOfRange when the file ends before.
  virtual absl::Status ReadAt(uint64_t offset, std::span<std::byte> into) = 0;
  // Those that follow what this has read before, from the beginning on.
  absl::Status Read(std::span<std::byte> into);
  // When it was opened.
  uint64_t size() const { return size_; }
  // How many Read has not read yet.
  uint64_t left() const { return size_ - at_; }
  const std::filesystem::path& path() const { return path_; }

 protected:
  ReadableFile(std::filesystem::path path, uint64_t size) : path_(std::move(path)), size_(size) {}

 private:
  const std::filesystem::path path_;
  const uint64_t size_;
  uint64_t at_ = 0;  // what Read reads next
};

// A directory that was opened once. What is done later is done in it, wherever it is by then, and
// never in another one that has its path: a path is for messages. A `name` is of something in it,
// with no '/'; InvalidArgument for any other text. Thread-safe.
class Directory {
 public:
  // Ends its lock.
  virtual ~Directory() = default;
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;

  // kOwnerOnly: the file is new; AlreadyExists when there is anything of that name.
  enum class Access : uint8_t { kGroupReads, kOwnerOnly };
  // Makes the file, or empties it. Never where a symbolic link leads.
  virtual absl::StatusOr<std::unique_ptr<WritableFile>> Create(
      absl::string_view name, Access access = Access::kGroupReads) = 0;
  // Also of what a symbolic link leads to. NotFound when there is nothing of that name, and for no
  // other reason; FailedPrecondition when it is another thing than a file, or a link that leads
  // nowhere.
  virtual absl::StatusOr<std::unique_ptr<ReadableFile>> Open(absl::string_view name) = 0;
  // The names of all that is in the directory, in no order: also of what is no file, or cannot be
  // read now. What it is, who opens it learns.
  virtual absl::StatusOr<std::vector<std::string>> List() = 0;

  // Atomic: after a crash `to` is the old or the new file, never half of one. Replaces `to`.
  virtual absl::Status Rename(absl::string_view from, absl::string_view to) = 0;
  // OK when there is none.
  virtual absl::Status Remove(absl::string_view name) = 0;
  // Makes creations, renames and removals in it durable.
  virtual absl::Status Sync() = 0;
  // kExisting: a file that is not there is NotFound, and may be one that can only be read.
  enum class LockFile : uint8_t { kMade, kExisting };
  // Locks the directory, and this file in it, until the end of this object and of the process. To
  // be called once. FailedPrecondition while somebody else has the lock of either: so whoever
  // removes the file, or puts a copy in the directory's place, ends no lock. What the file has in
  // it stays.
  virtual absl::Status Lock(absl::string_view name, LockFile file = LockFile::kMade) = 0;
  // How many more bytes its file system takes.
  virtual absl::StatusOr<uint64_t> FreeBytes() = 0;

  // OK while its path leads to it: a later start finds there what is in it. FailedPrecondition,
  // with what to do, when it leads to another one, or to none; else the error of looking there.
  // Takes no memory when it is OK.
  virtual absl::Status CheckPath() const = 0;
  // How safe it is what was done in it with this result: CheckPath's error, or the result.
  absl::Status Explain(absl::Status result) const {
    absl::Status here = CheckPath();
    return here.ok() ? result : here;
  }

  // That it was opened by.
  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path PathOf(absl::string_view name) const { return path_ / std::string(name); }

 protected:
  explicit Directory(std::filesystem::path path) : path_(std::move(path)) {}

 private:
  const std::filesystem::path path_;
};

// A directory that is not there: kMake, it is made with its parents, durably; kError, NotFound.
enum class IfMissing : uint8_t { kMake, kError };

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_ENV_FILES_H_
