// Workers on the server's host exchange tensors through shared memory, and nobody notices but by
// the clock.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <thread>

#include "absl/status/statusor.h"
#include "proto/shm/link.h"
#include "proto/wire/frame.h"
#include "proto/wire/protocol.h"
#include "tests/support/in_threads.h"
#include "tests/support/programs.h"
#include "tests/support/raw_worker.h"
#include "tests/support/server_process.h"
#include "tests/support/temporary_directory.h"
#include "varscope/v1/tensor_stream.pb.h"
#include "varscope/v1/types.pb.h"
#include "varscope/v1/worker.grpc.pb.h"
#include "varscope/varscope.h"

namespace varscope::testing {
namespace {

using ::testing::HasSubstr;

// Segments that the server has mapped.
int Segments(ServerProcess& server) {
  std::ifstream maps("/proc/" + std::to_string(server.process().pid()) + "/maps");
  int count = 0;
  for (std::string line; std::getline(maps, line);) {
    count += line.find("memfd:varscope") != std::string::npos ? 1 : 0;
  }
  return count;
}

// The server's ends of gRPC connections over a Unix socket.
int UnixConnections(ServerProcess& server) {
  std::set<std::string> own;
  const std::string folder = "/proc/" + std::to_string(server.process().pid()) + "/fd";
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    std::error_code gone;
    own.insert(std::filesystem::read_symlink(entry.path(), gone).string());
  }
  std::ifstream sockets("/proc/net/unix");
  int count = 0;
  for (std::string line; std::getline(sockets, line);) {
    std::istringstream fields(line);
    std::string skipped, state, inode, path;
    for (int i = 0; i < 5; ++i) fields >> skipped;
    fields >> state >> inode >> path;
    const bool connected = state == "03" && path.ends_with("-grpc");
    count += connected && own.contains("socket:[" + inode + "]") ? 1 : 0;
  }
  return count;
}

// Until the server has noticed.
void AwaitSegments(ServerProcess& server, int count) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (Segments(server) != count) {
    ASSERT_LT(std::chrono::steady_clock::now(), deadline) << Segments(server) << " are there";
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

class Worker {
 public:
  explicit Worker(const std::string& target, ConnectOptions options = {})
      : graph_(target, Replicated(std::move(options))) {
    const auto use = graph_.as_default();
    w_ = get_variable("w", {.shape = Shape{16}, .initializer = zeros_initializer()});
    add_ = w_.assign_add(ones({16})).op();
    session_ = std::make_unique<Session>();
  }
  void Add() { session_->run(add_); }
  float Value() { return session_->run(w_).data<float>()[15]; }
  Session& session() { return *session_; }

 private:
  static ConnectOptions Replicated(ConnectOptions options) {
    options.sharing = SharingMode::kReplicated;
    return options;
  }

  Graph graph_;
  Variable w_;
  Operation add_;
  std::unique_ptr<Session> session_;
};

TEST(SharedMemoryTest, IsUsedUnlessOneOfBothDoesNotWantIt) {
  ServerProcess server;
  Worker plain(server.target(), {.worker_id = "plain", .transport = TransportMode::kTarget});
  plain.Add();
  EXPECT_EQ(Segments(server), 0);
  Worker worker(server.target(), {.worker_id = "worker"});
  worker.Add();
  EXPECT_EQ(worker.Value(), 2);
  EXPECT_EQ(Segments(server), 1);

  ServerProcess without({"--shared-memory-streams", "0"});
  Worker other(without.target());
  other.Add();
  EXPECT_EQ(other.Value(), 1);
  EXPECT_EQ(Segments(without), 0);
}

TEST(SharedMemoryTest, AWorkerThatGoesLeavesNothing) {
  ServerProcess server;
  {
    Worker worker(server.target());
    worker.Add();
    EXPECT_EQ(Segments(server), 1);
  }
  AwaitSegments(server, 0);
  Process killed(
      {Built("bin/varscope_test_worker"), "sgd", server.target(), "killed", "1000000", "1"});
  AwaitSegments(server, 1);
  killed.Signal(SIGKILL);
  AwaitSegments(server, 0);
}

TEST(SharedMemoryTest, MoreCallsThanItHasStreamsGoOnWithoutIt) {
  ServerProcess server({"--shared-memory-streams", "1"});
  InThreads(server, 4, [](int) {
    const Variable w = get_variable("w", {.shape = Shape{}, .initializer = zeros_initializer()});
    Session session;
    for (int step = 0; step < 50; ++step) session.run(w.assign_add(constant(1.0F)).op());
  });
  EXPECT_LE(Segments(server), 1);
  Graph graph(server.target());
  const auto use = graph.as_default();
  EXPECT_EQ(Session().read("w").scalar<float>(), 200);
}

TEST(SharedMemoryTest, WhereThereIsNoneTensorsGoToTheTargetNotToAUnixSocket) {
  ServerProcess server({"--shared-memory-streams", "1"});
  Worker first(server.target(), {.worker_id = "first"});
  first.Add();
  Worker second(server.target(), {.worker_id = "second"});
  second.Add();
  EXPECT_EQ(second.Value(), 2);
  EXPECT_EQ(Segments(server), 1);
  EXPECT_EQ(UnixConnections(server), 0);
}

TEST(SharedMemoryTest, AnErrorIsTheSameAndTheNextCallIsWell) {
  ServerProcess server;
  Worker worker(server.target(), {.worker_id = "me"});
  try {
    worker.session().read("nothing");
    FAIL() << "read a variable that does not exist";
  } catch (const NotFoundError& error) {
    EXPECT_THAT(error.what(), HasSubstr("nothing"));
    EXPECT_THAT(error.what(), HasSubstr("worker 'me'"));
  }
  worker.Add();
  EXPECT_EQ(worker.Value(), 1);
  EXPECT_EQ(Segments(server), 1);
}

TEST(SharedMemoryTest, AServerThatComesBackIsFoundByItsNewName) {
  const TemporaryDirectory folder;
  ServerProcess server({"--data-dir", folder / "data", "--lease-seconds", "1"});
  Worker worker(server.target());
  for (int i = 1; i <= 3; ++i) {
    worker.Add();
    server.Kill();
    server.Restart();
  }
  worker.Add();
  EXPECT_EQ(worker.Value(), 4);
  // A heartbeat tells the name, and the next call uses it.
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (Segments(server) == 0) {
    ASSERT_LT(std::chrono::steady_clock::now(), deadline);
    worker.Value();
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

// A program of our own on the other end of the memory.
class Raw {
 public:
  explicit Raw(ServerProcess& server) : worker_(server.target(), "raw") {}
  // A stream that has not said whose it is.
  shm::Link ConnectNameless() {
    return *shm::Link::Connect(worker_.connected().local().shared_memory(),
                               shm::Clock::now() + std::chrono::seconds(10));
  }
  shm::Link Connect() {
    shm::Link link = ConnectNameless();
    SendKey(link, worker_.session_key());
    return link;
  }
  static void SendKey(shm::Link& link, const std::string& key) {
    const grpc::Slice slice(key);
    EXPECT_TRUE(link.Send(shm::Kind::kSessionKey, grpc::ByteBuffer(&slice, 1),
                          shm::Clock::now() + std::chrono::seconds(10))
                    .ok());
  }
  static grpc::ByteBuffer PullOf(const std::string& name) {
    v1::FrameHeader head;
    head.add_variables()->set_name(name);
    head.mutable_pull()->add_variables(0);
    return wire::Encode(head, {});
  }

 private:
  const RawWorker worker_;
};

v1::Error EndOf(const absl::StatusOr<shm::Message>& message) {
  v1::Error end;
  EXPECT_TRUE(message.ok()) << message.status();
  std::vector<grpc::Slice> slices;
  EXPECT_EQ(message->kind, shm::Kind::kEnd);
  EXPECT_TRUE(message->content.Dump(&slices).ok());
  EXPECT_TRUE(end.ParseFromArray(slices[0].begin(), static_cast<int>(slices[0].size())));
  return end;
}

constexpr shm::Clock::time_point kNever = shm::Clock::time_point::max();

TEST(SharedMemoryTest, WhatMakesNoSenseEndsThatStreamWithTheReason) {
  ServerProcess server;
  Worker worker(server.target());
  Raw raw(server);
  const grpc::Slice garbage("no frame");
  shm::Link link = raw.Connect();
  ASSERT_TRUE(link.Send(shm::Kind::kFrame, grpc::ByteBuffer(&garbage, 1), kNever).ok());
  EXPECT_THAT(EndOf(link.Receive(kNever)).message(), HasSubstr("malformed tensor frame"));

  shm::Link ending = raw.Connect();
  ASSERT_TRUE(ending.Send(shm::Kind::kEnd, Raw::PullOf("w"), kNever).ok());
  EXPECT_THAT(EndOf(ending.Receive(kNever)).message(), HasSubstr("sends frames only"));

  shm::Link well = raw.Connect();
  ASSERT_TRUE(well.Send(shm::Kind::kFrame, Raw::PullOf("w"), kNever).ok());
  EXPECT_EQ(well.Receive(kNever)->kind, shm::Kind::kFrame);
  worker.Add();
  EXPECT_EQ(worker.Value(), 1);
}

TEST(SharedMemoryTest, AStreamSaysWhoseItIsBeforeAnythingElse) {
  ServerProcess server;
  Worker worker(server.target());
  Raw raw(server);
  shm::Link nameless = raw.ConnectNameless();
  ASSERT_TRUE(nameless.Send(shm::Kind::kFrame, Raw::PullOf("w"), kNever).ok());
  EXPECT_THAT(EndOf(nameless.Receive(kNever)).message(),
              HasSubstr("a stream's first message is its session key"));

  shm::Link forged = raw.ConnectNameless();
  Raw::SendKey(forged, std::string(64, 'k'));
  const v1::Error end = EndOf(forged.Receive(kNever));
  EXPECT_EQ(end.code(), static_cast<int>(absl::StatusCode::kUnauthenticated));

  // Once is enough.
  shm::Link twice = raw.Connect();
  Raw::SendKey(twice, "again");
  EXPECT_THAT(EndOf(twice.Receive(kNever)).message(), HasSubstr("sends frames only"));

  // Who is no worker may read.
  shm::Link reader = raw.ConnectNameless();
  Raw::SendKey(reader, "");
  ASSERT_TRUE(reader.Send(shm::Kind::kFrame, Raw::PullOf("w"), kNever).ok());
  EXPECT_EQ(reader.Receive(kNever)->kind, shm::Kind::kFrame);
}

TEST(SharedMemoryTest, AReaderThatStandsStillIsDroppedAndItsMemoryIsFree) {
  ServerProcess server({"--stall-seconds", "1"});
  Worker worker(server.target(), {.worker_id = "worker", .transport = TransportMode::kTarget});
  Graph graph(server.target(), {.transport = TransportMode::kTarget});
  const auto use = graph.as_default();
  // Does not fit into the ring.
  const Variable large =
      get_variable("large", {.shape = Shape{4 << 20}, .initializer = zeros_initializer()});
  Session().run(large);  // until the first value is there
  Raw raw(server);
  std::vector<shm::Link> stalled;
  for (int i = 0; i < 8; ++i) {
    stalled.push_back(raw.Connect());
    ASSERT_TRUE(stalled.back().Send(shm::Kind::kFrame, Raw::PullOf("large"), kNever).ok());
  }
  worker.Add();
  EXPECT_EQ(worker.Value(), 1);
  AwaitSegments(server, 0);
}

TEST(SharedMemoryTest, TheServerStopsAlthoughStreamsAreOpen) {
  ServerProcess server;
  Worker worker(server.target());
  worker.Add();
  Raw raw(server);
  const shm::Link idle = raw.Connect();
  EXPECT_EQ(server.Stop(), 0);
}

}  // namespace
}  // namespace varscope::testing
