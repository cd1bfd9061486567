// What a caller is told of a status.
#include "server/rpc/status.h"

#include <gtest/gtest.h>

#include <random>
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

// A message's string must be UTF-8: whoever reads it would get no answer at all.
TEST(StatusTest, PathsOfAnyBytesCanBeTold) {
  std::mt19937 random(1);
  for (int round = 0; round < 300; ++round) {
    std::string text;
    const std::string pieces[] = {"\xe9", "\xff", "gr\u00f6\u00dfe", "\U0001f600", "plain"};
    while (text.size() < static_cast<size_t>(round) * 10) text += pieces[random() % 5];
    v1::Error error;
    ToProto(absl::InternalError(text), &error);
    v1::Error again;
    EXPECT_TRUE(again.ParseFromString(error.SerializeAsString()));
    EXPECT_EQ(Utf8(error.message()), error.message());
    EXPECT_LT(3 * ToGrpc(absl::InternalError(text)).error_message().size(), 8000U);
  }
}

TEST(StatusTest, AShortTextIsTold) {
  EXPECT_EQ(ToGrpc(absl::NotFoundError("no such variable")).error_message(), "no such variable");
}

}  // namespace
}  // namespace varscope::server
