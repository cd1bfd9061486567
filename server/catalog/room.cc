#include "server/catalog/room.h"

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "proto/naming/names.h"
#include "proto/tensor/shape_rules.h"

namespace varscope::server {

absl::Status Room::Take(const VariableDefinition& definition) {
  if (absl::Status status = ValidateVariableName(definition.name); !status.ok()) return status;
  const auto where = [&definition] {
    return absl::StrCat("variable ", definition.name, ", ", ToString(definition.creator), ": ");
  };
  const absl::StatusOr<uint64_t> bytes = ByteSize(definition.dtype, definition.shape);
  if (!bytes.ok()) {
    return absl::InvalidArgumentError(absl::StrCat(where(), bytes.status().message()));
  }
  if (*bytes > limits_.max_variable_bytes) {
    return absl::InvalidArgumentError(absl::StrCat(
        where(), "shape ", definition.shape.ToString(), " takes ", *bytes,
        " bytes, a variable may take ", limits_.max_variable_bytes, " (--max-variable-bytes)"));
  }
  bytes_ += *bytes;
  if (bytes_ > limits_.max_total_bytes) {
    return absl::ResourceExhaustedError(
        absl::StrCat(where(), *bytes, " bytes do not fit: the store holds ", there_bytes_,
                     " of at most ", limits_.max_total_bytes, " (--max-store-bytes)"));
  }
  overhead_ += OverheadOf(definition);
  if (overhead_ > limits_.max_names_bytes) {
    return absl::ResourceExhaustedError(
        absl::StrCat(where(), "its name and definition do not fit: those of ", there_,
                     " variables take ", there_overhead_, " bytes of at most ",
                     limits_.max_names_bytes, " (a quarter of --memory-limit)"));
  }
  return absl::OkStatus();
}

}  // namespace varscope::server
