// Files as the server uses them: an interface, so that a test can have a disk that fails, and
// crashes, at any call. Every error names the file and the reason ("No space left on device");
// NotFound, ResourceExhausted for a full disk, else Internal.
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
  // (Files::SyncDirectory). NotFound when the file is no more: somebody has removed it. After an
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

// An open file that is read from its beginning on. Thread-compatible.
class ReadableFile {
 public:
  virtual ~ReadableFile() = default;
  ReadableFile(const ReadableFile&) = delete;
  ReadableFile& operator=(const ReadableFile&) = delete;

  // The next `into.size()` bytes; OutOfRange when the file ends before.
  virtual absl::Status Read(std::span<std::byte> into) = 0;
  // When it was opened.
  uint64_t size() const { return size_; }
  // How many have not been read yet.
  virtual uint64_t left() const = 0;
  // All of its bytes, which are fetched when they are looked at, for as long as the file lives.
  virtual absl::StatusOr<std::span<const std::byte>> Map() = 0;
  const std::filesystem::path& path() const { return path_; }

 protected:
  ReadableFile(std::filesystem::path path, uint64_t size) : path_(std::move(path)), size_(size) {}

 private:
  const std::filesystem::path path_;
  const uint64_t size_;
};

// Ends when it is destroyed, and with the process.
class FileLock {
 public:
  FileLock() = default;
  virtual ~FileLock() = default;
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;
};

// Thread-safe.
class Files {
 public:
  virtual ~Files() = default;

  enum class Access : uint8_t { kGroupReads, kOwnerOnly };
  // Makes the file, or empties it.
  virtual absl::StatusOr<std::unique_ptr<WritableFile>> Create(
      const std::filesystem::path& path, Access access = Access::kGroupReads) = 0;
  // NotFound when there is none, and for no other reason.
  virtual absl::StatusOr<std::unique_ptr<ReadableFile>> Open(const std::filesystem::path& path) = 0;
  // The names of the files in the directory, in no order: not of what is another thing, which has
  // been put there by somebody else.
  virtual absl::StatusOr<std::vector<std::string>> List(const std::filesystem::path& directory) = 0;

  // Atomic: after a crash `to` is the old or the new file, never half of one. Replaces `to`.
  virtual absl::Status Rename(const std::filesystem::path& from,
                              const std::filesystem::path& to) = 0;
  // OK when there is none.
  virtual absl::Status Remove(const std::filesystem::path& path) = 0;
  // Makes creations, renames and removals in `directory` durable.
  virtual absl::Status SyncDirectory(const std::filesystem::path& directory) = 0;
  // With its parents; OK when it is there.
  virtual absl::Status CreateDirectories(const std::filesystem::path& directory) = 0;
  // FailedPrecondition while somebody else has the lock of this file, which is made, or of its
  // directory.
  virtual absl::StatusOr<std::unique_ptr<FileLock>> Lock(const std::filesystem::path& path) = 0;
};

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_ENV_FILES_H_
