// How gRPC's connections are tuned for tensors, on both sides.
#ifndef VARSCOPE_PROTO_WIRE_CHANNEL_ARGUMENTS_H_
#define VARSCOPE_PROTO_WIRE_CHANNEL_ARGUMENTS_H_

#include <grpc/impl/codegen/grpc_types.h>

#include <array>
#include <utility>

namespace varscope::wire {

// A frame is at most 512 KiB of tensor and 16 MiB of header.
inline constexpr int kMaxMessageBytes = 32 << 20;

// Measured with tests/bench: larger reads and a window of several frames halve the time of large
// transfers.
inline constexpr std::array<std::pair<const char*, int>, 4> kChannelArguments = {{
    {GRPC_ARG_TCP_READ_CHUNK_SIZE, 256 << 10},
    {GRPC_ARG_TCP_MAX_READ_CHUNK_SIZE, 4 << 20},
    {GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, 8 << 20},
    {GRPC_ARG_HTTP2_MAX_FRAME_SIZE, 4 << 20},
}};

}  // namespace varscope::wire

#endif  // VARSCOPE_PROTO_WIRE_CHANNEL_ARGUMENTS_H_
