#include "proto/wire/address.h"

#include <arpa/inet.h>
#include <sys/un.h>

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "proto/naming/names.h"

namespace varscope {
namespace {

constexpr size_t kMaxSocketPath = sizeof(sockaddr_un::sun_path) - 1;
constexpr size_t kMaxHostBytes = 253;
constexpr size_t kMaxLabelBytes = 63;
constexpr int kMaxPort = 65535;

// What is wrong with an address or its part; empty: nothing.
using Wrong = std::string;

Wrong WrongPath(absl::string_view path) {
  if (path.empty()) return "the socket's path is missing, write unix:PATH";
  if (path.find('\0') != absl::string_view::npos) return "a path has no zero bytes";
  if (path.size() <= kMaxSocketPath) return "";
  return absl::StrCat("the socket's path has ", path.size(), " bytes, at most ", kMaxSocketPath,
                      " are possible");
}

Wrong WrongPort(absl::string_view port, int least) {
  const bool digits = std::all_of(port.begin(), port.end(), absl::ascii_isdigit);
  int number = 0;
  if (digits && absl::SimpleAtoi(port, &number) && number >= least && number <= kMaxPort) return "";
  return absl::StrCat("'", Printable(port), "' is no port, which is a number from ", least, " to ",
                      kMaxPort);
}

bool IsAddress(int family, absl::string_view text) {
  in6_addr unused{};
  return inet_pton(family, std::string(text).c_str(), &unused) == 1;
}

bool IsLabel(absl::string_view label) {
  const auto fits = [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_';
  };
  return !label.empty() && label.size() <= kMaxLabelBytes && label.front() != '-' &&
         std::all_of(label.begin(), label.end(), fits);
}

Wrong WrongHost(absl::string_view host) {
  if (host.empty()) {
    return "the host is missing: write 0.0.0.0:PORT to listen on every interface, 127.0.0.1:PORT "
           "for this machine";
  }
  if (host == "*") return "write 0.0.0.0:PORT or [::]:PORT to listen on every interface";
  if (absl::ConsumePrefix(&host, "[")) {
    const bool closed = absl::ConsumeSuffix(&host, "]");
    const absl::string_view address = host.substr(0, host.find('%'));
    if (closed && IsAddress(AF_INET6, address)) return "";
    return "what is in brackets is no IPv6 address, such as [::1]:7077";
  }
  if (absl::StrContains(host, ':')) return "an IPv6 address is written in brackets: [::1]:7077";
  const absl::string_view name = absl::StripSuffix(host, ".");
  const std::vector<absl::string_view> labels = absl::StrSplit(name, '.');
  // A name whose last part is a number would be read as an IPv4 address.
  const absl::string_view last = labels.back();
  if (!last.empty() && std::all_of(last.begin(), last.end(), absl::ascii_isdigit)) {
    if (IsAddress(AF_INET, host)) return "";
    return absl::StrCat("'", Printable(host), "' is no IPv4 address");
  }
  if (name.size() <= kMaxHostBytes && std::all_of(labels.begin(), labels.end(), IsLabel)) return "";
  return absl::StrCat("'", Printable(host), "' is no host name");
}

Wrong WrongHostAndPort(absl::string_view text, int least_port) {
  if (const size_t scheme = text.find("://"); scheme != absl::string_view::npos) {
    return absl::StrCat("write HOST:PORT without ", Printable(text.substr(0, scheme + 3)));
  }
  const size_t colon = text.rfind(':');
  const size_t bracket = text.rfind(']');
  const bool in_brackets = bracket != absl::string_view::npos && bracket > colon;
  if (text.empty() || colon == absl::string_view::npos || in_brackets) {
    return "the port is missing, write HOST:PORT";
  }
  // An IPv6 address alone looks as if it ended in a port.
  if (IsAddress(AF_INET6, text) && text[0] != '[') {
    return absl::StrCat("an IPv6 address is written in brackets: [::1]:7077");
  }
  Wrong wrong = WrongHost(text.substr(0, colon));
  return wrong.empty() ? WrongPort(text.substr(colon + 1), least_port) : wrong;
}

Wrong WrongAddress(absl::string_view text, int least_port) {
  if (!absl::ConsumePrefix(&text, "unix:")) return WrongHostAndPort(text, least_port);
  // As a URI, the path begins after an empty host.
  if (absl::ConsumePrefix(&text, "//") && !absl::StartsWith(text, "/")) {
    return "write unix:PATH, or unix:///PATH for an absolute one";
  }
  return WrongPath(text);
}

absl::Status ToStatus(absl::string_view text, const Wrong& wrong) {
  if (wrong.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("'", PrintablePath(text), "' is no address: ", wrong));
}

}  // namespace

absl::Status ValidateListenAddress(absl::string_view text) {
  return ToStatus(text, WrongAddress(text, /*least_port=*/0));
}

absl::Status ValidateTarget(absl::string_view text) {
  constexpr int kLeastPort = 1;
  absl::string_view address = text;
  for (const char* resolver : {"dns:///", "dns:", "ipv4:", "ipv6:"}) {
    if (absl::ConsumePrefix(&address, resolver)) {
      return ToStatus(text, WrongHostAndPort(address, kLeastPort));
    }
  }
  return ToStatus(text, WrongAddress(address, kLeastPort));
}

}  // namespace varscope
