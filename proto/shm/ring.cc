#include "proto/shm/ring.h"

#include <algorithm>
#include <cstring>

namespace varscope::shm {
namespace {

Stretches At(std::span<std::byte> data, uint64_t position, size_t size) {
  const size_t begin = position & (data.size() - 1);
  const size_t first = std::min(size, data.size() - begin);
  return {data.subspan(begin, first), data.first(size - first)};
}

absl::Status Nonsense() {
  return absl::InvalidArgumentError("the other side has broken the shared memory");
}

// Sequentially consistent with the sleeper, which says so before it looks once more.
bool Tell(std::atomic<uint64_t>& position, uint64_t value, std::atomic<uint32_t>& sleeps) {
  position.store(value);
  return sleeps.load() != 0 && sleeps.exchange(0) != 0;
}

}  // namespace

absl::StatusOr<size_t> RingWriter::Room() const {
  const uint64_t used = position_ - control_.read.load();
  if (used > data_.size()) return Nonsense();
  return data_.size() - used;
}

absl::StatusOr<size_t> RingWriter::Write(std::span<const std::byte> bytes) {
  const absl::StatusOr<size_t> room = Room();
  if (!room.ok()) return room;
  const size_t size = std::min(*room, bytes.size());
  const Stretches to = At(data_, position_, size);
  std::copy_n(bytes.begin(), to.first.size(), to.first.begin());
  std::copy_n(bytes.begin() + to.first.size(), to.second.size(), to.second.begin());
  position_ += size;
  return size;
}

bool RingWriter::Publish() { return Tell(control_.written, position_, control_.reader_sleeps); }

absl::StatusOr<size_t> RingReader::Filled() const {
  const uint64_t filled = control_.written.load() - position_;
  if (filled > data_.size()) return Nonsense();
  return filled;
}

Stretches RingReader::Take(size_t size) {
  const Stretches taken = At(data_, position_, size);
  position_ += size;
  return taken;
}

bool RingReader::Release() { return Tell(control_.read, position_, control_.writer_sleeps); }

}  // namespace varscope::shm
