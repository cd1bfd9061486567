// Turns a status into the error that the client throws.
#ifndef VARSCOPE_CLIENT_GRAPH_THROW_H_
#define VARSCOPE_CLIENT_GRAPH_THROW_H_

#include "absl/status/status.h"

namespace varscope {

// Throws the class of errors.h that has the status's code; does nothing for an OK status. A code
// that Abseil does not know is kUnknown.
void ThrowIfError(const absl::Status& status);

}  // namespace varscope

#endif  // VARSCOPE_CLIENT_GRAPH_THROW_H_
