// Which connections are ended when memory runs out.
#include "server/rpc/busy_connections.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <algorithm>
#include <memory>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "proto/shm/file_descriptor.h"
#include "server/rpc/listen.h"
#include "tests/support/connect_to.h"
#include "tests/support/connection_pair.h"

namespace varscope::server {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;
using ::varscope::testing::ConnectToName;
using ::varscope::testing::ListenHere;
using ::varscope::testing::Pair;

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
  const std::vector<std::string> ended = connections.End(/*excess=*/1);
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
  EXPECT_THAT(connections.End(/*excess=*/1), IsEmpty());
  now.Bring(10);
  EXPECT_THAT(connections.End(/*excess=*/1), ElementsAre(now.name()));
  EXPECT_TRUE(once.is_open());
}

TEST(BusyConnectionsTest, ConnectionsOfOtherPortsAreLeftAlone) {
  const Listening listening = ListenHere();
  const Listening another = ListenHere();
  const Pair pair(listening);
  BusyConnections connections({another.port});
  connections.Look();
  pair.Bring(1000);
  EXPECT_THAT(connections.End(/*excess=*/1), IsEmpty());
  EXPECT_TRUE(pair.is_open());
}

// What is too much may be somebody's who has gone, or nobody's.
TEST(BusyConnectionsTest, WhoBroughtLittleIsNotEndedForMuch) {
  const Listening listening = ListenHere();
  const Pair beats(listening);
  const Pair brings(listening);
  BusyConnections connections({listening.port});
  connections.Look();
  beats.Bring(20);
  EXPECT_THAT(connections.End(8 << 20), IsEmpty());
  EXPECT_TRUE(beats.is_open());
  // A little, again and again, comes to much.
  std::vector<std::string> ended;
  for (int i = 0; i < 1024 && ended.empty(); ++i) {
    beats.Bring(20);
    brings.Bring(1000);
    ended = connections.End(8 << 20);
  }
  EXPECT_THAT(ended, ElementsAre(brings.name()));
  EXPECT_TRUE(beats.is_open());
}

TEST(BusyConnectionsTest, WhoeverIsEndedBroughtAShareAndWhoBringsTheMostIsFound) {
  std::mt19937 random(1);
  for (int round = 0; round < 200; ++round) {
    const Listening listening = ListenHere();
    std::vector<std::unique_ptr<Pair>> pairs;
    for (size_t n = 1 + random() % 8; pairs.size() < n;) {
      pairs.push_back(std::make_unique<Pair>(listening));
      pairs.back()->Bring(random() % 3000);  // before anybody counts
    }
    BusyConnections connections({listening.port});
    connections.Look();
    std::vector<size_t> brought(pairs.size());
    for (size_t look = random() % 4; look > 0; --look) {
      for (size_t i = 0; i < pairs.size(); ++i) {
        const size_t bytes = random() % 2 == 0 ? 0 : random() % (size_t{1} << (random() % 16));
        pairs[i]->Bring(bytes);
        brought[i] += bytes;
      }
      // Too little for anybody to be ended.
      EXPECT_THAT(connections.End(uint64_t{1} << 40), IsEmpty());
    }
    const size_t all = std::accumulate(brought.begin(), brought.end(), size_t{0});
    const size_t most = *std::max_element(brought.begin(), brought.end());
    const uint64_t excess = 1 + random() % (128 * all + 1);
    const std::vector<std::string> ended = connections.End(excess);
    if (all >= excess && most > 0) {
      EXPECT_THAT(ended, Not(IsEmpty()));
    }
    if (all < excess / 64) {
      EXPECT_THAT(ended, IsEmpty());
    }
    for (size_t i = 0; i < pairs.size(); ++i) {
      EXPECT_NE(pairs[i]->is_open(), absl::c_linear_search(ended, pairs[i]->name()));
      EXPECT_TRUE(pairs[i]->is_open() || (brought[i] > 0 && 2 * brought[i] >= most))
          << brought[i] << " of " << most << ", round " << round;
      EXPECT_TRUE(ended.empty() || brought[i] < most || !pairs[i]->is_open());
    }
  }
}

// Of these the system tells only what nobody has read yet.
TEST(BusyConnectionsTest, OfThoseOverUnixSocketsWhoBringsMoreThanIsReadIsEnded) {
  const std::string name = absl::StrCat("varscope-busy-test-", getpid());
  const Listening listening = Listen("unix-abstract:" + name).value();
  const Listening another = Listen("unix-abstract:" + name + "-other").value();
  const auto pair_of = [](const std::string& to, const Listening& at) {
    shm::FileDescriptor peer = ConnectToName(to);
    return std::pair(std::move(peer),
                     shm::FileDescriptor(accept(at.sockets.front().get(), nullptr, nullptr)));
  };
  const auto [peer, own] = pair_of(name, listening);
  const auto [idle_peer, idle] = pair_of(name, listening);
  const auto [other_peer, other] = pair_of(name + "-other", another);
  ASSERT_EQ(UnixNameOf(own.get()), std::string(1, '\0') + name);
  BusyConnections connections({}, {UnixNameOf(listening.sockets.front().get())});
  connections.Look();
  EXPECT_THAT(connections.End(/*excess=*/1), IsEmpty());
  const std::string data(1000, 'x');
  for (const shm::FileDescriptor* from : {&peer, &other_peer}) {
    ASSERT_EQ(send(from->get(), data.data(), data.size(), 0), static_cast<ssize_t>(data.size()));
  }
  EXPECT_THAT(connections.End(/*excess=*/1 << 20), IsEmpty());
  EXPECT_THAT(connections.End(/*excess=*/1), ElementsAre("unix-abstract:" + name));
  char byte = 0;
  EXPECT_EQ(recv(peer.get(), &byte, 1, MSG_DONTWAIT), 0) << "it is over";
  EXPECT_EQ(recv(idle_peer.get(), &byte, 1, MSG_DONTWAIT), -1) << "it brought nothing";
  EXPECT_EQ(recv(other_peer.get(), &byte, 1, MSG_DONTWAIT), -1) << "it is another server's";
  const auto [next, next_own] = pair_of(name, listening);
  EXPECT_TRUE(next_own.valid()) << "the listening socket goes on";
}

}  // namespace
}  // namespace varscope::server
