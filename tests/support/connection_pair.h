// Connections to a test's own listener.
#ifndef VARSCOPE_TESTS_SUPPORT_CONNECTION_PAIR_H_
#define VARSCOPE_TESTS_SUPPORT_CONNECTION_PAIR_H_

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "proto/shm/file_descriptor.h"
#include "server/rpc/listen.h"
#include "tests/support/connect_to.h"

namespace varscope::testing {

// A connection to a socket of this process: both ends.
class Pair {
 public:
  explicit Pair(const server::Listening& listening)
      : peer_(ConnectTo(AF_INET, "127.0.0.1", listening.port)),
        own_(accept(listening.sockets.front().get(), nullptr, nullptr)) {
    sockaddr_in address{};
    socklen_t size = sizeof address;
    getsockname(peer_.get(), reinterpret_cast<sockaddr*>(&address), &size);
    name_ = absl::StrCat("127.0.0.1:", ntohs(address.sin_port));
  }
  // Has come when this returns.
  void Bring(size_t bytes) const {
    std::string data(size_t{16} << 10, 'x');
    for (size_t part = 0; bytes > 0; bytes -= part) {
      part = std::min(bytes, data.size());
      ASSERT_EQ(send(peer_.get(), data.data(), part, 0), static_cast<ssize_t>(part));
      ASSERT_EQ(recv(own_.get(), data.data(), part, MSG_WAITALL), static_cast<ssize_t>(part));
    }
  }
  bool is_open() const {
    char byte = 0;
    return recv(own_.get(), &byte, 1, MSG_DONTWAIT) != 0;
  }
  const std::string& name() const { return name_; }

 private:
  const shm::FileDescriptor peer_;
  const shm::FileDescriptor own_;
  std::string name_;
};

// A port of the test's own, whose connections block.
inline server::Listening ListenHere() {
  server::Listening listening = server::Listen("127.0.0.1:0").value();
  const int flags = fcntl(listening.sockets.front().get(), F_GETFL);
  fcntl(listening.sockets.front().get(), F_SETFL, flags & ~O_NONBLOCK);
  return listening;
}

}  // namespace varscope::testing

#endif  // VARSCOPE_TESTS_SUPPORT_CONNECTION_PAIR_H_
