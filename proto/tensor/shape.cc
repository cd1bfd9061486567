#include "varscope/shape.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace varscope {

Dims::Dims(std::span<const int64_t> dims) : size_(dims.size()) {
  if (dims.size() <= few_.size()) {
    std::copy(dims.begin(), dims.end(), few_.begin());
  } else {
    more_ = std::make_shared<const std::vector<int64_t>>(dims.begin(), dims.end());
  }
}

Shape Shape::Unknown() {
  Shape shape;
  shape.known_rank_ = false;
  return shape;
}

bool Shape::IsFullyDefined() const {
  return known_rank_ && std::all_of(dims_.begin(), dims_.end(), [](int64_t d) { return d >= 0; });
}

int64_t Shape::num_elements() const {
  int64_t n = 1;
  for (int64_t d : dims_) n *= d;
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
  return absl::StrCat("(", absl::StrJoin(dims_, ", ", format), rank() == 1 ? ",)" : ")");
}

}  // namespace varscope
