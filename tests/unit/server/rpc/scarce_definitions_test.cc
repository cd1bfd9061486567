// A Resolve for which memory ends, wherever that is: its worker is told, of what it asked for, and
// what is there is what the log has. Sent again, it is as if nothing had been.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <future>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "proto/wire/convert.h"
#include "server/durability/recorder.h"
#include "server/rpc/worker_calls.h"
#include "tests/support/opened.h"
#include "tests/support/sanitizer.h"
#include "tests/support/state_of.h"
#include "tests/support/temporary_directory.h"
#include "tests/unit/server/failing_memory.h"
#include "tests/unit/server/rpc/service_parts.h"

namespace varscope::server {
namespace {

// Longer than what a string has in itself.
std::string Key(uint64_t calls, const std::string& name) {
  return absl::StrCat("a_model_with_a_long_name_", calls, "/", name);
}

// One of each kind, all of one scope.
v1::ResolveRequest EachKind(uint64_t calls) {
  v1::ResolveRequest request;
  request.set_sequence(calls + 1);
  const auto add = [&](const std::string& name, const std::string& kind) -> auto& {
    v1::VariableDefinition& definition = *request.add_definitions();
    definition.set_key(Key(calls, name));
    definition.set_name(Key(calls, name));
    definition.set_dtype(v1::DT_FLOAT32);
    definition.set_reuse(v1::REUSE_AUTO);
    definition.mutable_creator()->set_file("the_program_of_the_worker.py");
    definition.mutable_initializer()->set_kind(kind);
    definition.mutable_shape()->add_dims(2);
    return definition;
  };
  add("shared", "zeros");
  wire::ToProto({{"minval", -1.0}, {"maxval", 1.0}},
                add("random", "random_uniform").mutable_initializer()->mutable_parameters());
  add("value", "value").mutable_initializer()->set_value(std::string(8, '\0'));
  v1::VariableDefinition& parts = add("parts", "ones");
  parts.clear_shape();
  parts.mutable_partitioning()->mutable_full_shape()->add_dims(6);
  parts.mutable_partitioning()->add_partitions(3);
  v1::VariableDefinition& unique = add("unique", "zeros");
  unique.set_kind(v1::KIND_UNIQUE);
  unique.clear_key();
  add("shared", "ones");                                // attaches
  add("shared", "zeros").mutable_shape()->add_dims(7);  // is refused
  return request;
}

class ScarceDefinitionsTest : public ::testing::Test, public ServiceParts {
 protected:
  ScarceDefinitionsTest()
      : recorder_(testing::Opened(directory_.path()), {.level = DurabilityLevel::kSync}, store,
                  workers, 0),
        logged_(With(recorder_)) {}

  // After `calls` allocations one fails; `failed` says whether there were so many.
  absl::Status Resolve(const Caller& caller, const v1::ResolveRequest& request,
                       Answer<v1::ResolveResponse>& response, uint64_t calls, bool& failed) {
    std::promise<absl::Status> answer;
    {
      const testing::FailingMemory failing(calls);
      try {
        CallDone done([&answer](const absl::Status& status) { answer.set_value(status); });
        server::Resolve(logged_, caller, request, response, std::move(done));
      } catch (const std::bad_alloc&) {
        // It has been told by the end of its CallDone.
      }
      failed = failing.failed();
    }
    return answer.get_future().get();
  }

  const testing::TemporaryDirectory directory_;
  Recorder recorder_;
  const ServiceContext logged_;
};

TEST_F(ScarceDefinitionsTest, WhateverMemoryIsMissingOneAnswerComesAndTheLogHasWhatIsThere) {
  if (testing::IsSanitized()) GTEST_SKIP() << "the sanitizers have their own operator new";
  const Caller caller = Connect("a_worker_with_quite_a_long_name");
  int refused = 0;
  bool failed = true;
  for (uint64_t calls = 0; failed; ++calls) {
    SCOPED_TRACE(calls);
    const v1::ResolveRequest request = EachKind(calls);
    auto response = std::make_unique<Answer<v1::ResolveResponse>>();
    const absl::Status first = Resolve(caller, request, *response, calls, failed);
    if (!first.ok()) {
      ++refused;
      ASSERT_TRUE(absl::IsUnavailable(first) || absl::IsResourceExhausted(first)) << first;
      // It says nothing, or which of those it asked for.
      const std::string text(first.message());
      ASSERT_TRUE(std::all_of(text.begin(), text.end(), absl::ascii_isprint)) << text;
      ASSERT_EQ(absl::StrContains(text, "variable '"),
                absl::StrContains(text, absl::StrCat("variable '", Key(calls, ""))))
          << text;
      response = std::make_unique<Answer<v1::ResolveResponse>>();
      const absl::Status again = Resolve(caller, request, *response, UINT64_MAX - 1, failed);
      failed = true;
      ASSERT_TRUE(again.ok()) << again;
    }
    const v1::ResolveResponse& resolved = **response;
    ASSERT_EQ(resolved.resolutions_size(), request.definitions_size());
    for (const int one : {0, 1, 2, 4, 5}) {
      ASSERT_EQ(resolved.resolutions(one).variables_size(), 1) << one;
      ASSERT_EQ(resolved.resolutions(one).variables(0).name(), request.definitions(one).name());
    }
    ASSERT_EQ(resolved.resolutions(3).variables_size(), 3);
    ASSERT_EQ(resolved.resolutions(6).outcome(), v1::Resolution::REFUSED);
    // None was made twice: four, and three parts.
    ASSERT_EQ(store.catalog.size(), 7 * (calls + 1));
  }
  EXPECT_GT(refused, 100);
  ASSERT_TRUE(store.catalog.FinishFirstValues().ok());
  std::promise<absl::Status> settled;
  recorder_.WhenOnStableStorage([&](const absl::Status& status) { settled.set_value(status); });
  ASSERT_TRUE(settled.get_future().get().ok());
  const absl::StatusOr<std::string> recovered = testing::RecoveredState(directory_.path());
  ASSERT_TRUE(recovered.ok()) << recovered.status();
  EXPECT_EQ(*recovered, testing::StateOf(store, workers));
}

}  // namespace
}  // namespace varscope::server
