// What a refusal advises the client to do, beside its text: payloads of the status inside the
// daemon, keys of the call's trailing metadata on the wire.
#ifndef VARSCOPE_PROTO_CORE_ADVICE_H_
#define VARSCOPE_PROTO_CORE_ADVICE_H_

#include <chrono>
#include <string>

#include "absl/status/status.h"

namespace varscope {

// Ask again after so many milliseconds.
inline constexpr char kRetryAfterKey[] = "varscope-retry-after-ms";

// Connect again, because the incarnation is over. The change was not made, and never will be under
// that incarnation.
inline constexpr char kReconnectKey[] = "varscope-reconnect";
enum class Reconnect : char {
  kAndSendAgain = 's',  // the change may be sent anew
  kAndReport = 'r',     // what it was computed from is gone: the program has to know
};

inline absl::Status AdviseRetry(absl::Status status, std::chrono::milliseconds after) {
  status.SetPayload(kRetryAfterKey, absl::Cord(std::to_string(after.count())));
  return status;
}

inline absl::Status AdviseReconnect(absl::Status status, Reconnect how) {
  status.SetPayload(kReconnectKey, absl::Cord(std::string(1, static_cast<char>(how))));
  return status;
}

}  // namespace varscope

#endif  // VARSCOPE_PROTO_CORE_ADVICE_H_
