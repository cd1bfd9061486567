// The version of the wire protocol (proto/varscope/v1).
#ifndef VARSCOPE_PROTO_WIRE_PROTOCOL_H_
#define VARSCOPE_PROTO_WIRE_PROTOCOL_H_

#include <cstdint>

namespace varscope::wire {

// A server and a worker of different versions refuse each other when the worker connects; those
// that do not say theirs have version 1. Rises with every change that the other side would not
// understand.
inline constexpr uint32_t kProtocol = 4;

}  // namespace varscope::wire

#endif  // VARSCOPE_PROTO_WIRE_PROTOCOL_H_
