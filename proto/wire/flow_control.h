// Byte-counted flow control within a request: who receives tells how many bytes of the tensors it
// has taken, and who sends stays at most a window ahead of that. gRPC's own window grows with the
// delay that it measures, on a busy machine to more than 100 MB a stream.
#ifndef VARSCOPE_PROTO_WIRE_FLOW_CONTROL_H_
#define VARSCOPE_PROTO_WIRE_FLOW_CONTROL_H_

#include <grpcpp/support/byte_buffer.h>

#include <algorithm>
#include <cstdint>
#include <optional>

namespace varscope::wire {

// Beside the slices that are being copied: with gRPC's buffers less than 64 MiB.
inline constexpr uint64_t kWindowBytes = uint64_t{8} << 20;
inline constexpr uint64_t kAcknowledgedBytes = kWindowBytes / 4;

// The sender's half.
class SendWindow {
 public:
  // `total` bytes are to be sent.
  explicit SendWindow(uint64_t total) : total_(total) {}
  void Sent(uint64_t bytes) { sent_ += bytes; }
  // Whoever acknowledges what was never sent gains nothing by it.
  void Acknowledged(uint64_t received) {
    acknowledged_ = std::max(acknowledged_, std::min(received, sent_));
  }
  // Whether there is more to send that has to wait for what the receiver says next.
  bool full() const { return sent_ < total_ && sent_ - acknowledged_ >= kWindowBytes; }

 private:
  const uint64_t total_;
  uint64_t sent_ = 0;
  uint64_t acknowledged_ = 0;
};

// The receiver's half.
class ReceiveWindow {
 public:
  // When `received` bytes of `total` have come: what to acknowledge now, if anything. A sender that
  // waits has sent a window more than it was told of, so that it is told when all that has come.
  std::optional<uint64_t> Due(uint64_t received, uint64_t total) {
    if (total <= kWindowBytes || received == total) return std::nullopt;
    if (received - acknowledged_ < kAcknowledgedBytes) return std::nullopt;
    acknowledged_ = received;
    return received;
  }

 private:
  uint64_t acknowledged_ = 0;
};

// A frame that only acknowledges.
grpc::ByteBuffer EncodeAcknowledgement(uint64_t received);
// Nothing when it is another frame.
std::optional<uint64_t> DecodeAcknowledgement(grpc::ByteBuffer& frame);

}  // namespace varscope::wire

#endif  // VARSCOPE_PROTO_WIRE_FLOW_CONTROL_H_
