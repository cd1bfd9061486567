// Workers that have as much waiting as they get, beside others.
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/support/raw_worker.h"
#include "tests/support/server_process.h"
#include "varscope/varscope.h"

namespace varscope::testing {
namespace {

// A call at a barrier to which the others never come.
struct WaitingCall {
  grpc::ClientContext context;
  v1::BarrierResponse response;
  grpc::Status status;
  std::unique_ptr<grpc::ClientAsyncResponseReader<v1::BarrierResponse>> reader;
};

// Adds one to `w` as a worker that connects for that.
void AddOne(const std::string& target, const std::string& worker) {
  Graph graph(target, {.worker_id = worker, .transport = TransportMode::kTarget});
  const auto use = graph.as_default();
  const Variable w = get_variable(
      "w", {.shape = Shape{1000}, .initializer = zeros_initializer(), .reuse = Reuse::kAuto});
  const Output added =
      w.assign_add(constant(Tensor::Of<float>(Shape{1000}, std::vector<float>(1000, 1))));
  Session session;
  session.run(added);
}

TEST(WaitingTest, WhatAFewHaveWaitingKeepsNobodyOut) {
  constexpr int kFew = 30;
  constexpr int kCalls = 250;
  ServerProcess server({"--memory-limit", "128MiB"});
  AddOne(server.target(), "before");
  grpc::CompletionQueue ended;
  std::vector<std::unique_ptr<RawWorker>> few;
  std::vector<std::unique_ptr<WaitingCall>> calls;
  for (int worker = 0; worker < kFew; ++worker) {
    few.push_back(std::make_unique<RawWorker>(server.target(), "few" + std::to_string(worker)));
    for (int i = 1; i <= kCalls; ++i) {
      WaitingCall& call = *calls.emplace_back(std::make_unique<WaitingCall>());
      v1::BarrierRequest request;
      request.set_name("b" + std::to_string(i));
      request.set_parties(1000);
      request.set_timeout_ms(3600'000);
      request.set_sequence(i);
      few.back()->Prepare(call.context);
      call.reader = few.back()->stub().AsyncBarrier(&call.context, request, &ended);
      call.reader->Finish(&call.response, &call.status, &call);
    }
  }
  // From the first that is refused on, they have what they get.
  void* tag = nullptr;
  bool ok = false;
  ASSERT_TRUE(ended.Next(&tag, &ok));
  EXPECT_EQ(static_cast<WaitingCall*>(tag)->status.error_code(),
            grpc::StatusCode::RESOURCE_EXHAUSTED);
  for (int i = 0; i < 10; ++i) {
    EXPECT_NO_THROW(AddOne(server.target(), "newcomer" + std::to_string(i)));
  }
  for (const std::unique_ptr<WaitingCall>& call : calls) call->context.TryCancel();
  for (size_t i = 1; i < calls.size(); ++i) ended.Next(&tag, &ok);
  EXPECT_EQ(server.Stop(), 0);
}

}  // namespace
}  // namespace varscope::testing
