#include "server/rpc/busy_connections.h"

#include <arpa/inet.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "server/env/open_directory.h"

namespace varscope::server {
namespace {

union Address {
  sockaddr any;
  sockaddr_in v4;
  sockaddr_in6 v6;
};

std::optional<Address> Ask(int (*ask)(int, sockaddr*, socklen_t*), int descriptor) {
  Address address{};
  socklen_t size = sizeof address;
  if (ask(descriptor, &address.any, &size) != 0) return std::nullopt;
  const bool known = address.any.sa_family == AF_INET || address.any.sa_family == AF_INET6;
  return known ? std::optional(address) : std::nullopt;
}

int PortOf(const Address& address) {
  return ntohs(address.any.sa_family == AF_INET ? address.v4.sin_port : address.v6.sin6_port);
}

std::string TextOf(const Address& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const bool v4 = address.any.sa_family == AF_INET;
  const void* const host =
      v4 ? static_cast<const void*>(&address.v4.sin_addr) : &address.v6.sin6_addr;
  inet_ntop(address.any.sa_family, host, text.data(), text.size());
  return absl::StrCat(v4 ? "" : "[", text.data(), v4 ? ":" : "]:", PortOf(address));
}

// Of a connection that is open.
std::optional<uint64_t> BytesReceived(int descriptor) {
  constexpr uint8_t kEstablished = 1;  // of the kernel's states
  tcp_info info{};
  socklen_t size = sizeof info;
  if (getsockopt(descriptor, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return std::nullopt;
  if (info.tcpi_state != kEstablished) return std::nullopt;
  return info.tcpi_bytes_received;
}

bool Accepts(int descriptor) {
  int accepts = 0;
  socklen_t size = sizeof accepts;
  return getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &accepts, &size) == 0 && accepts != 0;
}

// All of the process.
std::vector<int> Descriptors() {
  std::vector<int> descriptors;
  OpenDirectory open("/proc/self/fd");
  while (const char* const name = open.Next()) {
    int descriptor = -1;
    if (absl::SimpleAtoi(name, &descriptor)) descriptors.push_back(descriptor);
  }
  return descriptors;
}

}  // namespace

std::string UnixNameOf(int descriptor) {
  sockaddr_un address{};
  socklen_t size = sizeof address;
  if (getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &size) != 0) return {};
  constexpr socklen_t kBefore = offsetof(sockaddr_un, sun_path);
  if (address.sun_family != AF_UNIX || size <= kBefore) return {};
  const std::string name(address.sun_path, size - kBefore);
  // A path ends with a zero byte.
  return name[0] == '\0' ? name : std::string(name.c_str());
}

std::vector<BusyConnections::Connection> BusyConnections::OverUnixSockets() const {
  std::vector<Connection> connections;
  if (unix_names_.empty()) return connections;
  for (const int descriptor : Descriptors()) {
    const std::string name = UnixNameOf(descriptor);
    if (name.empty() || Accepts(descriptor)) continue;
    if (std::find(unix_names_.begin(), unix_names_.end(), name) == unix_names_.end()) continue;
    const bool is_path = name[0] != '\0';
    connections.push_back(
        {descriptor, is_path ? "unix:" + name : "unix-abstract:" + name.substr(1)});
  }
  return connections;
}

BusyConnections::Received BusyConnections::ReceivedNow() const {
  Received received;
  for (const int descriptor : Descriptors()) {
    const std::optional<uint64_t> bytes = BytesReceived(descriptor);
    if (!bytes) continue;
    const std::optional<Address> own = Ask(getsockname, descriptor);
    const std::optional<Address> peer = Ask(getpeername, descriptor);
    if (!own || !peer) continue;
    if (std::find(ports_.begin(), ports_.end(), PortOf(*own)) == ports_.end()) continue;
    received[{descriptor, TextOf(*peer)}] = *bytes;
  }
  return received;
}

std::vector<std::string> BusyConnections::End() {
  Received now = ReceivedNow();
  const auto since = [&](const auto& connection) {
    const auto before = received_.find(connection.first);
    return connection.second - (before == received_.end() ? 0 : before->second);
  };
  uint64_t most = 0;
  for (const auto& connection : now) most = std::max(most, since(connection));
  std::vector<Connection> busy = OverUnixSockets();
  for (const auto& connection : now) {
    if (most > 0 && since(connection) >= most / 2) busy.push_back(connection.first);
  }
  std::vector<std::string> ended;
  for (Connection& connection : busy) {
    // Should another connection have the descriptor by now, that one's worker connects again.
    shutdown(connection.descriptor, SHUT_RDWR);
    ended.push_back(std::move(connection.peer));
  }
  received_ = std::move(now);
  return ended;
}

}  // namespace varscope::server
