// Memory that two processes share. It has no name, so nothing is left of it when both are gone,
// however they went.
#ifndef VARSCOPE_PROTO_SHM_SEGMENT_H_
#define VARSCOPE_PROTO_SHM_SEGMENT_H_

#include <cstddef>
#include <span>
#include <utility>

#include "absl/status/statusor.h"
#include "proto/shm/file_descriptor.h"

namespace varscope::shm {

class Segment {
 public:
  // Zeros, of a size that nobody can change any more.
  static absl::StatusOr<Segment> Create(size_t bytes);
  // Another process's; FailedPrecondition when it is not of that size, or could shrink.
  static absl::StatusOr<Segment> Map(FileDescriptor file, size_t bytes);
  ~Segment();
  Segment(Segment&& other) noexcept
      : file_(std::move(other.file_)), memory_(std::exchange(other.memory_, {})) {}
  Segment& operator=(Segment&&) = delete;

  // What all of the process have mapped now, in bytes. Thread-safe.
  static size_t MappedBytes();

  std::span<std::byte> memory() const { return memory_; }
  const FileDescriptor& file() const { return file_; }

 private:
  Segment(FileDescriptor file, std::span<std::byte> memory)
      : file_(std::move(file)), memory_(memory) {}
  static absl::StatusOr<Segment> MapSealed(FileDescriptor file, size_t bytes);

  FileDescriptor file_;
  std::span<std::byte> memory_;
};

}  // namespace varscope::shm

#endif  // VARSCOPE_PROTO_SHM_SEGMENT_H_
