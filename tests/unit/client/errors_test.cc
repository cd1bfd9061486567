// Each status code has one class of errors.h, from Abseil's statuses and from gRPC's.
#include "varscope/errors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <string>
#include <type_traits>
#include <vector>

#include "client/graph/throw.h"
#include "client/rpc/reason.h"

namespace varscope {
namespace {

struct Known {
  int code;
  const char* name;  // gRPC's and TensorFlow's
  // Whether `error` is of the class that belongs to the code.
  bool (*is)(const OpError& error);
};

template <typename E>
bool Is(const OpError& error) {
  return dynamic_cast<const E*>(&error) != nullptr;
}

// tf.errors, with TensorFlow's numbers.
const std::vector<Known>& Table() {
  static const auto* const table = new std::vector<Known>{
      {1, "CANCELLED", Is<CancelledError>},
      {2, "UNKNOWN", Is<UnknownError>},
      {3, "INVALID_ARGUMENT", Is<InvalidArgumentError>},
      {4, "DEADLINE_EXCEEDED", Is<DeadlineExceededError>},
      {5, "NOT_FOUND", Is<NotFoundError>},
      {6, "ALREADY_EXISTS", Is<AlreadyExistsError>},
      {7, "PERMISSION_DENIED", Is<PermissionDeniedError>},
      {8, "RESOURCE_EXHAUSTED", Is<ResourceExhaustedError>},
      {9, "FAILED_PRECONDITION", Is<FailedPreconditionError>},
      {10, "ABORTED", Is<AbortedError>},
      {11, "OUT_OF_RANGE", Is<OutOfRangeError>},
      {12, "UNIMPLEMENTED", Is<UnimplementedError>},
      {13, "INTERNAL", Is<InternalError>},
      {14, "UNAVAILABLE", Is<UnavailableError>},
      {15, "DATA_LOSS", Is<DataLossError>},
      {16, "UNAUTHENTICATED", Is<UnauthenticatedError>},
  };
  return *table;
}

// The code of the one class that `fn` throws; 0 when it throws nothing.
template <typename Fn>
int CodeThrown(Fn&& fn, const std::string& message) {
  try {
    fn();
  } catch (const OpError& error) {
    EXPECT_THAT(error.message(), ::testing::HasSubstr(message));
    int classes = 0;
    int code = 0;
    for (const Known& known : Table()) {
      if (!known.is(error)) continue;
      ++classes;
      code = known.code;
    }
    EXPECT_EQ(classes, 1) << error.what();
    EXPECT_EQ(static_cast<int>(error.code()), code);
    return code;
  }
  return 0;
}

TEST(ErrorsTest, EachStatusCodeIsOneClass) {
  for (const Known& known : Table()) {
    const auto code = static_cast<absl::StatusCode>(known.code);
    EXPECT_EQ(absl::StatusCodeToString(code), known.name);
    EXPECT_EQ(CodeThrown([&] { ThrowIfError(absl::Status(code, "why")); }, "why"), known.code);
    const grpc::Status status(static_cast<grpc::StatusCode>(known.code), "why");
    EXPECT_EQ(CodeThrown([&] { internal::ThrowIfFailed(status, "push", "here:1"); },
                         known.code == 12 ? "here:1" : "why"),
              known.code);
  }
}

TEST(ErrorsTest, AnOkStatusThrowsNothing) {
  EXPECT_NO_THROW(ThrowIfError(absl::OkStatus()));
  EXPECT_NO_THROW(internal::ThrowIfFailed(grpc::Status::OK, "push", "here:1"));
}

TEST(ErrorsTest, ACodeThatNobodyKnowsIsUnknown) {
  // As far as the enum can hold them.
  for (const int code : {17, 31, -1}) {
    const auto raw = static_cast<absl::StatusCode>(code);
    EXPECT_EQ(CodeThrown([&] { ThrowIfError(absl::Status(raw, "why")); }, "why"), 2) << code;
    const grpc::Status status(static_cast<grpc::StatusCode>(code), "why");
    EXPECT_EQ(CodeThrown([&] { internal::ThrowIfFailed(status, "push", "here:1"); }, "why"), 2)
        << code;
  }
}

// As Python programs expect: `except ValueError` does not catch a NotFoundError.
TEST(ErrorsTest, TheClassesOfPythonAreNoOpErrors) {
  EXPECT_FALSE((std::is_base_of_v<OpError, ValueError>));
  EXPECT_FALSE((std::is_base_of_v<OpError, TypeError>));
  EXPECT_FALSE((std::is_base_of_v<OpError, RuntimeError>));
  EXPECT_FALSE((std::is_base_of_v<OpError, LookupError>));
  EXPECT_TRUE((std::is_base_of_v<Error, LookupError>));
  EXPECT_TRUE((std::is_base_of_v<Error, OpError>));
}

TEST(ErrorsTest, AnErrorKeepsItsClassAndCodeWhenItsMessageGrows) {
  try {
    try {
      throw NotFoundError("no w", "asked at a.cc:1");
    } catch (Error& error) {
      error.Add("; did you mean v?");
      throw;
    }
  } catch (const NotFoundError& error) {
    EXPECT_EQ(error.code(), ErrorCode::kNotFound);
    EXPECT_EQ(error.message(), "no w; did you mean v?");
    EXPECT_EQ(error.what(), std::string("no w; did you mean v?\nasked at a.cc:1"));
  }
}

}  // namespace
}  // namespace varscope
