#include "proto/wire/flow_control.h"

#include "absl/status/statusor.h"
#include "proto/wire/frame.h"

namespace varscope::wire {
namespace {

// Tags, lengths and one number: whatever is longer need not be looked into.
constexpr size_t kLongest = 32;

}  // namespace

grpc::ByteBuffer EncodeAcknowledgement(uint64_t received) {
  v1::FrameHeader header;
  header.set_received(received);
  return Encode(header, {});
}

std::optional<uint64_t> DecodeAcknowledgement(grpc::ByteBuffer& frame) {
  if (frame.Length() > kLongest) return std::nullopt;
  const absl::StatusOr<Frame> decoded = Decode(frame);
  if (!decoded.ok() || decoded->header->received() == 0) return std::nullopt;
  return decoded->header->received();
}

}  // namespace varscope::wire
