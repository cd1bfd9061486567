// What an op of a run has against its inputs.
#ifndef VARSCOPE_CLIENT_SESSION_OP_ERROR_H_
#define VARSCOPE_CLIENT_SESSION_OP_ERROR_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "client/graph/node.h"
#include "varscope/errors.h"

namespace varscope::internal {

// Throws InvalidArgumentError, or ResourceExhaustedError, which names the op.
[[noreturn]] inline void ThrowAt(const Node& node, const absl::Status& status) {
  const std::string message =
      absl::StrCat(status.message(), " [op '", node.name, "' (", node.def->name, ")]");
  if (absl::IsResourceExhausted(status)) throw ResourceExhaustedError(message);
  throw InvalidArgumentError(message);
}

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_SESSION_OP_ERROR_H_
