// Fuzzes what a worker can write into the memory that it shares with the server. The input is how
// far it claims to have written (four bytes), then what the ring holds.
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>

#include "absl/status/statusor.h"
#include "proto/shm/link.h"
#include "proto/wire/frame_reader.h"

namespace varscope::shm {
namespace {

// No waiting: what is not there will not come.
constexpr Clock::time_point kNow = Clock::time_point::min();

absl::StatusOr<std::vector<wire::IncomingTensor>> RefuseTensors(const v1::FrameHeader& head) {
  if (head.body_bytes() == 0) return std::vector<wire::IncomingTensor>();
  return absl::ResourceExhaustedError("frame_fuzz has those");
}

void Receive(Link& link) {
  wire::FrameReader reader(RefuseTensors);
  for (;;) {
    absl::StatusOr<Message> message = link.Receive(kNow);
    if (!message.ok()) return;
    if (message->content.Length() > kMaxPrefixBytes + kMaxBodyBytes) abort();
    if (!reader.Add(message->content).ok()) return;
  }
}

void Run(uint32_t written, const uint8_t* data, size_t size) {
  int sockets[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) != 0) abort();
  Doorbell theirs{FileDescriptor(sockets[1])};
  absl::StatusOr<Link> link = Link::Accept(Doorbell(FileDescriptor(sockets[0])));
  absl::StatusOr<FileDescriptor> file = theirs.Receive(Clock::now() + std::chrono::seconds(10));
  if (!link.ok() || !file.ok()) abort();
  absl::StatusOr<Segment> segment = Segment::Map(*std::move(file), kSegmentBytes);
  if (!segment.ok()) abort();
  const std::span<std::byte> ring = segment->memory().subspan(kControlBytes);
  std::memcpy(ring.data(), data, std::min(size, kRingBytes));
  std::launder(reinterpret_cast<RingControl*>(segment->memory().data()))->written = written;
  Receive(*link);
}

}  // namespace
}  // namespace varscope::shm

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  uint32_t written = 0;
  if (size < sizeof written) return 0;
  std::memcpy(&written, data, sizeof written);
  varscope::shm::Run(written, data + sizeof written, size - sizeof written);
  return 0;
}
