#include "client/graph/throw.h"

#include <string>

#include "varscope/errors.h"

namespace varscope {

void ThrowIfError(const absl::Status& status) {
  if (status.ok()) return;
  const std::string message(status.message());
  switch (status.code()) {
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kOutOfRange:
      throw InvalidArgumentError(message);
    case absl::StatusCode::kNotFound:
      throw NotFoundError(message);
    case absl::StatusCode::kFailedPrecondition:
      throw FailedPreconditionError(message);
    case absl::StatusCode::kResourceExhausted:
      throw ResourceExhaustedError(message);
    case absl::StatusCode::kDeadlineExceeded:
      throw DeadlineExceededError(message);
    case absl::StatusCode::kDataLoss:
      throw DataLossError(message);
    case absl::StatusCode::kUnavailable:
      throw UnavailableError(message);
    case absl::StatusCode::kAborted:
      throw AbortedError(message);
    default:
      throw OpError(message);
  }
}

}  // namespace varscope
