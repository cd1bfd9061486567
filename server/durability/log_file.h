// A segment of the log that is read: a part of it is in memory at a time.
#ifndef VARSCOPE_SERVER_DURABILITY_LOG_FILE_H_
#define VARSCOPE_SERVER_DURABILITY_LOG_FILE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/durability/frame.h"
#include "server/env/files.h"

namespace varscope::server {

// Thread-compatible. What it returns of the file's bytes is there until the next call. An error
// says why the file cannot be read, and where; that a record is cut short or damaged is none.
class LogFile {
 public:
  // FailedPrecondition names both versions for a file of another disk format.
  static absl::StatusOr<LogFile> Open(Directory& directory, absl::string_view name);

  uint64_t size() const { return file_->size(); }
  // The record at `offset`; nothing when it is cut short or its checksums are wrong.
  absl::StatusOr<std::optional<FramedRecord>> Read(uint64_t offset);
  // The first whole record after `offset`, wherever it starts, that was written when `position` was
  // durable: what tells damage in the middle of a log from a torn end.
  absl::StatusOr<std::optional<FramedRecord>> Find(uint64_t offset, uint64_t position);

 private:
  explicit LogFile(std::unique_ptr<ReadableFile> file) : file_(std::move(file)) {}
  // Bytes that the file has.
  absl::StatusOr<std::span<const std::byte>> At(uint64_t offset, uint64_t length);
  // As many as are there without reading again, unless that is less than a prefix.
  absl::StatusOr<std::span<const std::byte>> Ahead(uint64_t offset);

  std::unique_ptr<ReadableFile> file_;
  std::unique_ptr<std::byte[]> bytes_;  // the file's from begin_ on
  uint64_t capacity_ = 0;
  uint64_t begin_ = 0;
  uint64_t filled_ = 0;
};

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_DURABILITY_LOG_FILE_H_
