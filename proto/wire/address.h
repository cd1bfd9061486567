// Which texts are addresses, of a server and for its workers.
#ifndef VARSCOPE_PROTO_WIRE_ADDRESS_H_
#define VARSCOPE_PROTO_WIRE_ADDRESS_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace varscope {

// HOST:PORT, where HOST is a name, an IPv4 address, or an IPv6 address in brackets, or unix:PATH.
// OK, or InvalidArgument, which says what is wrong and what to write instead.

// What a server may listen on; port 0 is any free one.
absl::Status ValidateListenAddress(absl::string_view text);

// What a worker may connect to. gRPC's dns:, ipv4: and ipv6: may stand before HOST:PORT.
absl::Status ValidateTarget(absl::string_view text);

}  // namespace varscope

#endif  // VARSCOPE_PROTO_WIRE_ADDRESS_H_
