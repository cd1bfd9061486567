// Where a session key travels.
#ifndef VARSCOPE_PROTO_WIRE_SESSION_H_
#define VARSCOPE_PROTO_WIRE_SESSION_H_

namespace varscope::wire {

// The metadata of calls and streams over gRPC that has ConnectResponse.session_key. Through shared
// memory the key is the first message.
inline constexpr const char* kSessionMetadata = "varscope-session-bin";

}  // namespace varscope::wire

#endif  // VARSCOPE_PROTO_WIRE_SESSION_H_
