// A worker's calls with one request, without a network.
#include "server/rpc/worker_calls.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "proto/wire/retry_info.h"
#include "tests/support/definition.h"
#include "tests/unit/server/rpc/service_parts.h"

namespace varscope::server {
namespace {

using ::testing::HasSubstr;

class WorkerCallsTest : public ::testing::Test, public ServiceParts {
 protected:
  static v1::ResolveRequest Defines(const std::vector<std::string>& names) {
    v1::ResolveRequest request;
    request.set_sequence(1);
    for (const std::string& name : names) {
      *request.add_definitions() = testing::ZerosOf(name, {2});
    }
    return request;
  }
  // The thread is this one: what waits, waits for ever.
  absl::Status Resolve(const Caller& caller, const v1::ResolveRequest& request) {
    Answer<v1::ResolveResponse> response;
    std::optional<absl::Status> answer;
    server::Resolve(context, caller, request, response,
                    [&](const absl::Status& status) { answer = status; });
    return answer.value_or(absl::UnknownError("no answer"));
  }
  absl::Status Resolve(const Caller& caller, const std::string& name) {
    return Resolve(caller, Defines({name}));
  }
};

// Its thread is not kept meanwhile, and what it defines is there when it comes again.
TEST_F(WorkerCallsTest, AResolveDuringARollbackIsToComeAgain) {
  const Caller caller = Connect("w");
  {
    const auto changes = store.changes.LockOut();
    const absl::Status refused = Resolve(caller, "v");
    EXPECT_TRUE(absl::IsUnavailable(refused)) << refused;
    EXPECT_THAT(std::string(refused.message()), HasSubstr("worker 'w', variable 'v'"));
    EXPECT_TRUE(refused.GetPayload(kRetryAfterKey).has_value());
    EXPECT_EQ(store.catalog.size(), 0U);
  }
  EXPECT_TRUE(Resolve(caller, "v").ok());
  EXPECT_EQ(store.catalog.size(), 1U);
}

TEST_F(WorkerCallsTest, WhoeverWaitsNoLongerDefinesNothingMore) {
  const Caller caller = Connect("w");
  const v1::ResolveRequest request = Defines({"a", "b", "c"});
  bool leaves = true;
  store.catalog.Observe([&](const CreationBatch&) {
    if (leaves) LeaveResolve(context, caller, request);
    return [] {};
  });
  const absl::Status left = Resolve(caller, request);
  EXPECT_TRUE(absl::IsCancelled(left)) << left;
  EXPECT_EQ(store.catalog.size(), 1U);
  // It may come again.
  leaves = false;
  EXPECT_TRUE(Resolve(caller, request).ok());
  EXPECT_EQ(store.catalog.size(), 3U);
}

TEST_F(WorkerCallsTest, AStopEndsWhatStillHasToBeDefined) {
  const Caller caller = Connect("w");
  store.catalog.Observe([&](const CreationBatch&) {
    definition_lanes.Stop();
    return [] {};
  });
  for (int i = 0; i < 2; ++i) {
    const absl::Status ended = Resolve(caller, Defines({"a", "b", "c"}));
    EXPECT_TRUE(absl::IsUnavailable(ended)) << ended;
    EXPECT_EQ(store.catalog.size(), 1U);
  }
}

// They hold as many threads as there are lanes, and all have their turns.
TEST_F(WorkerCallsTest, ManyDefineAtTheSameTime) {
  constexpr int kWorkers = 16;
  std::vector<std::string> names;
  for (int i = 0; i < 50; ++i) names.push_back(absl::StrCat("v", i));
  const v1::ResolveRequest request = Defines(names);
  std::vector<Caller> callers;
  for (int i = 0; i < kWorkers; ++i) callers.push_back(Connect(absl::StrCat("w", i)));
  std::vector<Answer<v1::ResolveResponse>> responses(kWorkers);
  std::vector<std::promise<absl::Status>> answers(kWorkers);
  std::vector<std::thread> threads;
  for (int i = 0; i < kWorkers; ++i) {
    threads.emplace_back([&, i] {
      server::Resolve(context, callers[i], request, responses[i],
                      [&, i](const absl::Status& status) { answers[i].set_value(status); });
    });
  }
  for (std::promise<absl::Status>& answer : answers) EXPECT_TRUE(answer.get_future().get().ok());
  for (std::thread& thread : threads) thread.join();
  for (const Answer<v1::ResolveResponse>& response : responses) {
    ASSERT_EQ(response->resolutions_size(), 50);
    for (int i = 0; i < 50; ++i) {
      EXPECT_EQ(response->resolutions(i).variables(0).name(), names[i]);
    }
  }
  EXPECT_EQ(store.catalog.size(), 50U);
}

}  // namespace
}  // namespace varscope::server
