// A ring of bytes in shared memory, with one writer and one reader, which need not trust each
// other: each keeps its own position to itself and checks the other's before it uses it.
#ifndef VARSCOPE_PROTO_SHM_RING_H_
#define VARSCOPE_PROTO_SHM_RING_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

#include "absl/status/statusor.h"

namespace varscope::shm {

// What both sides see; begins as zeros. Positions count all bytes since the beginning.
struct RingControl {
  alignas(64) std::atomic<uint64_t> written;
  std::atomic<uint32_t> reader_sleeps;
  alignas(64) std::atomic<uint64_t> read;
  std::atomic<uint32_t> writer_sleeps;
};
static_assert(std::atomic<uint64_t>::is_always_lock_free);

// Two stretches, because the ring has an end.
struct Stretches {
  std::span<std::byte> first;
  std::span<std::byte> second;
};

class RingWriter {
 public:
  // The size of `data` is a power of two.
  RingWriter(RingControl& control, std::span<std::byte> data) : control_(control), data_(data) {}

  // How much may be written. InvalidArgument when the reader's position makes no sense.
  absl::StatusOr<size_t> Room() const;
  // As much of `bytes` as there is room for; returns how much that was.
  absl::StatusOr<size_t> Write(std::span<const std::byte> bytes);
  // Lets the reader see what was written. True when it sleeps: wake it.
  bool Publish();
  std::atomic<uint32_t>& sleeps() { return control_.writer_sleeps; }

 private:
  RingControl& control_;
  const std::span<std::byte> data_;
  uint64_t position_ = 0;
};

class RingReader {
 public:
  RingReader(RingControl& control, std::span<std::byte> data) : control_(control), data_(data) {}

  // How much may be read. InvalidArgument when the writer's position makes no sense.
  absl::StatusOr<size_t> Filled() const;
  // Takes the next `size` bytes, which must be there. They stay until Release.
  Stretches Take(size_t size);
  // Gives what was taken back to the writer. True when it sleeps: wake it.
  bool Release();
  std::atomic<uint32_t>& sleeps() { return control_.reader_sleeps; }

 private:
  RingControl& control_;
  const std::span<std::byte> data_;
  uint64_t position_ = 0;
};

}  // namespace varscope::shm

#endif  // VARSCOPE_PROTO_SHM_RING_H_
