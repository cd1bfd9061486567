#include "server/store/read.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "proto/tensor/allocate.h"
#include "proto/tensor/rows.h"

namespace varscope::server {
namespace {

// Uninitialized.
absl::StatusOr<Tensor> RoomForRows(const Variable& variable, std::span<const int64_t> rows) {
  const VariableDefinition& def = variable.def;
  const absl::StatusOr<Shape> shape = RowsShape(def.shape, static_cast<int64_t>(rows.size()));
  absl::Status status = shape.ok() ? CheckRows(def.shape, rows) : shape.status();
  if (status.ok()) return TryAllocate(def.dtype, *shape);
  return absl::InvalidArgumentError(absl::StrCat("variable ", def.name, ": ", status.message()));
}

}  // namespace

absl::StatusOr<std::vector<ReadValue>> ReadTogether(std::span<Variable* const> variables,
                                                    std::span<const ReadIndices> rows) {
  std::vector<ReadValue> read(variables.size());
  for (size_t i = 0; i < rows.size(); ++i) {
    if (!rows[i]) continue;
    absl::StatusOr<Tensor> room = RoomForRows(*variables[i], *rows[i]);
    if (!room.ok()) return room.status();
    read[i].value = *std::move(room);
  }
  const LockedVariables locked({variables.begin(), variables.end()});
  for (size_t i = 0; i < variables.size(); ++i) {
    Variable& variable = *variables[i];
    variable.mutex.AssertHeld();
    if (variable.discarded) return IsGone(variable.def);
    if (variable.first_value != nullptr) return IsComing(variable.def);
    if (!variable.initialized) {
      return absl::FailedPreconditionError(absl::StrCat(
          "Attempting to use uninitialized value ", variable.def.name, ": its creator, ",
          ToString(variable.def.creator), ", has not run its initializer yet"));
    }
    ++variable.pulls;
    read[i].version = variable.version;
    // Rows are copied here, because whoever holds on to the value makes the next push copy it all.
    if (read[i].value.defined()) {
      CopyRows(variable.value, *rows[i], read[i].value);
    } else {
      read[i].value = variable.value;
    }
  }
  return read;
}

}  // namespace varscope::server
