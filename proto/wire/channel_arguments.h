// How gRPC's connections are tuned, on both sides: for tensors, and to notice that they are dead.
#ifndef VARSCOPE_PROTO_WIRE_CHANNEL_ARGUMENTS_H_
#define VARSCOPE_PROTO_WIRE_CHANNEL_ARGUMENTS_H_

#include <grpc/impl/codegen/grpc_types.h>

#include <array>
#include <utility>

namespace varscope::wire {

// A frame is at most 512 KiB of tensor and 16 MiB of header.
inline constexpr int kMaxMessageBytes = 32 << 20;

// Each side asks the other for a sign of life after so long without one, calls or not, and gives
// the connection up when none comes for as long again. Not less: a client of gRPC 1.51 that makes
// no call looks at its connections every 5 s only.
inline constexpr int kKeepaliveMs = 10000;
// So a connection that passes nothing any more is closed within this time. The system closes one
// whose bytes nobody acknowledges for as long (TCP_USER_TIMEOUT; gRPC's client sets its own to
// kKeepaliveMs), because a ping that is behind them is never sent.
inline constexpr int kSilenceMs = 2 * kKeepaliveMs;

// Larger reads and a window of several frames halve the time of large transfers, measured with
// tests/bench.
inline constexpr std::array<std::pair<const char*, int>, 9> kChannelArguments = {{
    {GRPC_ARG_TCP_READ_CHUNK_SIZE, 256 << 10},
    {GRPC_ARG_TCP_MAX_READ_CHUNK_SIZE, 4 << 20},
    {GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, 8 << 20},
    {GRPC_ARG_HTTP2_MAX_FRAME_SIZE, 4 << 20},
    {GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMs},
    {GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveMs},
    {GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1},
    // Pings are not counted against the bytes between them ...
    {GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0},
    // ... and a server takes them this often.
    {GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, kKeepaliveMs / 2},
}};

}  // namespace varscope::wire

#endif  // VARSCOPE_PROTO_WIRE_CHANNEL_ARGUMENTS_H_
