// Whether a value may go to a variable, as far as dtypes and shapes are known in the graph.
#ifndef VARSCOPE_CLIENT_GRAPH_FITS_H_
#define VARSCOPE_CLIENT_GRAPH_FITS_H_

#include "absl/strings/string_view.h"
#include "varscope/graph.h"
#include "varscope/variables.h"

namespace varscope::internal {

// ValueError for a value of another dtype than the variable's, or of a shape that cannot be its.
// With `rows`, which else are undefined: for a value that cannot have a row for each of them, and
// for rows that are no int32 or int64 vector. `what` is what is done: "assign to".
void CheckFits(const Variable& variable, const Output& value, const Output& rows,
               absl::string_view what);

// ValueError for a partitioned variable. `what` must be done part by part: "differentiated".
void CheckWhole(const Variable& variable, absl::string_view what);

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_GRAPH_FITS_H_
