// A whole server inside a process, beside others.
#include "server/server.h"

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "tests/support/sanitizer.h"
#include "tests/support/temporary_directory.h"
#include "tests/unit/server/failing_memory.h"
#include "varscope/v1/worker.grpc.pb.h"
#include "varscope/varscope.h"

namespace varscope::server {
namespace {

using ::testing::HasSubstr;
using testing::TemporaryDirectory;
namespace health = grpc::health::v1;

Options Anywhere() {
  Options options;
  options.listen = {"127.0.0.1:0"};
  options.max_store_bytes = options.max_variable_bytes = options.max_push_bytes = 64 << 20;
  options.max_inflight_bytes = 32 << 20;
  options.groups = {};
  return options;
}

std::unique_ptr<Server> Started(const Options& options) {
  std::unique_ptr<Server> server = Server::Open(options).value();
  EXPECT_TRUE(server->Serve().ok());
  return server;
}

// A worker of `server` adds one; returns what it then reads.
float AddOne(const Server& server) {
  Graph graph(absl::StrCat("127.0.0.1:", server.ports()[0]), {.worker_id = "w"});
  const auto use = graph.as_default();
  const varscope::Variable w =
      get_variable("w", {.shape = Shape{2}, .initializer = zeros_initializer()});
  const Output added = w.assign_add(constant(Tensor::Of<float>(Shape{2}, {1, 1})));
  Session session;
  session.run(added);
  return session.read("w").data<float>()[0];
}

TEST(ServerTest, SeveralLiveInOneProcessAndShareNothing) {
  const std::unique_ptr<Server> a = Started(Anywhere());
  const std::unique_ptr<Server> b = Started(Anywhere());
  EXPECT_EQ(AddOne(*a), 1);
  EXPECT_EQ(AddOne(*a), 2);
  EXPECT_EQ(AddOne(*b), 1);
}

TEST(ServerTest, WhateverMemoryIsMissingAStartSaysSo) {
  if (testing::IsSanitized()) GTEST_SKIP() << "the sanitizers have their own operator new";
  const TemporaryDirectory directory;
  Options options = Anywhere();
  options.data_dir = directory.path();
  {
    const std::unique_ptr<Server> server = Started(options);
    EXPECT_EQ(AddOne(*server), 1);
    EXPECT_EQ(AddOne(*server), 2);
    EXPECT_TRUE(server->Stop());
  }
  int told = 0;
  bool failed = true;
  for (uint64_t calls = 0; failed; calls += 1 + calls / 8) {
    SCOPED_TRACE(calls);
    absl::StatusOr<std::unique_ptr<Server>> server = absl::UnknownError("");
    {
      const testing::FailingMemory failing(calls);
      server = Server::Open(options);
      failed = failing.failed();
    }
    if (!server.ok() && absl::StrContains(server.status().message(), "ulimit -v")) ++told;
  }
  EXPECT_GT(told, 0);
  EXPECT_EQ(AddOne(*Started(options)), 3);
}

TEST(ServerTest, ItGoesOnFromWhatItsDirectoryHas) {
  const TemporaryDirectory directory;
  Options options = Anywhere();
  options.data_dir = directory.path();
  options.durability_level = DurabilityLevel::kSync;
  for (int run = 1; run <= 3; ++run) {
    const std::unique_ptr<Server> server = Started(options);
    EXPECT_EQ(AddOne(*server), run);
    if (run == 2) server->Stop();
  }
}

TEST(ServerTest, ADirectoryHasOneServer) {
  const TemporaryDirectory directory;
  Options options = Anywhere();
  options.data_dir = directory.path();
  const std::unique_ptr<Server> first = Server::Open(options).value();
  EXPECT_THAT(std::string(Server::Open(options).status().message()),
              HasSubstr("is in use by another varscoped"));
}

health::HealthCheckResponse::ServingStatus HealthOf(const Server& server) {
  const auto channel = grpc::CreateChannel(absl::StrCat("127.0.0.1:", server.ports()[0]),
                                           grpc::InsecureChannelCredentials());
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::minutes(1));
  health::HealthCheckResponse response;
  EXPECT_TRUE(health::Health::NewStub(channel)->Check(&context, {}, &response).ok());
  return response.status();
}

// One call that stays, and its context.
template <typename Reader>
struct Idle {
  std::unique_ptr<grpc::ClientContext> context = std::make_unique<grpc::ClientContext>();
  std::unique_ptr<Reader> reader;
};

// As many calls as `most` stay, one more is refused; when they have gone, there is room again.
// `begin` begins one, and returns whether it has had an answer.
template <typename Reader>
void ExpectAtMost(size_t most, const std::function<bool(Idle<Reader>&)>& begin) {
  const auto limit = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  std::vector<Idle<Reader>> idle(most);
  for (Idle<Reader>& one : idle) ASSERT_TRUE(begin(one));
  {
    Idle<Reader> another;
    EXPECT_FALSE(begin(another));
    const grpc::Status refused = another.reader->Finish();
    EXPECT_EQ(refused.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
    EXPECT_THAT(refused.error_message(), HasSubstr("end one"));
  }
  for (Idle<Reader>& one : idle) {
    one.context->TryCancel();
    one.reader->Finish();
  }
  for (bool again = false; !again;) {
    ASSERT_LT(std::chrono::steady_clock::now(), limit) << "no place is given back";
    Idle<Reader> another;
    again = begin(another);
    another.context->TryCancel();
    another.reader->Finish();
  }
}

TEST(ServerTest, CallsThatAreIdleWithoutASessionAreALimitedNumber) {
  const std::unique_ptr<Server> server = Started(Anywhere());
  EXPECT_EQ(AddOne(*server), 1);
  const auto channel = grpc::CreateChannel(absl::StrCat("127.0.0.1:", server->ports()[0]),
                                           grpc::InsecureChannelCredentials());
  const auto watches = health::Health::NewStub(channel);
  using Watch = grpc::ClientReader<health::HealthCheckResponse>;
  ExpectAtMost<Watch>(HealthService::kMostWatchers, [&](Idle<Watch>& one) {
    one.reader = watches->Watch(one.context.get(), {});
    health::HealthCheckResponse response;
    return one.reader->Read(&response);
  });
  const auto streams = v1::ParameterServer::NewStub(channel);
  using Exchange = grpc::ClientReaderWriter<v1::TensorFrame, v1::TensorFrame>;
  ExpectAtMost<Exchange>(StreamPlaces::kMostWithoutSession, [&](Idle<Exchange>& one) {
    one.reader = streams->Exchange(one.context.get());
    v1::TensorFrame pull;
    pull.mutable_header()->add_variables()->set_name("w");
    pull.mutable_header()->mutable_pull()->add_variables(0);
    one.reader->Write(pull);
    v1::TensorFrame answer;
    return one.reader->Read(&answer);
  });
}

// Nothing can be written any more. Both tell it though nothing was written since.
TEST(ServerTest, HealthAndTheEndTellThatTheDirectoryIsGone) {
  namespace fs = std::filesystem;
  for (const DurabilityLevel level :
       {DurabilityLevel::kNone, DurabilityLevel::kAsync, DurabilityLevel::kSync}) {
    for (const bool replaced : {false, true}) {
      for (const bool writes : {false, true}) {
        const TemporaryDirectory directory;
        Options options = Anywhere();
        options.data_dir = directory.path() / "data";
        options.durability_level = level;
        options.durability_interval_ms = 1;
        const std::unique_ptr<Server> server = Started(options);
        EXPECT_EQ(AddOne(*server), 1);
        EXPECT_EQ(HealthOf(*server), health::HealthCheckResponse::SERVING);
        std::promise<bool> saved;
        server->context().durability.WhenOnStableStorage(
            [&](const absl::Status& status) { saved.set_value(status.ok()); });
        ASSERT_TRUE(saved.get_future().get());
        const fs::path away = directory.path() / "away";
        fs::rename(options.data_dir, away);
        if (replaced) fs::copy(away, options.data_dir);
        if (!replaced) fs::remove_all(away);
        EXPECT_EQ(HealthOf(*server), health::HealthCheckResponse::NOT_SERVING);
        // It is in the log, and the log cannot be.
        if (writes) {
          ASSERT_TRUE(server->context().workers.Connect("w", "host", 1, Sharing::kGlobal).ok());
        }
        EXPECT_FALSE(server->Stop());
        if (replaced) {
          EXPECT_EQ(AddOne(*Started(options)), level == DurabilityLevel::kNone ? 1 : 2);
        }
      }
    }
  }
}

TEST(ServerTest, AnAddressThatCannotBeHadIsSaidAndNothingIsLeftBehind) {
  const std::unique_ptr<Server> first = Started(Anywhere());
  Options options = Anywhere();
  options.listen = {absl::StrCat("127.0.0.1:", first->ports()[0])};
  const std::unique_ptr<Server> second = Server::Open(options).value();
  const absl::Status status = second->Serve();
  EXPECT_THAT(std::string(status.message()), HasSubstr(options.listen[0]));
  EXPECT_EQ(AddOne(*first), 1);
}

}  // namespace
}  // namespace varscope::server
