#include "server/rpc/busy_connections.h"

#include <arpa/inet.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <optional>
#include <system_error>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

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

}  // namespace

BusyConnections::Received BusyConnections::ReceivedNow() const {
  Received received;
  std::error_code error;
  for (std::filesystem::directory_iterator file("/proc/self/fd", error), end; file != end;
       file.increment(error)) {
    if (error) break;
    int descriptor = -1;
    if (!absl::SimpleAtoi(file->path().filename().string(), &descriptor)) continue;
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
  std::vector<std::string> ended;
  for (const auto& connection : now) {
    if (most == 0 || since(connection) < most / 2) continue;
    // Should another connection have the descriptor by now, that one's worker connects again.
    shutdown(connection.first.descriptor, SHUT_RDWR);
    ended.push_back(connection.first.peer);
  }
  received_ = std::move(now);
  return ended;
}

}  // namespace varscope::server
