// The largest elements of rows, and elements by their places in rows.
#include <limits>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "client/graph/ops/build.h"
#include "client/graph/ops/indices.h"
#include "client/graph/ops/value_families.h"
#include "client/kernels/indexing.h"
#include "varscope/array_ops.h"
#include "varscope/ops.h"

namespace varscope {
namespace internal {
namespace {

using Grads = std::vector<Gradient>;

Specs TopKShape(const InferContext& c) {
  const Shape& x = c.shape(0);
  const int64_t k = c.attrs.integer("k");
  if (k < 0) return absl::InvalidArgumentError(absl::StrCat("Need k >= 0, got ", k));
  if (!x.known_rank()) {
    return std::vector<OutputSpec>{{c.dtype(0), Shape::Unknown()},
                                   {DType::kInt32, Shape::Unknown()}};
  }
  if (x.rank() == 0 || (x.dim(-1) >= 0 && x.dim(-1) < k)) {
    return absl::InvalidArgumentError(
        absl::StrCat("input must have at least k columns. Had ", x.ToString(), ", needed ", k));
  }
  std::vector<int64_t> dims = x.dims();
  dims.back() = k;
  return std::vector<OutputSpec>{{c.dtype(0), Shape(dims)}, {DType::kInt32, Shape(dims)}};
}
Grads TopKGrad(const GradContext& c) {
  if (!c.dys[0].defined()) return {None()};
  return {Dense(MakeOp("PutLast", "PutLast", {c.dys[0], c.y(1), c.x(0)}))};
}
// What holds of rows, and of the places of elements in them: the last dimensions may differ, the
// others are equal.
absl::Status CheckPlaces(const InferContext& c, int x, int places) {
  if (absl::Status s = CheckIndex(c, places); !s.ok()) return s;
  std::vector<Shape> outer;
  for (const int i : {x, places}) {
    const Shape& shape = c.shape(i);
    if (!shape.known_rank()) return absl::OkStatus();
    if (shape.rank() == 0) return absl::InvalidArgumentError("a scalar has no places");
    outer.emplace_back(std::vector<int64_t>(shape.dims().begin(), shape.dims().end() - 1));
  }
  return Merge(outer[0], outer[1]).status();
}
// Of (x, places): like places.
Specs TakeLastShape(const InferContext& c) {
  if (absl::Status s = CheckPlaces(c, 0, 1); !s.ok()) return s;
  return OneOf(c.dtype(0), c.shape(1));
}
Grads TakeLastGrad(const GradContext& c) {
  return OfFirst(c, MakeOp("PutLast", "PutLast", {c.dy(), c.x(1), c.x(0)}));
}
// (values, places, like).
Specs PutLastShape(const InferContext& c) {
  if (absl::StatusOr<Shape> same = Merge(c.shape(0), c.shape(1)); !same.ok()) return same.status();
  if (absl::Status s = CheckFloat(c, 0); !s.ok()) return s;
  if (absl::Status s = CheckSameDType(c, 0, 2); !s.ok()) return s;
  if (absl::Status s = CheckPlaces(c, 0, 1); !s.ok()) return s;
  if (absl::Status s = CheckPlaces(c, 2, 1); !s.ok()) return s;
  return OneOf(c.dtype(0), c.shape(2));
}
Grads PutLastGrad(const GradContext& c) {
  return OfFirst(c, MakeOp("TakeLast", "TakeLast", {c.dy(), c.x(1)}));
}

Specs ArgSortShape(const InferContext& c) {
  if (absl::Status s = CheckNumber(c, 0); !s.ok()) return s;
  const Shape& x = c.shape(0);
  if (x.known_rank()) {
    const absl::StatusOr<int> axis = CheckAxis(c.attrs.integer("axis"), x.rank());
    if (!axis.ok()) return axis.status();
    if (x.dim(*axis) > std::numeric_limits<int32_t>::max()) {
      return absl::InvalidArgumentError(
          absl::StrCat("the places of ", x.dim(*axis), " elements are not int32"));
    }
  }
  return OneOf(DType::kInt32, x);
}

Specs InTopKShape(const InferContext& c) {
  if (c.dtype(0) != DType::kFloat32) {
    return absl::InvalidArgumentError(
        absl::StrCat("predictions are ", Name(c.dtype(0)), ", expected float32"));
  }
  if (absl::Status s = CheckIndex(c, 1); !s.ok()) return s;
  if (absl::Status s = CheckRankOf(c, 0, 2); !s.ok()) return s;
  if (absl::Status s = CheckRankOf(c, 1, 1); !s.ok()) return s;
  const int64_t batch = c.shape(0).known_rank() ? c.shape(0).dim(0) : -1;
  const absl::StatusOr<Shape> same = Merge(c.shape(1), Shape{batch});
  if (!same.ok()) return same.status();
  return OneOf(DType::kBool, *same);
}

}  // namespace

std::vector<OpDef> LargestOps() {
  return {
      {.name = "TopKV2", .infer = TopKShape, .kernel = kernels::TopK, .gradient = TopKGrad},
      {.name = "TakeLast",
       .infer = TakeLastShape,
       .kernel = kernels::TakeLast,
       .gradient = TakeLastGrad},
      {.name = "PutLast",
       .infer = PutLastShape,
       .kernel = kernels::PutLast,
       .gradient = PutLastGrad},
      {.name = "ArgSort",
       .infer = ArgSortShape,
       .kernel = kernels::ArgSort,
       .gradient = NotDifferentiable},
      {.name = "InTopK",
       .infer = InTopKShape,
       .kernel = kernels::InTopK,
       .gradient = NotDifferentiable},
  };
}

}  // namespace internal

using internal::IndexOutput;
using internal::MakeOp;
using internal::NameOr;
using internal::ToOutput;
using internal::Unary;

Largest top_k(const Input& x, int64_t k, const std::string& name) {
  const Output values = Unary("TopKV2", x, name, "TopKV2", {{"k", k}});
  return {values, internal::Second(values)};
}
Output argsort(const Input& x, int axis, bool descending, const std::string& name) {
  return Unary("ArgSort", x, name, "argsort",
               {{"axis", int64_t{axis}}, {"descending", descending}});
}
Output sort(const Input& x, int axis, bool descending, const std::string& name) {
  const internal::FunctionScope scope(name, "sort", {&x});
  const Output values = ToOutput(x, "values");
  if (axis == -1) {
    return MakeOp("TakeLast", scope.name(), {values, argsort(values, -1, descending)});
  }
  if (!values.shape().known_rank()) {
    throw ValueError("sort: the number of dimensions is not known, so that the axis must be -1.");
  }
  const absl::StatusOr<int> along = internal::CheckAxis(axis, values.shape().rank());
  if (!along.ok()) throw ValueError(std::string(along.status().message()));
  std::vector<int64_t> order(values.shape().rank());
  std::iota(order.begin(), order.end(), 0);
  std::swap(order[*along], order.back());
  const Output rows = transpose(values, order);
  const Output places = argsort(rows, -1, descending);
  return transpose(MakeOp("TakeLast", "TakeLast", {rows, places}), order, scope.name());
}
Output in_top_k(const Input& predictions, const Input& targets, int64_t k,
                const std::string& name) {
  return MakeOp("InTopK", NameOr(name, "InTopKV2"),
                {ToOutput(predictions, "predictions"), IndexOutput(targets, "targets")},
                {{"k", k}});
}

}  // namespace varscope
