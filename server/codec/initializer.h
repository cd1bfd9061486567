// Initializer specifications to and from messages.
#ifndef VARSCOPE_SERVER_CODEC_INITIALIZER_H_
#define VARSCOPE_SERVER_CODEC_INITIALIZER_H_

#include <optional>

#include "absl/status/statusor.h"
#include "varscope/initializer_spec.h"
#include "varscope/v1/types.pb.h"

namespace varscope::server::codec {

// InvalidArgument for a value whose bytes do not fit; otherwise the kind and its parameters are not
// checked here (catalog/initializers.h does).
absl::StatusOr<InitializerSpec> FromProto(const v1::InitializerSpec& spec, DType dtype,
                                          const std::optional<Shape>& shape);

// Without the bytes of a value.
void ToProto(const InitializerSpec& spec, v1::InitializerSpec* out);

}  // namespace varscope::server::codec

#endif  // VARSCOPE_SERVER_CODEC_INITIALIZER_H_
