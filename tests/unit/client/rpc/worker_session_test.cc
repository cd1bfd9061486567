// A worker's incarnations at a server that says what each test needs.
#include "client/rpc/worker_session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "client/rpc/server_client.h"
#include "proto/wire/protocol.h"
#include "proto/wire/session.h"
#include "tests/unit/client/rpc/lonely_server.h"
#include "varscope/errors.h"

namespace varscope::internal {
namespace {

using std::chrono::milliseconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Gives incarnations 1, 2, 3, ... and remembers what it was told.
class FakeServer final : public v1::ParameterServer::Service {
 public:
  grpc::Status Connect(grpc::ServerContext*, const v1::ConnectRequest* request,
                       v1::ConnectResponse* response) override {
    const std::lock_guard lock(mutex_);
    nonces.push_back(request->nonce());
    if (!refusals.empty()) {
      const grpc::Status refusal = refusals.back();
      refusals.pop_back();
      return refusal;
    }
    response->set_protocol(wire::kProtocol);
    response->set_incarnation(++incarnation_);
    response->set_session_key(std::to_string(incarnation_));
    response->set_store(incarnation_ == 1 ? 5 : later_store);
    response->set_lease_ms(lease_ms);
    response->set_groups_version(70 + incarnation_);
    response->add_groups()->set_prefix("group" + std::to_string(incarnation_));
    response->add_encodings(v1::ENCODING_BFLOAT16);
    response->mutable_local()->set_shared_memory("nobody there");
    return grpc::Status::OK;
  }
  grpc::Status Heartbeat(grpc::ServerContext* context, const v1::HeartbeatRequest*,
                         v1::HeartbeatResponse*) override {
    const std::lock_guard lock(mutex_);
    heartbeats.push_back(CallerOf(*context));
    changed_.notify_all();
    if (CallerOf(*context) > evict_up_to) return grpc::Status::OK;
    context->AddTrailingMetadata(kReconnectKey, "s");
    return {grpc::StatusCode::ABORTED, "evicted"};
  }
  grpc::Status Disconnect(grpc::ServerContext* context, const v1::DisconnectRequest*,
                          v1::DisconnectResponse*) override {
    const std::lock_guard lock(mutex_);
    deregistrations.push_back(CallerOf(*context));
    return grpc::Status::OK;
  }

  bool AwaitHeartbeatOf(uint64_t incarnation) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::minutes(1), [&] {
      return std::count(heartbeats.begin(), heartbeats.end(), incarnation) > 0;
    });
  }

  // Set before the calls that they concern, and read after them.
  uint64_t lease_ms = 0;
  uint64_t later_store = 5;            // from the second incarnation on
  uint64_t evict_up_to = 0;            // incarnations, at their next heartbeat
  std::vector<grpc::Status> refusals;  // of the next Connects, the last first
  std::vector<uint64_t> nonces;        // of each Connect
  std::vector<uint64_t> heartbeats;    // their incarnations
  std::vector<uint64_t> deregistrations;

 private:
  // A key here is the incarnation.
  static uint64_t CallerOf(const grpc::ServerContext& context) {
    const auto key = context.client_metadata().find(wire::kSessionMetadata);
    if (key == context.client_metadata().end()) return 0;
    return std::stoull(std::string(key->second.data(), key->second.size()));
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  uint64_t incarnation_ = 0;
};

class WorkerSessionTest : public ::testing::Test {
 protected:
  std::unique_ptr<WorkerSession> Join(milliseconds timeout = std::chrono::minutes(1)) {
    return std::make_unique<WorkerSession>(client_,
                                           ConnectOptions{.worker_id = "w", .timeout = timeout});
  }
  static Clock::time_point Late() { return Clock::now() + std::chrono::minutes(1); }

  // What a call whose attempts end like that saw, and what came of it.
  struct Called {
    std::vector<uint64_t> incarnations;
    grpc::Status status;
  };
  static Called Call(WorkerSession& worker, const std::vector<Outcome>& ends,
                     Clock::time_point deadline = Late()) {
    Called called;
    called.status = worker.Run(deadline, [&](const Incarnation& incarnation) {
      called.incarnations.push_back(incarnation.number);
      EXPECT_EQ(incarnation.session_key, std::to_string(incarnation.number));
      EXPECT_EQ(incarnation.groups_version, 70 + incarnation.number);
      const size_t now = called.incarnations.size() - 1;
      return now < ends.size() ? ends[now] : Outcome{};
    });
    return called;
  }
  static Outcome Over(std::optional<Reconnect> how) {
    return {.status = {grpc::StatusCode::ABORTED, "over"}, .reconnect = how};
  }

