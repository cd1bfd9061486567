// Addresses that can be listened on.
#include "server/rpc/listen.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <filesystem>
#include <fstream>

#include "proto/shm/doorbell.h"
#include "server/rpc/descriptors.h"
#include "tests/support/connect_to.h"
#include "tests/support/temporary_directory.h"

namespace varscope::server {
namespace {

using ::testing::HasSubstr;
using varscope::testing::ConnectTo;
using varscope::testing::TemporaryDirectory;

bool HasIpv6() { return Listen("[::1]:0").ok(); }

TEST(ListenTest, EveryFormOfAHost) {
  for (const char* address :
       {"127.0.0.1:0", "0.0.0.0:0", "localhost:0", "LocalHost.:0", "here.localhost:0", "[::]:0"}) {
    const absl::StatusOr<Listening> listening = Listen(address);
    ASSERT_TRUE(listening.ok()) << address << listening.status();
    EXPECT_GT(listening->port, 0);
    EXPECT_TRUE(ConnectTo(AF_INET, "127.0.0.1", listening->port).valid()) << address;
  }
  if (!HasIpv6()) GTEST_SKIP() << "no IPv6 here";
  for (const char* address : {"[::1]:0", "[::]:0", "0.0.0.0:0"}) {
    const absl::StatusOr<Listening> listening = Listen(address);
    ASSERT_TRUE(listening.ok()) << address << listening.status();
    EXPECT_TRUE(ConnectTo(AF_INET6, "::1", listening->port).valid()) << address;
  }
}

TEST(ListenTest, WhatIsInUseIsAnError) {
  const Listening first = Listen("127.0.0.1:0").value();
  for (const char* host : {"127.0.0.1", "localhost", "0.0.0.0", "[::]"}) {
    const absl::Status taken = Listen(absl::StrCat(host, ":", first.port)).status();
    EXPECT_EQ(taken.code(), absl::StatusCode::kUnavailable) << host;
    EXPECT_THAT(std::string(taken.message()), HasSubstr("Address already in use")) << host;
  }
}

TEST(ListenTest, WhatIsNoAddressIsAnErrorThatNamesIt) {
  for (const char* address :
       {"", ":", "host", "127.0.0.1", "127.0.0.1:", ":7077", "[::1]", "::1:7077", "[]:1", "[:1",
        "127.0.0.1:70777", "127.0.0.1:-1", "127.0.0.1:port", "nowhere.invalid:1",
        "unix:", "unix-abstract:", "unix:/nowhere/at/all", "192.0.2.1:0"}) {
    const absl::StatusOr<Listening> listening = Listen(address);
    ASSERT_FALSE(listening.ok()) << address;
    EXPECT_THAT(std::string(listening.status().message()),
                HasSubstr(absl::StrCat("cannot listen on ", address, ": ")));
  }
  EXPECT_FALSE(Listen("unix:/" + std::string(200, 'x')).ok());
}

TEST(ListenTest, AUnixSocketIsTakenOverOnlyWhenNobodyListens) {
  const TemporaryDirectory folder;
  const std::string path = folder / "socket";
  {
    const absl::StatusOr<Listening> first = Listen("unix:" + path);
    ASSERT_TRUE(first.ok()) << first.status();
    EXPECT_EQ(first->path, path);
    EXPECT_FALSE(Listen("unix:" + path).ok());
    EXPECT_FALSE(Listen("unix://" + path).ok());
  }
  EXPECT_TRUE(std::filesystem::exists(path));
  EXPECT_TRUE(Listen("unix:" + path).ok());
  const std::string file = folder / "file";
  std::ofstream(file) << "mine";
  EXPECT_FALSE(Listen("unix:" + file).ok());
  EXPECT_TRUE(std::filesystem::is_regular_file(file));
}

}  // namespace
}  // namespace varscope::server
