// The standard services: health, as orchestrators and load balancers ask it, and reflection.
#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <future>

#include "client/rpc/raw_call.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "tests/support/bytes_of.h"
#include "tests/support/server_process.h"
#include "varscope/v1/tensor_stream.pb.h"
#include "varscope/v1/worker.grpc.pb.h"
#include "varscope/varscope.h"

namespace varscope::testing {
namespace {

using grpc::health::v1::Health;
using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;
using ::testing::HasSubstr;

class HealthTest : public ::testing::Test {
 protected:
  static HealthCheckRequest Of(const std::string& service) {
    HealthCheckRequest request;
    request.set_service(service);
    return request;
  }
  static std::chrono::system_clock::time_point Soon() {
    return std::chrono::system_clock::now() + std::chrono::seconds(60);
  }

  ServerProcess server_;
  const std::shared_ptr<grpc::Channel> channel_ =
      grpc::CreateChannel(server_.target(), grpc::InsecureChannelCredentials());
  const std::unique_ptr<Health::Stub> health_ = Health::NewStub(channel_);
};

TEST_F(HealthTest, ChecksTheServerAndItsService) {
  for (const char* const service : {"", "varscope.v1.ParameterServer"}) {
    grpc::ClientContext context;
    HealthCheckResponse response;
    ASSERT_TRUE(health_->Check(&context, Of(service), &response).ok()) << service;
    EXPECT_EQ(response.status(), HealthCheckResponse::SERVING) << service;
  }
  grpc::ClientContext context;
  HealthCheckResponse response;
  const grpc::Status unknown = health_->Check(&context, Of("varscope.v2"), &response);
  EXPECT_EQ(unknown.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_THAT(unknown.error_message(), HasSubstr("varscope.v1.ParameterServer"));
}

TEST_F(HealthTest, WatchersHearOfTheStop) {
  Graph graph(server_.target());
  {
    const auto use = graph.as_default();
    get_variable("w", {.shape = Shape{4, 2}, .initializer = zeros_initializer()});
  }
  // A pull whose indices never come: a call under way, for which the stop waits.
  grpc::ClientContext pulling;
  pulling.set_deadline(Soon());
  const auto stub = v1::ParameterServer::NewStub(channel_);
  const auto pull = stub->Exchange(&pulling);
  v1::TensorFrame head;
  head.mutable_header()->add_variables()->set_name("w");
  head.mutable_header()->mutable_pull()->add_variables(0);
  head.mutable_header()->mutable_pull()->add_index_counts(2);
  head.mutable_header()->set_body_bytes(8);
  ASSERT_TRUE(pull->Write(head));

  grpc::ClientContext watching;
  watching.set_deadline(Soon());
  const auto watch = health_->Watch(&watching, Of(""));
  HealthCheckResponse response;
  ASSERT_TRUE(watch->Read(&response));
  EXPECT_EQ(response.status(), HealthCheckResponse::SERVING);
  grpc::ClientContext elsewhere;
  elsewhere.set_deadline(Soon());
  const auto unknown = health_->Watch(&elsewhere, Of("varscope.v2"));
  ASSERT_TRUE(unknown->Read(&response));
  EXPECT_EQ(response.status(), HealthCheckResponse::SERVICE_UNKNOWN);

  std::future<int> stopped = std::async(std::launch::async, [&] { return server_.Stop(); });
  ASSERT_TRUE(watch->Read(&response));
  EXPECT_EQ(response.status(), HealthCheckResponse::NOT_SERVING);
  pulling.TryCancel();
  EXPECT_EQ(stopped.get(), 0);
  EXPECT_FALSE(watch->Read(&response));
}

TEST(ReflectionTest, ListsTheServices) {
  const ServerProcess server;
  internal::RawCall call(grpc::CreateChannel(server.target(), grpc::InsecureChannelCredentials()),
                         "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo");
  call.SetDeadline(internal::Clock::now() + std::chrono::seconds(60));
  // A ServerReflectionRequest whose list_services, the seventh field, is "".
  const grpc::Slice request(std::string("\x3a\x00", 2));
  ASSERT_TRUE(call.Write(grpc::ByteBuffer(&request, 1)));
  grpc::ByteBuffer response;
  ASSERT_TRUE(call.Read(&response));
  const std::string services = BytesOf(response);
  for (const char* const service : {"varscope.v1.ParameterServer", "grpc.health.v1.Health"}) {
    EXPECT_THAT(services, HasSubstr(service));
  }
}

}  // namespace
}  // namespace varscope::testing
