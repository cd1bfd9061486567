// How the daemon refuses for now: a key of the trailing metadata whose value is the number of
// milliseconds after which the client may ask again.
#ifndef VARSCOPE_PROTO_WIRE_RETRY_AFTER_H_
#define VARSCOPE_PROTO_WIRE_RETRY_AFTER_H_

namespace varscope::wire {

inline constexpr char kRetryAfterKey[] = "varscope-retry-after-ms";

}  // namespace varscope::wire

#endif  // VARSCOPE_PROTO_WIRE_RETRY_AFTER_H_
