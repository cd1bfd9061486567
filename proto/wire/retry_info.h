// Retry info: what the client should do after a refusal, beside its text (compare
// google.rpc.RetryInfo and gRPC's grpc-retry-pushback-ms). Inside the server it is payloads of the
// status, on the wire keys of the call's trailing metadata.
#ifndef VARSCOPE_PROTO_WIRE_RETRY_INFO_H_
#define VARSCOPE_PROTO_WIRE_RETRY_INFO_H_

#include <chrono>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace varscope {

// Send the request again after so many milliseconds.
inline constexpr char kRetryAfterKey[] = "varscope-retry-after-ms";

// Connect again, because the incarnation is over. The change was not made, and never will be under
// that incarnation.
inline constexpr char kReconnectKey[] = "varscope-reconnect";
enum class Reconnect : char {
  kThenResend = 's',  // the client sends the change again
  kThenReport = 'r',  // its values are gone: the program gets the error
};

inline absl::Status WithRetryAfter(absl::Status status, std::chrono::milliseconds after) {
  status.SetPayload(kRetryAfterKey, absl::Cord(std::to_string(after.count())));
  return status;
}

// The same code and retry info, with a longer text.
inline absl::Status Prefixed(absl::string_view prefix, const absl::Status& status) {
  absl::Status longer(status.code(), absl::StrCat(prefix, status.message()));
  status.ForEachPayload(
      [&](absl::string_view key, const absl::Cord& value) { longer.SetPayload(key, value); });
  return longer;
}

inline absl::Status WithReconnect(absl::Status status, Reconnect how) {
  status.SetPayload(kReconnectKey, absl::Cord(std::string(1, static_cast<char>(how))));
  return status;
}

}  // namespace varscope

#endif  // VARSCOPE_PROTO_WIRE_RETRY_INFO_H_
