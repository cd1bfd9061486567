// Elements by what they are: their places in rows that are in order, and those that another vector
// has not.
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "client/graph/ops/build.h"
#include "client/graph/ops/indices.h"
#include "client/graph/ops/value_families.h"
#include "client/kernels/indexing.h"
#include "varscope/array_ops.h"

namespace varscope {
namespace internal {
namespace {

// (sorted, values).
Specs SearchSortedShape(const InferContext& c) {
  if (absl::Status s = CheckNumber(c, 0); !s.ok()) return s;
  if (absl::Status s = CheckSameDType(c, 0, 1); !s.ok()) return s;
  const DType dtype = c.attrs.get<DType>("out_type");
  std::vector<Shape> outer;
  for (const int i : {0, 1}) {
    const Shape& shape = c.shape(i);
    if (!shape.known_rank()) return OneOf(dtype, c.shape(1));
    if (shape.rank() == 0) return absl::InvalidArgumentError("a scalar has no places");
    outer.emplace_back(std::vector<int64_t>(shape.dims().begin(), shape.dims().end() - 1));
  }
  if (const absl::StatusOr<Shape> same = Merge(outer[0], outer[1]); !same.ok()) {
    return same.status();
  }
  return OneOf(dtype, c.shape(1));
}

Specs ListDiffShape(const InferContext& c) {
  for (const int i : {0, 1}) {
    if (absl::Status s = CheckRankOf(c, i, 1); !s.ok()) return s;
  }
  if (absl::Status s = CheckSameDType(c, 0, 1); !s.ok()) return s;
  return std::vector<OutputSpec>{{c.dtype(0), Shape{Shape::kUnknownDim}},
                                 {c.attrs.get<DType>("out_idx"), Shape{Shape::kUnknownDim}}};
}

}  // namespace

std::vector<OpDef> SearchingOps() {
  return {
      {.name = "SearchSorted",
       .infer = SearchSortedShape,
       .kernel = kernels::SearchSorted,
       .gradient = NotDifferentiable},
      {.name = "ListDiff",
       .infer = ListDiffShape,
       .kernel = kernels::ListDiff,
       .finds_shapes = true},
  };
}

}  // namespace internal

using internal::Binary;

Output searchsorted(const Input& sorted, const Input& values, bool right, DType out_type,
                    const std::string& name) {
  return Binary("SearchSorted", sorted, values, name, "SearchSorted",
                {{"right", right}, {"out_type", out_type}});
}
Difference setdiff1d(const Input& x, const Input& y, DType out_idx, const std::string& name) {
  const Output out = Binary("ListDiff", x, y, name, "ListDiff", {{"out_idx", out_idx}});
  return {out, internal::Second(out)};
}

}  // namespace varscope
