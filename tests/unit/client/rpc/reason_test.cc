// Why no connection could be made, from gRPC's texts.
#include "client/rpc/reason.h"

#include <gtest/gtest.h>

namespace varscope::internal {
namespace {

TEST(ReasonTest, AnErrorOfAFileIsNoneOfAHostAndAPort) {
  for (const char* error : {"No such file or directory", "Not a directory"}) {
    const grpc::Status status(grpc::StatusCode::UNAVAILABLE, error);
    for (const char* target : {"127.0.0.1:7077", "[::1]:7077", "dns:///host:7077"}) {
      EXPECT_TRUE(IsOfAnotherCall(status, target)) << target << ": " << error;
    }
    for (const char* target : {"unix:/run/socket", "unix:///run/socket", "unix-abstract:name"}) {
      EXPECT_FALSE(IsOfAnotherCall(status, target)) << target << ": " << error;
    }
    const grpc::Status said(grpc::StatusCode::NOT_FOUND, error);
    EXPECT_FALSE(IsOfAnotherCall(said, "127.0.0.1:7077")) << error;
  }
  const grpc::Status refused(grpc::StatusCode::UNAVAILABLE, "Connection refused");
  EXPECT_FALSE(IsOfAnotherCall(refused, "127.0.0.1:7077"));
}

}  // namespace
}  // namespace varscope::internal