  FakeServer fake_server_;
  const LonelyServer server_{&fake_server_};
  ServerClient client_{server_.target(), {}};
};

TEST_F(WorkerSessionTest, IsWhatTheServerSaysAndDeregisters) {
  {
    const auto worker = Join();
    EXPECT_EQ(worker->groups()->at(0).prefix, "group1");
    EXPECT_THAT(worker->encodings(), ElementsAre(v1::ENCODING_BFLOAT16));
    EXPECT_THAT(Call(*worker, {}).incarnations, ElementsAre(1));
  }
  EXPECT_THAT(fake_server_.deregistrations, ElementsAre(1));
}

TEST_F(WorkerSessionTest, StreamsThatAreOlderThanWhatTheServerAdvertisesAreNotUsed) {
  client_.streams().Keep({.stream = nullptr, .age = 0, .incarnation = 1});
  const auto worker = Join();
  EXPECT_NE(client_.streams().Take({.number = 1}).stream, nullptr) << "it was opened before";
}

// An answer that was lost must not make two incarnations of one.
TEST_F(WorkerSessionTest, AConnectThatIsSentAgainIsTheSameConnect) {
  fake_server_.refusals = {{grpc::StatusCode::UNKNOWN, "cut"},
                           {grpc::StatusCode::CANCELLED, "cut"}};
  const auto worker = Join();
  ASSERT_EQ(fake_server_.nonces.size(), 3U);
  EXPECT_NE(fake_server_.nonces[0], 0U);
  EXPECT_THAT(fake_server_.nonces, ::testing::Each(fake_server_.nonces[0]));
}

TEST_F(WorkerSessionTest, ARefusalIsTheCallersError) {
  fake_server_.refusals = {{grpc::StatusCode::INVALID_ARGUMENT, "worker id '' is wrong"}};
  EXPECT_THROW(Join(), InvalidArgumentError);
  EXPECT_EQ(fake_server_.nonces.size(), 1U);
}

TEST_F(WorkerSessionTest, WhatIsNotVarscopedIsSaidAtOnce) {
  const LonelyServer other;
  ServerClient client(other.target(), {});
  try {
    const WorkerSession worker(client, {.worker_id = "w"});
    FAIL() << "it connected";
  } catch (const UnavailableError& error) {
    EXPECT_THAT(error.message(),
                HasSubstr("worker 'w' cannot reach varscoped at " + other.target() + ": "));
    EXPECT_THAT(error.message(), HasSubstr("not varscoped"));
  }
}

TEST_F(WorkerSessionTest, AnEvictedWorkerConnectsAgainAndTheCallGoesOn) {
  const auto worker = Join();
  const Called called = Call(*worker, {Over(Reconnect::kThenResend)});
  EXPECT_TRUE(called.status.ok());
  EXPECT_THAT(called.incarnations, ElementsAre(1, 2));
  EXPECT_EQ(worker->groups()->at(0).prefix, "group2");
  EXPECT_NE(fake_server_.nonces[0], fake_server_.nonces[1]);
}

TEST_F(WorkerSessionTest, WhatTheProgramHasToKnowIsReportedOnceAndTheNextCallIsWell) {
  const auto worker = Join();
  const Called called = Call(*worker, {Over(Reconnect::kThenReport)});
  EXPECT_EQ(called.status.error_message(), "over");
  EXPECT_THAT(called.incarnations, ElementsAre(1));
  EXPECT_THAT(Call(*worker, {}).incarnations, ElementsAre(2));
}

TEST_F(WorkerSessionTest, AStoreThatKnowsNoKeyOfTheWorkersIsToldOnceAndTheNextCallIsWell) {
  fake_server_.later_store = 7;
  const auto worker = Join();
  const Called called =
      Call(*worker, {{.status = {grpc::StatusCode::UNAUTHENTICATED, "who is that?"},
                      .reconnect = Reconnect::kThenReport}});
  EXPECT_EQ(called.status.error_code(), grpc::StatusCode::ABORTED);
  EXPECT_THAT(called.status.error_message(), HasSubstr("has another store"));
  EXPECT_THAT(Call(*worker, {}).incarnations, ElementsAre(2));
  EXPECT_TRUE(Call(*worker, {}).status.ok());
}

// Its address has changed hands between an eviction and the next connect.
TEST_F(WorkerSessionTest, WhatWasComputedFromOneStoreIsNotSentToAnother) {
  fake_server_.later_store = 7;
  const auto worker = Join();
  const Called called = Call(*worker, {Over(Reconnect::kThenResend)});
  EXPECT_EQ(called.status.error_code(), grpc::StatusCode::ABORTED);
  EXPECT_THAT(called.incarnations, ElementsAre(1));
  EXPECT_THAT(Call(*worker, {}).incarnations, ElementsAre(2));
}

TEST_F(WorkerSessionTest, AHeartbeatThatFindsAnotherStoreLeavesTheNewsToTheNextCall) {
  fake_server_.lease_ms = 3;
  fake_server_.evict_up_to = 1;
  fake_server_.later_store = 7;
  const auto worker = Join();
  EXPECT_TRUE(fake_server_.AwaitHeartbeatOf(2));
  EXPECT_EQ(Call(*worker, {}).status.error_code(), grpc::StatusCode::ABORTED);
  EXPECT_TRUE(Call(*worker, {}).status.ok());
}

// After a call that nobody answered, or that broke, no attempt goes over its connection.
TEST_F(WorkerSessionTest, AConnectionThatFailedIsNotUsedAgain) {
  const auto worker = Join();
  std::shared_ptr<const ServerChannel> used = client_.channel();
  EXPECT_TRUE(Call(*worker, {}).status.ok());
  EXPECT_EQ(client_.channel(), used);
  const Outcome silent{.status = {grpc::StatusCode::DEADLINE_EXCEEDED, "late"}, .silent = true};
  EXPECT_EQ(Call(*worker, {silent}).status.error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  EXPECT_NE(client_.channel(), used);
  for (const auto code :
       {grpc::StatusCode::UNAVAILABLE, grpc::StatusCode::CANCELLED, grpc::StatusCode::UNKNOWN}) {
    used = client_.channel();
    EXPECT_TRUE(Call(*worker, {{.status = {code, "broken"}}}).status.ok());
    EXPECT_NE(client_.channel(), used) << code;
  }
  // A server that says so has been heard.
  used = client_.channel();
  Call(*worker, {{.status = {grpc::StatusCode::DEADLINE_EXCEEDED, "waited for b"}}});
  Call(*worker, {{.status = {grpc::StatusCode::RESOURCE_EXHAUSTED, "later"},
                  .retry_after = milliseconds(1)}});
  EXPECT_EQ(client_.channel(), used);
}

TEST_F(WorkerSessionTest, AnAbortThatAdvisesNothingIsReported) {
  const auto worker = Join();
  EXPECT_EQ(Call(*worker, {Over(std::nullopt)}).status.error_code(), grpc::StatusCode::ABORTED);
  EXPECT_EQ(fake_server_.nonces.size(), 1U);
}

// Of the calls that were under way one is told to connect; the others are only told that they are
// too late.
TEST_F(WorkerSessionTest, AnEvictionThatAnotherThreadHasMendedIsMendedForAll) {
  const auto worker = Join();
  Called inner;
  Called outer;
  outer.status = worker->Run(Late(), [&](const Incarnation& incarnation) {
    outer.incarnations.push_back(incarnation.number);
    if (incarnation.number > 1) return Outcome{};
    inner = Call(*worker, {Over(Reconnect::kThenResend)});
    return Over(std::nullopt);
  });
  EXPECT_THAT(inner.incarnations, ElementsAre(1, 2));
  EXPECT_TRUE(outer.status.ok());
  EXPECT_THAT(outer.incarnations, ElementsAre(1, 2));
  EXPECT_EQ(fake_server_.nonces.size(), 2U);
}

TEST_F(WorkerSessionTest, ManyThreadsThatAreEvictedConnectOnce) {
  const auto worker = Join();
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&] {
      const grpc::Status status = worker->Run(Late(), [&](const Incarnation& incarnation) {
        return incarnation.number == 1 ? Over(Reconnect::kThenResend) : Outcome{};
      });
      EXPECT_TRUE(status.ok());
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(fake_server_.nonces.size(), 2U);
}

TEST_F(WorkerSessionTest, WhatRefusesToConnectAgainEndsTheCall) {
  const auto worker = Join();
  fake_server_.refusals = {{grpc::StatusCode::RESOURCE_EXHAUSTED, "too many workers"}};
  const Called called = Call(*worker, {Over(Reconnect::kThenResend)});
  EXPECT_EQ(called.status.error_message(), "too many workers");
  EXPECT_THAT(called.incarnations, ElementsAre(1));
}

TEST_F(WorkerSessionTest, HeartbeatsGoOnAndMendAnEviction) {
  fake_server_.lease_ms = 3;
  fake_server_.evict_up_to = 1;
  const auto worker = Join();
  EXPECT_TRUE(fake_server_.AwaitHeartbeatOf(1));
  EXPECT_TRUE(fake_server_.AwaitHeartbeatOf(2));
  EXPECT_THAT(Call(*worker, {}).incarnations, ElementsAre(2));
}

}  // namespace
}  // namespace varscope::internal
