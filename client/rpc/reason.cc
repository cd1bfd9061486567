#include "client/rpc/reason.h"

#include "absl/strings/match.h"

namespace varscope::internal {

Reason ReasonOf(const grpc::Status& status) { return {status.error_message(), true}; }

}  // namespace varscope::internal
