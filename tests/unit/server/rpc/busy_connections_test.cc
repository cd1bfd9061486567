// Which connections are ended when memory runs out.
#include "server/rpc/busy_connections.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "proto/shm/file_descriptor.h"
#include "server/rpc/listen.h"
#include "tests/support/connect_to.h"

namespace varscope::server {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::varscope::testing::ConnectTo;
using ::varscope::testing::ConnectToName;

// A connection to a socket of this process: both ends.
class Pair {
 public:
  explicit Pair(const Listening& listening)
      : peer_(ConnectTo(AF_INET, "127.0.0.1", listening.port)),
        own_(accept(listening.sockets.front().get(), nullptr, nullptr)) {
    sockaddr_in address{};
    socklen_t size = sizeof address;
    getsockname(peer_.get(), reinterpret_cast<sockaddr*>(&address), &size);
    name_ = absl::StrCat("127.0.0.1:", ntohs(address.sin_port));
  }
  // Has come when this returns.
  void Bring(size_t bytes) const {
    std::string data(bytes, 'x');
    ASSERT_EQ(send(peer_.get(), data.data(), data.size(), 0), static_cast<ssize_t>(bytes));
    ASSERT_EQ(recv(own_.get(), data.data(), data.size(), MSG_WAITALL), static_cast<ssize_t>(bytes));
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

// Whose connections block.
Listening ListenHere() {
  Listening listening = Listen("127.0.0.1:0").value();
  const int flags = fcntl(listening.sockets.front().get(), F_GETFL);
  fcntl(listening.sockets.front().get(), F_SETFL, flags & ~O_NONBLOCK);
  return listening;
}

TEST(BusyConnectionsTest, OnlyThoseThatBringTheMostAreEnded) {
  const Listening listening = ListenHere();
  const Pair idle(listening);
  const Pair small(listening);
  const Pair large(listening);
  const Pair as_large(listening);
  BusyConnections connections({listening.port});
  connections.Look();
  small.Bring(100);
  large.Bring(10000);
  as_large.Bring(9000);
  const std::vector<std::string> ended = connections.End();
  EXPECT_THAT(ended, ::testing::UnorderedElementsAre(large.name(), as_large.name()));
  EXPECT_TRUE(idle.is_open());
  EXPECT_TRUE(small.is_open());
  EXPECT_FALSE(large.is_open());
  EXPECT_FALSE(as_large.is_open());
}

TEST(BusyConnectionsTest, WhatCameBeforeTheLastLookDoesNotCount) {
  const Listening listening = ListenHere();
  const Pair once(listening);
  const Pair now(listening);
  BusyConnections connections({listening.port});
  once.Bring(10000);
  connections.Look();
  EXPECT_THAT(connections.End(), IsEmpty());
  now.Bring(10);
  EXPECT_THAT(connections.End(), ElementsAre(now.name()));
  EXPECT_TRUE(once.is_open());
}

TEST(BusyConnectionsTest, ConnectionsOfOtherPortsAreLeftAlone) {
  const Listening listening = ListenHere();
  const Listening another = ListenHere();
  const Pair pair(listening);
  BusyConnections connections({another.port});
  connections.Look();
  pair.Bring(1000);
  EXPECT_THAT(connections.End(), IsEmpty());
  EXPECT_TRUE(pair.is_open());
}

TEST(BusyConnectionsTest, ThoseOverTheServersUnixSocketsAreEndedWhateverTheyBring) {
  const std::string name = absl::StrCat("varscope-busy-test-", getpid());
  const Listening listening = Listen("unix-abstract:" + name).value();
  const Listening another = Listen("unix-abstract:" + name + "-other").value();
  const Pair tcp(ListenHere());
  const auto pair_of = [](const std::string& to, const Listening& at) {
    shm::FileDescriptor peer = ConnectToName(to);
    return std::pair(std::move(peer),
                     shm::FileDescriptor(accept(at.sockets.front().get(), nullptr, nullptr)));
  };
  const auto [peer, own] = pair_of(name, listening);
  const auto [other_peer, other] = pair_of(name + "-other", another);
  ASSERT_EQ(UnixNameOf(own.get()), std::string(1, '\0') + name);
  BusyConnections connections({}, {UnixNameOf(listening.sockets.front().get())});
  EXPECT_THAT(connections.End(), ElementsAre("unix-abstract:" + name));
  char byte = 0;
  EXPECT_EQ(recv(peer.get(), &byte, 1, MSG_DONTWAIT), 0) << "it is over";
  EXPECT_EQ(recv(other_peer.get(), &byte, 1, MSG_DONTWAIT), -1);
  const auto [next, next_own] = pair_of(name, listening);
  EXPECT_TRUE(next_own.valid()) << "the listening socket goes on";
}

}  // namespace
}  // namespace varscope::server
