// Shapes that integers say which an op has as an input.
#ifndef VARSCOPE_CLIENT_GRAPH_OPS_BY_VALUES_H_
#define VARSCOPE_CLIENT_GRAPH_OPS_BY_VALUES_H_

#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "client/graph/op_def.h"

namespace varscope::internal {

// The shape that input i is, as far as it is known. InvalidArgument for what is none.
inline absl::StatusOr<Shape> ShapeInput(const InferContext& c, int i) {
  if (!IsIndex(c.dtype(i)) || (c.shape(i).known_rank() && c.shape(i).rank() != 1)) {
    return absl::InvalidArgumentError(
        absl::StrCat("a shape must be a vector of int32 or int64, is ", Name(c.dtype(i)), " ",
                     c.shape(i).ToString()));
  }
  const Numbers* const numbers = c.numbers(i);
  if (numbers == nullptr) {
    const bool counted = c.shape(i).known_rank() && c.shape(i).dim(0) >= 0;
    if (!counted || c.shape(i).dim(0) > Shape::kMaxRank) return Shape::Unknown();
    return Shape(std::vector<int64_t>(c.shape(i).dim(0), Shape::kUnknownDim));
  }
  std::vector<int64_t> dims;
  for (const std::optional<int64_t>& number : *numbers) {
    if (number && *number < 0) {
      return absl::InvalidArgumentError(absl::StrCat("Dimension ", *number, " must be >= 0"));
    }
    dims.push_back(number.value_or(Shape::kUnknownDim));
  }
  return Shape(std::move(dims));
}

// The number that the scalar input i is; nothing while it is not known.
inline std::optional<int64_t> NumberInput(const InferContext& c, int i) {
  const Numbers* const numbers = c.numbers(i);
  return numbers == nullptr || numbers->size() != 1 ? std::nullopt : (*numbers)[0];
}

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_GRAPH_OPS_BY_VALUES_H_
