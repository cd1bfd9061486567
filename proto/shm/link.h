// Messages between two processes through shared memory, both ways.
#ifndef VARSCOPE_PROTO_SHM_LINK_H_
#define VARSCOPE_PROTO_SHM_LINK_H_

#include <grpcpp/support/byte_buffer.h>

#include <climits>
#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "proto/memory/memory_account.h"
#include "proto/shm/doorbell.h"
#include "proto/shm/ring.h"
#include "proto/shm/segment.h"

namespace varscope::shm {

// Small enough for the caches; a message's body may take an eighth of it, so that one side reads
// while the other writes. Measured with tests/bench.
inline constexpr size_t kRingBytes = size_t{2} << 20;
inline constexpr size_t kMaxBodyBytes = kRingBytes / 8;
// The memory: both rings' controls, the worker's first, then both rings.
inline constexpr size_t kControlBytes = 4096;
inline constexpr size_t kSegmentBytes = kControlBytes + 2 * kRingBytes;
// Beside the tensors' bytes: see wire::kMaxHeaderBytes.
inline constexpr size_t kMaxPrefixBytes = (size_t{16} << 20) + 64;

// ConnectResponse.session_key is less.
inline constexpr size_t kMaxKeyBytes = 4096;

enum class Kind : uint32_t {
  kFrame = 1,       // a TensorFrame
  kEnd = 2,         // an Error: the server's last message
  kSessionKey = 3,  // ConnectResponse.session_key: the worker's first message
};

struct Message {
  Kind kind;
  // Its first slice is the receiver's own, the others are the other side's memory, which it may
  // change at any time: they are good for one copy.
  grpc::ByteBuffer content;
};

// Used from one thread, but for HangUp. Errors: Unavailable, the other side is gone;
// DeadlineExceeded; InvalidArgument, it broke the memory. After an error the link is of no use, but
// what was sent before may still be received.
class Link {
 public:
  // The server's side; hands the memory over. ResourceExhausted when its file would get a
  // descriptor of `descriptor_limit` or above.
  static absl::StatusOr<Link> Accept(Doorbell doorbell, int descriptor_limit = INT_MAX);
  // The worker's side, to the socket of that name.
  static absl::StatusOr<Link> Connect(const std::string& name, Clock::time_point deadline);

  // The slices behind the first are the body, at most kMaxBodyBytes.
  absl::Status Send(Kind kind, const grpc::ByteBuffer& content, Clock::time_point deadline);
  // The next message, whose content is good until the next call. ResourceExhausted as
  // MemoryAccount::Refusal, before more of its prefix is read than there is memory for.
  absl::StatusOr<Message> Receive(Clock::time_point deadline);
  // Ends every wait of both sides. Any thread.
  void HangUp() { doorbell_.HangUp(); }

 private:
  Link(Doorbell doorbell, Segment segment, int side);
  absl::Status Write(std::span<const std::byte> bytes, Clock::time_point deadline);
  absl::Status AwaitFilled(size_t size, Clock::time_point deadline);
  absl::Status ReadPrefix(size_t size, Clock::time_point deadline);
  // Takes the memory for a prefix of so many bytes, or of more.
  absl::Status ReservePrefix(size_t size);
  using Ready = std::function<absl::StatusOr<bool>()>;
  absl::Status Await(std::atomic<uint32_t>& sleeps, const Ready& ready, Clock::time_point deadline);

  Doorbell doorbell_;
  Segment segment_;
  RingWriter out_;
  RingReader in_;
  std::string prefix_;
  MemoryAccount::Hold held_;  // of prefix_, once it is large
};

}  // namespace varscope::shm

#endif  // VARSCOPE_PROTO_SHM_LINK_H_
