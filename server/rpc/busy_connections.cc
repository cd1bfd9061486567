#include "server/rpc/busy_connections.h"

#include <arpa/inet.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <utility>

#include "absl/algorithm/container.h"
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

// Since it began; nothing: it is no open connection by TCP.
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

// That are there to be read. A connection that brings as much as it can has some at most times; one
// that brings little has none.
uint64_t BytesUnread(int descriptor) {
  int bytes = 0;
  return ioctl(descriptor, SIOCINQ, &bytes) == 0 ? bytes : 0;
}

std::optional<uint64_t> SocketInode(int descriptor) {
  struct stat status {};
  if (fstat(descriptor, &status) != 0 || !S_ISSOCK(status.st_mode)) return std::nullopt;
  return status.st_ino;
}

// Of a connection, for people.
std::string PeerOf(int descriptor) {
  if (const std::optional<Address> peer = Ask(getpeername, descriptor)) return TextOf(*peer);
  const std::string name = UnixNameOf(descriptor);
  return name.starts_with('\0') ? "unix-abstract:" + name.substr(1) : "unix:" + name;
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

bool BusyConnections::IsOurs(int descriptor, bool over_tcp) const {
  if (over_tcp) {
    const std::optional<Address> own = Ask(getsockname, descriptor);
    return own && absl::c_linear_search(ports_, PortOf(*own));
  }
  return absl::c_linear_search(unix_names_, UnixNameOf(descriptor)) && !Accepts(descriptor);
}

void BusyConnections::Update() {
  std::map<uint64_t, Connection> now;
  for (const int descriptor : Descriptors()) {
    const std::optional<uint64_t> received = BytesReceived(descriptor);
    if (!received && unix_names_.empty()) continue;
    const std::optional<uint64_t> inode = SocketInode(descriptor);
    if (!inode || !IsOurs(descriptor, received.has_value())) continue;
    Connection& connection = now[*inode];
    if (const auto before = connections_.find(*inode); before != connections_.end()) {
      connection = before->second;
    }
    connection.descriptor = descriptor;
    if (received) {
      connection.brought += *received - std::exchange(connection.received, *received);
    } else {
      connection.brought += BytesUnread(descriptor);
    }
  }
  connections_ = std::move(now);
}

void BusyConnections::Look() {
  Update();
  for (auto& [inode, connection] : connections_) connection.brought = 0;
}

std::vector<std::string> BusyConnections::End(uint64_t excess) {
  // A call of some bytes takes kilobytes here.
  constexpr uint64_t kMostForAByte = 64;
  Update();
  uint64_t most = 0;
  uint64_t all = 0;
  for (const auto& [inode, connection] : connections_) {
    most = std::max(most, connection.brought);
    all += connection.brought;
  }
  std::vector<std::string> ended;
  if (most == 0 || all < excess / kMostForAByte) return ended;
  for (const auto& [inode, connection] : connections_) {
    if (connection.brought < most - most / 2) continue;
    // Should another have the descriptor by now, that one brought nothing.
    if (SocketInode(connection.descriptor) != inode) continue;
    ended.push_back(PeerOf(connection.descriptor));
    shutdown(connection.descriptor, SHUT_RDWR);
  }
  return ended;
}

}  // namespace varscope::server
