#include "proto/core/shape.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace varscope {

constinit const std::vector<int64_t> Shape::kNone;

Shape::Shape(std::vector<int64_t> dims) {
  if (!dims.empty()) dims_ = std::make_shared<const std::vector<int64_t>>(std::move(dims));
}

Shape Shape::Unknown() {
  Shape shape;
  shape.known_rank_ = false;
  return shape;
}

bool Shape::IsFullyDefined() const {
  return known_rank_ && std::all_of(dims().begin(), dims().end(), [](int64_t d) { return d >= 0; });
}

int64_t Shape::num_elements() const {
  int64_t n = 1;
  for (int64_t d : dims()) n *= d;
  return n;
}

bool Shape::IsCompatibleWith(const Shape& other) const {
  if (!known_rank_ || !other.known_rank_) return true;
  if (rank() != other.rank()) return false;
  for (int i = 0; i < rank(); ++i) {
    if (dim(i) >= 0 && other.dim(i) >= 0 && dim(i) != other.dim(i)) return false;
  }
  return true;
}

std::string Shape::ToString() const {
  if (!known_rank_) return "<unknown>";
  auto format = [](std::string* out, int64_t d) {
    absl::StrAppend(out, d == kUnknownDim ? "None" : absl::StrCat(d));
  };
  return absl::StrCat("(", absl::StrJoin(dims(), ", ", format), rank() == 1 ? ",)" : ")");
}

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
