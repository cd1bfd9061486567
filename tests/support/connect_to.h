// A connection of a test's own.
#ifndef VARSCOPE_TESTS_SUPPORT_CONNECT_TO_H_
#define VARSCOPE_TESTS_SUPPORT_CONNECT_TO_H_

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstddef>
#include <string>

#include "proto/shm/file_descriptor.h"

namespace varscope::testing {

// To that numeric address of `family`, AF_INET or AF_INET6. Not valid when it cannot be had.
inline shm::FileDescriptor ConnectTo(int family, const char* address, int port) {
  shm::FileDescriptor socket(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in in{.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {}, .sin_zero = {}};
  sockaddr_in6 in6{};
  in6.sin6_family = AF_INET6;
  in6.sin6_port = htons(port);
  void* const to = family == AF_INET ? static_cast<void*>(&in.sin_addr) : &in6.sin6_addr;
  inet_pton(family, address, to);
  const auto* const target = family == AF_INET ? reinterpret_cast<const sockaddr*>(&in)
                                               : reinterpret_cast<const sockaddr*>(&in6);
  const socklen_t size = family == AF_INET ? sizeof in : sizeof in6;
  if (connect(socket.get(), target, size) != 0) return {};
  return socket;
}

// To the Unix socket of that name in the host's abstract namespace.
inline shm::FileDescriptor ConnectToName(const std::string& name) {
  shm::FileDescriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  name.copy(address.sun_path + 1, sizeof address.sun_path - 1);
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  if (connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0) return {};
  return socket;
}

}  // namespace varscope::testing

#endif  // VARSCOPE_TESTS_SUPPORT_CONNECT_TO_H_
