#include "server/rpc/listen.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "proto/shm/doorbell.h"
#include "proto/wire/address.h"
#include "proto/wire/channel_arguments.h"

namespace varscope::server {
namespace {

struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
  int family() const { return storage.ss_family; }
  in_port_t& port() {
    return family() == AF_INET6 ? reinterpret_cast<sockaddr_in6&>(storage).sin6_port
                                : reinterpret_cast<sockaddr_in&>(storage).sin_port;
  }
  bool is_wildcard() const {
    if (family() == AF_INET6) {
      return IN6_IS_ADDR_UNSPECIFIED(&reinterpret_cast<const sockaddr_in6&>(storage).sin6_addr);
    }
    return reinterpret_cast<const sockaddr_in&>(storage).sin_addr.s_addr == INADDR_ANY;
  }
  friend bool operator==(const Address& a, const Address& b) {
    return a.size == b.size && std::memcmp(&a.storage, &b.storage, a.size) == 0;
  }
};

absl::Status Error(int error) { return absl::UnavailableError(std::strerror(error)); }

void Enable(const shm::FileDescriptor& socket, int level, int option, int value = 1) {
  setsockopt(socket.get(), level, option, &value, sizeof value);
}

// Invalid, with errno, when the address cannot be had.
shm::FileDescriptor ListenOn(const Address& address) {
  shm::FileDescriptor socket(::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket.valid()) return socket;
  if (address.family() != AF_UNIX) {
    // Connections have what their listener has.
    Enable(socket, SOL_SOCKET, SO_REUSEADDR);
    Enable(socket, IPPROTO_TCP, TCP_NODELAY);
    Enable(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, wire::kSilenceMs);
  }
  if (address.family() == AF_INET6) {
    Enable(socket, IPPROTO_IPV6, IPV6_V6ONLY, address.is_wildcard() ? 0 : 1);
  }
  if (bind(socket.get(), address.get(), address.size) == 0 &&
      listen(socket.get(), SOMAXCONN) == 0) {
    return socket;
  }
  const int error = errno;
  socket = shm::FileDescriptor();
  errno = error;
  return socket;
}

int PortOf(const shm::FileDescriptor& socket) {
  Address bound;
  bound.size = sizeof bound.storage;
  getsockname(socket.get(), bound.get(), &bound.size);
  return ntohs(bound.port());
}

Address EveryIpv6(in_port_t port) {
  Address address;
  auto& in6 = reinterpret_cast<sockaddr_in6&>(address.storage);
  in6.sin6_family = AF_INET6;
  in6.sin6_addr = in6addr_any;
  in6.sin6_port = port;
  address.size = sizeof in6;
  return address;
}

// On all of them, with one port. An address that this machine does not have is left out where there
// is another; one that is in use is not.
absl::StatusOr<Listening> ListenOnEach(std::vector<Address> addresses) {
  Listening all;
  int missing = 0;
  for (Address& address : addresses) {
    if (all.port != 0) address.port() = htons(all.port);
    shm::FileDescriptor socket;
    if (address.is_wildcard()) socket = ListenOn(EveryIpv6(address.port()));
    if (!socket.valid()) socket = ListenOn(address);
    if (!socket.valid() && errno != EADDRNOTAVAIL && errno != EAFNOSUPPORT) return Error(errno);
    if (!socket.valid()) {
      missing = errno;
      continue;
    }
    if (all.port == 0) all.port = PortOf(socket);
    all.sockets.push_back(std::move(socket));
  }
  if (all.sockets.empty()) return Error(missing);
  return all;
}

// A machine may have no file that says so (RFC 6761, section 6.3).
bool IsLoopback(absl::string_view host) {
  absl::ConsumeSuffix(&host, ".");
  return absl::EqualsIgnoreCase(host, "localhost") || absl::EndsWithIgnoreCase(host, ".localhost");
}

absl::StatusOr<std::vector<Address>> Find(const std::string& host, const std::string& port) {
  addrinfo hints{};
  hints.ai_flags = AI_PASSIVE;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int error = getaddrinfo(host.c_str(), port.c_str(), &hints, &found);
  if (error != 0) return absl::UnavailableError(gai_strerror(error));
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(found, freeaddrinfo);
  std::vector<Address> addresses;
  for (const addrinfo* info = found; info != nullptr; info = info->ai_next) {
    if (info->ai_family != AF_INET && info->ai_family != AF_INET6) continue;
    Address address{.size = info->ai_addrlen};
    std::memcpy(&address.storage, info->ai_addr, info->ai_addrlen);
    if (std::find(addresses.begin(), addresses.end(), address) == addresses.end()) {
      addresses.push_back(address);
    }
  }
  return addresses;
}

// HOST:PORT, which was validated: "[::1]:7077", "localhost:7077".
absl::StatusOr<Listening> ListenOnTcp(const std::string& text) {
  const size_t colon = text.rfind(':');
  absl::string_view host = absl::string_view(text).substr(0, colon);
  if (absl::ConsumePrefix(&host, "[")) absl::ConsumeSuffix(&host, "]");
  const std::string port = text.substr(colon + 1);
  absl::StatusOr<std::vector<Address>> addresses =
      Find(IsLoopback(host) ? "127.0.0.1" : std::string(host), port);
  if (!addresses.ok()) return addresses.status();
  if (IsLoopback(host)) {
    const absl::StatusOr<std::vector<Address>> ipv6 = Find("::1", port);
    if (ipv6.ok()) addresses->insert(addresses->end(), ipv6->begin(), ipv6->end());
  }
  // A port that is free for the name's first address may be taken for its second.
  constexpr int kTries = 10;
  absl::StatusOr<Listening> listening;
  for (int i = 0; i < kTries && !listening.ok(); ++i) listening = ListenOnEach(*addresses);
  return listening;
}

// Whether the path is a socket that nobody listens on any more.
bool IsLeftOver(const Address& address, const std::string& path) {
  struct stat file {};
  if (stat(path.c_str(), &file) != 0 || !S_ISSOCK(file.st_mode)) return false;
  const shm::FileDescriptor probe(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  return connect(probe.get(), address.get(), address.size) != 0 && errno == ECONNREFUSED;
}

std::optional<std::pair<uint64_t, uint64_t>> FileAt(const std::string& path) {
  struct stat file {};
  if (lstat(path.c_str(), &file) != 0) return std::nullopt;
  return std::pair<uint64_t, uint64_t>(file.st_dev, file.st_ino);
}

// A path that was validated.
absl::StatusOr<Listening> ListenOnPath(const std::string& path) {
  Address address;
  auto& un = reinterpret_cast<sockaddr_un&>(address.storage);
  un.sun_family = AF_UNIX;
  std::memcpy(un.sun_path, path.c_str(), path.size() + 1);
  address.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + 1);
  if (IsLeftOver(address, path)) unlink(path.c_str());
  shm::FileDescriptor socket = ListenOn(address);
  if (!socket.valid()) return Error(errno);
  Listening listening{.path = path};
  if (const std::optional<std::pair<uint64_t, uint64_t>> file = FileAt(path))
    listening.file = *file;
  listening.sockets.push_back(std::move(socket));
  return listening;
}

absl::StatusOr<Listening> ListenOnName(const std::string& name) {
  absl::StatusOr<shm::FileDescriptor> socket = shm::Listen(name);
  if (!socket.ok()) return socket.status();
  Listening listening;
  listening.sockets.push_back(*std::move(socket));
  return listening;
}

absl::StatusOr<Listening> ListenOnText(absl::string_view text) {
  if (absl::ConsumePrefix(&text, "unix-abstract:")) return ListenOnName(std::string(text));
  if (absl::Status status = ValidateListenAddress(text); !status.ok()) return status;
  if (absl::ConsumePrefix(&text, "unix:")) {
    absl::ConsumePrefix(&text, "//");
    return ListenOnPath(std::string(text));
  }
  return ListenOnTcp(std::string(text));
}

}  // namespace

absl::StatusOr<Listening> Listen(const std::string& address) {
  absl::StatusOr<Listening> listening = ListenOnText(address);
  if (listening.ok()) return listening;
  return absl::Status(listening.status().code(),
                      absl::StrCat("cannot listen on ", address, ": ", listening.status().message(),
                                   "; is it in use, or not an address of this machine?"));
}

void RemoveSocket(const Listening& listening) {
  if (FileAt(listening.path) == listening.file) unlink(listening.path.c_str());
}

}  // namespace varscope::server
