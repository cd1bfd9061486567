#include "client/graph/fits.h"

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "proto/tensor/rows.h"
#include "varscope/errors.h"

namespace varscope::internal {
namespace {

std::string TypeOf(const Output& output) {
  return absl::StrCat(Name(output.dtype()), " ", output.shape().ToString());
}

}  // namespace

void CheckFits(const Variable& variable, const Output& value, const Output& rows,
               absl::string_view what) {
  Shape expected = variable.shape();
  std::string at;
  if (rows.defined()) {
    at = absl::StrCat(" for the rows ", TypeOf(rows));
    const bool vector = !rows.shape().known_rank() || rows.shape().rank() == 1;
    if (!IsIndex(rows.dtype()) || !vector) {
      throw ValueError(absl::StrCat("Cannot ", what, " variable ", variable.name(), at,
                                    ", expected an int32 or int64 vector."));
    }
    const int64_t count = rows.shape().known_rank() ? rows.shape().dim(0) : Shape::kUnknownDim;
    const absl::StatusOr<Shape> of_rows = RowsShape(expected, count);
    if (!of_rows.ok()) throw ValueError(absl::StrCat(variable.name(), " has no rows."));
    expected = *of_rows;
  }
  if (value.dtype() == variable.dtype() && value.shape().IsCompatibleWith(expected)) return;
  throw ValueError(absl::StrCat("Cannot ", what, " variable ", variable.name(), " of ",
                                Name(variable.dtype()), " ", variable.shape().ToString(),
                                " with a value of ", TypeOf(value), at, "."));
}

void CheckWhole(const Variable& variable, absl::string_view what) {
  if (!variable.is_partitioned()) return;
  throw ValueError(absl::StrCat("partitioned variable ", variable.name(), " is ", what,
                                " part by part; see parts()."));
}

}  // namespace varscope::internal
