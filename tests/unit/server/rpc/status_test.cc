// What a caller is told of a status.
#include "server/rpc/status.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/status/status.h"
#include "varscope/v1/types.pb.h"

namespace varscope::server {
namespace {

// gRPC gives a call another error when its text does not fit into 8 KiB, three bytes for some.
TEST(StatusTest, ALongTextIsCutSoThatItsErrorComes) {
  const absl::Status status = absl::DeadlineExceededError("why: " + std::string(100000, '\xff'));
  const grpc::Status told = ToGrpc(status);
  EXPECT_EQ(told.error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  EXPECT_LT(3 * told.error_message().size(), 8000U);
  EXPECT_EQ(told.error_message().substr(0, 5), "why: ");
  v1::Error error;
  ToProto(status, &error);
  EXPECT_EQ(error.message(), told.error_message());
}

TEST(StatusTest, AShortTextIsTold) {
  EXPECT_EQ(ToGrpc(absl::NotFoundError("no such variable")).error_message(), "no such variable");
}

}  // namespace
}  // namespace varscope::server
