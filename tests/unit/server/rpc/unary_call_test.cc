// Where the answer of a call is made, over no network.
#include "server/rpc/unary_call.h"

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <chrono>
#include <ctime>
#include <future>
#include <memory>
#include <string>

#include "tests/unit/server/rpc/service_parts.h"
#include "varscope/v1/admin.grpc.pb.h"
#include "varscope/v1/worker.grpc.pb.h"

namespace varscope::server {
namespace {

constexpr std::chrono::seconds kLong(60);

// Of this thread.
double ProcessorSeconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

class UnaryCallTest : public ::testing::Test, public ServiceParts {
 protected:
  using Service = v1::ParameterServer::WithRawMethod_Resolve<v1::ParameterServer::Service>;
  using Call = UnaryCall<v1::ResolveRequest, v1::ResolveResponse>;
  using Run = decltype(Call::Handler::run);

  UnaryCallTest() {
    builder_.RegisterService(&service_);
    queue_ = std::make_unique<CallQueue>(builder_.AddCompletionQueue(), 1);
    server_ = builder_.BuildAndStart();
  }
  ~UnaryCallTest() override { server_->Shutdown(std::chrono::system_clock::now()); }

  void Accept(Run run) {
    Serve<Call>(service_, &Service::RequestResolve, context, *queue_, {std::move(run), {}});
  }
  // The end of a call that a client makes meanwhile.
  std::future<grpc::Status> Begin(v1::ResolveResponse* response) {
    return std::async(std::launch::async, [this, response] {
      grpc::ChannelArguments arguments;
      arguments.SetMaxReceiveMessageSize(-1);
      const auto stub = v1::ParameterServer::NewStub(server_->InProcessChannel(arguments));
      grpc::ClientContext call;
      call.set_deadline(std::chrono::system_clock::now() + kLong);
      return stub->Resolve(&call, {}, response);
    });
  }

  Service service_;
  grpc::ServerBuilder builder_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<CallQueue> queue_;
};

// Whoever ends a call has others to tell, such as the thread of the log.
TEST_F(UnaryCallTest, WhoeverEndsACallDoesNotMakeTheAnswersBytes) {
  constexpr int kTexts = 200;
  const std::string text(100'000, 'x');
  std::promise<CallDone> promise;
  Accept([&](const Caller&, const v1::ResolveRequest&, Answer<v1::ResolveResponse>& answer,
             CallDone done) {
    for (int i = 0; i < kTexts; ++i) answer->add_resolutions()->set_message(text);
    promise.set_value(std::move(done));
  });
  v1::ResolveResponse response;
  std::future<grpc::Status> ended = Begin(&response);
  CallDone done = promise.get_future().get();
  const double before = ProcessorSeconds();
  done(absl::OkStatus());
  const double took = ProcessorSeconds() - before;
  const grpc::Status status = ended.get();
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(response.resolutions_size(), kTexts);
  const double begin = ProcessorSeconds();
  ToBytes(response);
  EXPECT_LT(took, (ProcessorSeconds() - begin) / 2);
}

TEST_F(UnaryCallTest, AnErrorHasNoAnswer) {
  Accept([](const Caller&, const v1::ResolveRequest&, Answer<v1::ResolveResponse>& answer,
            CallDone done) {
    answer->add_resolutions();
    done(absl::AbortedError("no"));
  });
  v1::ResolveResponse response;
  const grpc::Status status = Begin(&response).get();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::ABORTED);
  EXPECT_EQ(status.error_message(), "no");
  EXPECT_EQ(response.resolutions_size(), 0);
}

TEST_F(UnaryCallTest, ACallForWhoseWorkThereIsNoMemoryEndsAndOthersGoOn) {
  int calls = 0;
  Accept(
      [&](const Caller&, const v1::ResolveRequest&, Answer<v1::ResolveResponse>&, CallDone done) {
        if (++calls == 1) throw std::bad_alloc();
        done(absl::OkStatus());
      });
  v1::ResolveResponse response;
  const grpc::Status ended = Begin(&response).get();
  EXPECT_EQ(ended.error_code(), grpc::StatusCode::UNAVAILABLE) << ended.error_message();
  EXPECT_TRUE(Begin(&response).get().ok());
}

}  // namespace
}  // namespace varscope::server
