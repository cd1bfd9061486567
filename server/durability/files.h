// POSIX files as the durability layer uses them; every error is a Status that names the file and
// the reason ("No space left on device").
#ifndef VARSCOPE_SERVER_DURABILITY_FILES_H_
#define VARSCOPE_SERVER_DURABILITY_FILES_H_

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace varscope::server {

// An open file that belongs to its owner. Thread-compatible.
class File {
 public:
  static absl::StatusOr<File> Create(const std::filesystem::path& path);
  static absl::StatusOr<File> OpenToRead(const std::filesystem::path& path);
  ~File();
  File(File&& other) noexcept : path_(std::move(other.path_)), fd_(std::exchange(other.fd_, -1)) {}
  File& operator=(File&& other) noexcept;

  // All of it, or an error.
  absl::Status Write(std::span<const std::byte> bytes);
  // Exactly `into.size()` bytes; OutOfRange when the file ends before.
  absl::Status Read(std::span<std::byte> into);
  absl::StatusOr<size_t> Size() const;
  // On the medium when it returns OK.
  absl::Status Sync();
  absl::Status Truncate(size_t size);
  const std::filesystem::path& path() const { return path_; }
  int fd() const { return fd_; }

 private:
  File(std::filesystem::path path, int fd) : path_(std::move(path)), fd_(fd) {}
  std::filesystem::path path_;
  int fd_;
};

// Makes renames and new names in `directory` durable.
absl::Status SyncDirectory(const std::filesystem::path& directory);

// Atomic; durable after SyncDirectory.
absl::Status Rename(const std::filesystem::path& from, const std::filesystem::path& to);

// The number in a name that begins with `prefix` and 20 digits; nothing for all other names.
std::optional<uint64_t> NumberAfter(absl::string_view prefix, absl::string_view name);

// "<path>: <what>: <strerror>", ResourceExhausted when the medium is full, else Internal.
absl::Status FileError(const std::filesystem::path& path, const char* what, int error);

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_DURABILITY_FILES_H_
