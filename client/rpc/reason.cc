#include "client/rpc/reason.h"

#include <algorithm>
#include <array>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "client/graph/throw.h"

namespace varscope::internal {
namespace {

constexpr const char* kSilent =
    "no answer; the server is stopped or busy, or its host cannot be reached";
constexpr const char* kFull =
    "the server has no room for what it is being sent, by all workers together; a request that is "
    "smaller, or a larger --memory-limit of the server, may help";
constexpr const char* kAnother = "what listens there is not varscoped, or of another version";

// By what gRPC 1.51's text has in it.
struct Known {
  absl::string_view sign;
  const char* text;
  bool may_pass = true;
  bool of_path = false;  // an error of a file's name: not where the target is a host and a port
};
constexpr std::array<Known, 15> kKnown = {{
    {"Connection refused", "connection refused: nothing listens there"},
    {"Permission denied", "permission denied: this user may not open the socket", false},
    {"No such file or directory", "there is no such socket", true, /*of_path=*/true},
    {"Not a directory", "there is no such socket: its folder is a file", false, /*of_path=*/true},
    {"Domain name not found", "the host name is not known"},
    {"DNS resolution failed", "the host name cannot be looked up"},
    {"No route to host", "there is no route to the host"},
    {"Network is unreachable", "the network cannot be reached"},
    {"http1.x server", kAnother, false},
    {"Failed parsing HTTP/2", kAnother, false},
    {"http2 header with status", kAnother, false},
    {"before receiving SETTINGS frame",
     "it takes the connection, but does not answer: is it stopped?"},
    {"handshaker shutdown", kSilent},
    {"recvmsg", kSilent},
    {"Socket closed", "it closes the connection"},
}};

const Known* Find(const std::string& text) {
  const auto known = std::find_if(kKnown.begin(), kKnown.end(),
                                  [&](const Known& k) { return absl::StrContains(text, k.sign); });
  return known == kKnown.end() ? nullptr : &*known;
}

}  // namespace

// HTTP/2's ENHANCE_YOUR_CALM. The server's own refusals have other texts.
bool BuffersWereFull(const grpc::Status& status) {
  return status.error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED &&
         absl::StrContains(status.error_message(), "RST_STREAM with error code 11");
}

bool NobodyAnswered(const grpc::Status& status) {
  return status.error_code() == grpc::StatusCode::UNAVAILABLE ||
         status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED ||
         status.error_code() == grpc::StatusCode::UNIMPLEMENTED;
}

Reason ReasonOf(const grpc::Status& status) {
  const std::string& text = status.error_message();
  if (text == "Deadline Exceeded") return {kSilent};
  if (status.error_code() == grpc::StatusCode::UNIMPLEMENTED) return {kAnother, false};
  if (BuffersWereFull(status)) return {kFull};
  if (status.error_code() != grpc::StatusCode::UNAVAILABLE) return {text};
  if (const Known* const known = Find(text)) return {known->text, known->may_pass};
  // The rest of "failed to connect to all addresses; last error: UNKNOWN: ipv4:...: the reason".
  constexpr absl::string_view kBefore = "last error: ";
  const size_t at = text.find(std::string(kBefore));
  return {at == std::string::npos ? text : text.substr(at + kBefore.size())};
}

bool IsTheTransports(const grpc::Status& status) {
  return status.error_code() == grpc::StatusCode::UNAVAILABLE &&
         Find(status.error_message()) != nullptr;
}

bool IsOfAnotherCall(const grpc::Status& status, const std::string& target) {
  if (status.error_code() != grpc::StatusCode::UNAVAILABLE) return false;
  const Known* const known = Find(status.error_message());
  return known != nullptr && known->of_path && !absl::StartsWith(target, "unix");
}

void ThrowIfFailed(const grpc::Status& status, const char* call, const std::string& target) {
  if (status.ok()) return;
  const std::string where = NobodyAnswered(status)
                                ? absl::StrCat(call, " to varscoped at ", target, ": ")
                                : std::string();
  ThrowIfError(absl::Status(static_cast<absl::StatusCode>(status.error_code()),
                            absl::StrCat(where, ReasonOf(status).text)));
}

}  // namespace varscope::internal
