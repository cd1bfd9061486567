// A worker's calls with one request, without a network.
#include "server/rpc/worker_calls.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "proto/wire/retry_info.h"
#include "tests/unit/server/rpc/service_parts.h"

namespace varscope::server {
namespace {

using ::testing::HasSubstr;

class WorkerCallsTest : public ::testing::Test, public ServiceParts {
 protected:
  // The thread is this one: what waits, waits for ever.
  absl::Status Resolve(const Caller& caller, const std::string& name) {
    v1::ResolveRequest request;
    request.set_sequence(1);
    v1::VariableDefinition& definition = *request.add_definitions();
    definition.set_key(name);
    definition.set_name(name);
    definition.set_dtype(v1::DT_FLOAT32);
    definition.mutable_shape()->add_dims(2);
    definition.set_reuse(v1::REUSE_AUTO);
    definition.mutable_initializer()->set_kind("zeros");
    v1::ResolveResponse response;
    std::optional<absl::Status> answer;
    server::Resolve(context, caller, request, &response,
                    [&](const absl::Status& status) { answer = status; });
    return answer.value_or(absl::UnknownError("no answer"));
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

}  // namespace
}  // namespace varscope::server
