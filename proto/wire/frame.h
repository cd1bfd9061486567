// TensorFrame to and from gRPC byte buffers. Tensor bytes are never copied into a protobuf field:
// an encoded frame refers to the slices that it is given, a decoded one to those that arrived.
// The encoding is exactly protobuf's for varscope.v1.TensorFrame.
#ifndef VARSCOPE_PROTO_WIRE_FRAME_H_
#define VARSCOPE_PROTO_WIRE_FRAME_H_

#include <grpcpp/support/byte_buffer.h>

#include <cstddef>
#include <initializer_list>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "proto/wire/arena_message.h"
#include "varscope/v1/tensor_stream.pb.h"

namespace varscope::wire {

// What a frame's body holds over gRPC, so that a stream is flow-controlled in such steps. What
// arrives is still in a core's own cache (1 to 2 MiB) when it is checked and copied.
inline constexpr size_t kFrameBodyBytes = size_t{512} << 10;
inline constexpr size_t kMaxHeaderBytes = size_t{16} << 20;

using Header = ArenaMessage<v1::FrameHeader>;

struct Frame {
  Header header;
  bool checked = false;           // it had a checksum, which agrees
  std::vector<grpc::Slice> body;  // in order
  size_t body_size = 0;
};

// InvalidArgument: "malformed tensor frame: ...".
absl::Status Malformed(absl::string_view what);

// The header is the parts' merged, as protobuf merges what is written one after the other.
grpc::ByteBuffer Encode(std::initializer_list<const v1::FrameHeader*> parts,
                        const std::vector<grpc::Slice>& body, bool checksum);
grpc::ByteBuffer Encode(const v1::FrameHeader& header, const std::vector<grpc::Slice>& body,
                        bool checksum = false);

// Whether the frame begins with its header, and its first slice has all of that: of a frame whose
// other slices somebody else may still change.
bool BeginsWithWholeHeader(const grpc::ByteBuffer& buffer);

// InvalidArgument for bytes that are not a TensorFrame, or a header above kMaxHeaderBytes;
// ResourceExhausted without memory for the header, as wire::Parse;
// DataLoss, with a retry delay, when the checksum says that bytes have changed on their way.
absl::StatusOr<Frame> Decode(grpc::ByteBuffer& buffer);

}  // namespace varscope::wire

#endif  // VARSCOPE_PROTO_WIRE_FRAME_H_
