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

// A small packed message may be a large one.
TEST_F(HealthTest, PackedMessagesAreRefused) {
  const auto parameter_server = v1::ParameterServer::NewStub(channel_);
  for (const grpc_compression_algorithm packed : {GRPC_COMPRESS_GZIP, GRPC_COMPRESS_DEFLATE}) {
    grpc::ClientContext context;
    context.set_compression_algorithm(packed);
    context.set_deadline(Soon());
    v1::ConnectRequest request;
    request.set_worker_id(std::string(100000, 'w'));
    v1::ConnectResponse response;
    const grpc::Status unary = parameter_server->Connect(&context, request, &response);
    EXPECT_EQ(unary.error_code(), grpc::StatusCode::UNIMPLEMENTED) << unary.error_message();
    grpc::ClientContext of_stream;
    of_stream.set_compression_algorithm(packed);
    of_stream.set_deadline(Soon());
    const auto stream = parameter_server->Exchange(&of_stream);
    v1::TensorFrame frame;
    frame.set_body(std::string(1 << 20, 'x'));
    stream->Write(frame);
    stream->WritesDone();
    while (stream->Read(&frame)) {
    }
    EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::UNIMPLEMENTED);
    grpc::ClientContext of_health;
    of_health.set_compression_algorithm(packed);
    HealthCheckResponse health;
    EXPECT_EQ(health_->Check(&of_health, Of("varscope.v1.ParameterServer"), &health).error_code(),
              grpc::StatusCode::UNIMPLEMENTED);
  }
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
