#include "proto/tensor/shape_rules.h"

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"

namespace varscope {

absl::StatusOr<uint64_t> ByteSize(DType dtype, const Shape& shape) {
  if (dtype == DType::kInvalid || SizeOf(dtype) == 0) {
    return absl::InvalidArgumentError("the dtype is not one that varscope stores");
  }
  if (shape.rank() > Shape::kMaxRank) {
    return absl::InvalidArgumentError(
        absl::StrCat("shape has ", shape.rank(), " dimensions, at most ", Shape::kMaxRank));
  }
  if (!shape.known_rank()) return absl::InvalidArgumentError("shape <unknown> has no size");
  uint64_t bytes = SizeOf(dtype);
  bool empty = false;
  for (int64_t d : shape.dims()) {
    if (d < 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("shape ", shape.ToString(), " has a negative or unknown dimension"));
    }
    if (d == 0) empty = true;
    if (__builtin_mul_overflow(bytes, static_cast<uint64_t>(std::max<int64_t>(d, 1)), &bytes) ||
        bytes > static_cast<uint64_t>(INT64_MAX)) {
      return absl::InvalidArgumentError(
          absl::StrCat("shape ", shape.ToString(), " overflows 63 bits of bytes"));
    }
  }
  return empty ? 0 : bytes;
}

absl::StatusOr<Shape> Broadcast(const Shape& a, const Shape& b) {
  if (!a.known_rank() || !b.known_rank()) return Shape::Unknown();
  const int rank = std::max(a.rank(), b.rank());
  std::vector<int64_t> dims(rank);
  for (int i = 0; i < rank; ++i) {
    const int ia = i - (rank - a.rank());
    const int ib = i - (rank - b.rank());
    const int64_t da = ia < 0 ? 1 : a.dims()[ia];
    const int64_t db = ib < 0 ? 1 : b.dims()[ib];
    if (da == db || db == 1) {
      dims[i] = da;
    } else if (da == 1 || da == Shape::kUnknownDim) {
      dims[i] = db;
    } else if (db == Shape::kUnknownDim) {
      dims[i] = da;
    } else {
      return absl::InvalidArgumentError(
          absl::StrCat("Dimensions must be equal, but are ", da, " and ", db,
                       " with input shapes: ", a.ToString(), ", ", b.ToString(), "."));
    }
  }
  return Shape(std::move(dims));
}

}  // namespace varscope
