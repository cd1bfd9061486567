#include "proto/shm/segment.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <atomic>
#include <cerrno>

namespace varscope::shm {
namespace {

// A file that shrinks kills whoever touches the memory behind its end.
constexpr int kSeals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;

std::atomic<size_t> mapped_bytes{0};

}  // namespace

absl::StatusOr<Segment> Segment::Create(size_t bytes) {
  FileDescriptor file(memfd_create("varscope", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!file.valid()) return absl::ErrnoToStatus(errno, "memfd_create");
  if (ftruncate(file.get(), static_cast<off_t>(bytes)) != 0) {
    return absl::ErrnoToStatus(errno, "ftruncate");
  }
  if (fcntl(file.get(), F_ADD_SEALS, kSeals) != 0) return absl::ErrnoToStatus(errno, "F_ADD_SEALS");
  return MapSealed(std::move(file), bytes);
}

absl::StatusOr<Segment> Segment::Map(FileDescriptor file, size_t bytes) {
  struct stat status {};
  const int seals = fcntl(file.get(), F_GET_SEALS);
  if (seals < 0 || fstat(file.get(), &status) != 0) {
    return absl::ErrnoToStatus(errno, "shared memory");
  }
  if ((seals & F_SEAL_SHRINK) == 0 || status.st_size != static_cast<off_t>(bytes)) {
    return absl::FailedPreconditionError("the shared memory is not of the agreed size");
  }
  return MapSealed(std::move(file), bytes);
}

absl::StatusOr<Segment> Segment::MapSealed(FileDescriptor file, size_t bytes) {
  void* const memory =
      mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), /*offset=*/0);
  if (memory == MAP_FAILED) return absl::ErrnoToStatus(errno, "mmap");
  mapped_bytes.fetch_add(bytes, std::memory_order_relaxed);
  return Segment(std::move(file), {static_cast<std::byte*>(memory), bytes});
}

Segment::~Segment() {
  if (memory_.empty()) return;
  munmap(memory_.data(), memory_.size());
  mapped_bytes.fetch_sub(memory_.size(), std::memory_order_relaxed);
}

size_t Segment::MappedBytes() { return mapped_bytes.load(std::memory_order_relaxed); }

}  // namespace varscope::shm
