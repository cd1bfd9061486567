// Ops whose shapes are numbers that other ops may give, and those that give them.
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "client/graph/ops/build.h"
#include "client/graph/ops/by_values.h"
#include "client/graph/ops/indices.h"
#include "client/graph/ops/value_families.h"
#include "client/kernels/indexing.h"
#include "client/kernels/kernels.h"
#include "client/kernels/range.h"
#include "proto/tensor/shape_rules.h"
#include "varscope/array_ops.h"
#include "varscope/ops.h"

namespace varscope {
namespace internal {
namespace {

using Grads = std::vector<Gradient>;

Specs DimsOf(const InferContext& c) {
  const Shape& x = c.shape(0);
  return OneOf(c.attrs.get<DType>("dtype"), Shape{x.known_rank() ? x.rank() : -1});
}
Specs ScalarOf(const InferContext& c) { return OneOf(c.attrs.get<DType>("dtype"), Shape{}); }

// As reshape() counts: where a 0 is asked for, the input's own zeros do not count for what -1
// stands for.
Specs ReshapeToShape(const InferContext& c) {
  if (absl::Status s = CheckIndex(c, 1); !s.ok()) return s;
  if (absl::Status s = CheckRankOf(c, 1, 1); !s.ok()) return s;
  const Numbers* const numbers = c.numbers(1);
  if (numbers == nullptr) {
    const Shape& of = c.shape(1);
    if (!of.known_rank() || of.dim(0) < 0 || of.dim(0) > Shape::kMaxRank) {
      return OneOf(c.dtype(0), Shape::Unknown());
    }
    return OneOf(c.dtype(0), Shape(std::vector<int64_t>(of.dim(0), Shape::kUnknownDim)));
  }
  std::vector<int64_t> dims;
  int open = -1;
  bool zero = false;
  bool unknown = false;
  int64_t known = 1;
  for (const std::optional<int64_t>& number : *numbers) {
    const int64_t size = number.value_or(Shape::kUnknownDim);
    if (!number) {
      unknown = true;
    } else if (size < -1 || (size == -1 && open >= 0)) {
      return absl::InvalidArgumentError(
          absl::StrCat("Size ", dims.size(), " must be non-negative, not ", size));
    } else if (size == -1) {
      open = static_cast<int>(dims.size());
    } else if (size == 0) {
      zero = true;
    } else {
      known = Times(known, size);
    }
    dims.push_back(size);
  }
  const Shape& x = c.shape(0);
  if (unknown || !x.IsFullyDefined()) return OneOf(c.dtype(0), Shape(dims));
  if (open >= 0) {
    int64_t of = 1;
    for (const int64_t d : x.dims()) {
      if (d > 0 || !zero) of = Times(of, d);
    }
    dims[open] = of / known;
  }
  if (Count(x) == INT64_MAX || Count(Shape(dims)) != Count(x)) {
    return absl::InvalidArgumentError(absl::StrCat("Cannot reshape a tensor with ", Count(x),
                                                   " elements to shape ", Shape(dims).ToString()));
  }
  return OneOf(c.dtype(0), Shape(dims));
}
Grads ReshapeToGrad(const GradContext& c) {
  return OfFirst(c, MakeLike("ReshapeLike", "Reshape", c.dy(), c.x(0)));
}

Specs FillShape(const InferContext& c) {
  if (absl::Status s = CheckRankOf(c, 1, 0); !s.ok()) return s;
  const absl::StatusOr<Shape> shape = ShapeInput(c, 0);
  if (!shape.ok()) return shape.status();
  return OneOf(c.dtype(1), *shape);
}
Grads FillGrad(const GradContext& c) { return {None(), Dense(reduce_sum(c.dy()))}; }

Specs BroadcastToShape(const InferContext& c) {
  const absl::StatusOr<Shape> shape = ShapeInput(c, 1);
  if (!shape.ok()) return shape.status();
  const absl::StatusOr<Shape> both = Broadcast(c.shape(0), *shape);
  if (!both.ok() || !both->IsCompatibleWith(*shape)) {
    return absl::InvalidArgumentError(
        absl::StrCat("Incompatible shapes: ", c.shape(0).ToString(), " vs. ", shape->ToString()));
  }
  return OneOf(c.dtype(0), *shape);
}
Grads BroadcastToGrad(const GradContext& c) { return OfFirst(c, SumTo(c.dy(), c.x(0))); }

Specs TileByShape(const InferContext& c) {
  if (absl::Status s = CheckIndex(c, 1); !s.ok()) return s;
  if (absl::Status s = CheckRankOf(c, 1, 1); !s.ok()) return s;
  const Shape& x = c.shape(0);
  const Numbers* const numbers = c.numbers(1);
  if (!x.known_rank()) return OneOf(c.dtype(0), Shape::Unknown());
  std::vector<int64_t> dims(x.rank(), Shape::kUnknownDim);
  if (numbers == nullptr) return OneOf(c.dtype(0), Shape(dims));
  if (static_cast<int>(numbers->size()) != x.rank()) {
    return absl::InvalidArgumentError(
        absl::StrCat("multiples has ", numbers->size(), " entries for the shape ", x.ToString()));
  }
  for (int i = 0; i < x.rank(); ++i) {
    const std::optional<int64_t>& number = (*numbers)[i];
    if (!number) continue;
    if (*number < 0) return absl::InvalidArgumentError("multiples must not be negative");
    if (x.dim(i) >= 0) dims[i] = Times(x.dim(i), *number);
  }
  return OneOf(c.dtype(0), Shape(dims));
}
Grads TileByGradient(const GradContext& c) {
  return OfFirst(c, MakeOp("TileByGrad", "TileByGrad", {c.dy(), c.x(1), c.x(0)}));
}
// (dy, multiples, x).
Specs TileByGradShape(const InferContext& c) {
  const OutputSpec inputs[] = {c.inputs[2], c.inputs[1]};
  const std::vector<std::shared_ptr<const Numbers>> known = {
      nullptr, c.known.empty() ? nullptr : c.known[1]};
  Specs y = TileByShape({c.attrs, inputs, known});
  if (!y.ok()) return y;
  if (absl::StatusOr<Shape> same = Merge((*y)[0].shape, c.shape(0)); !same.ok()) {
    return same.status();
  }
  return OneOf(c.dtype(0), c.shape(2));
}
Grads TileByGradGrad(const GradContext& c) { return OfFirst(c, tile_by(c.dy(), c.x(1))); }

Specs RangeShape(const InferContext& c) {
  for (int i = 0; i < 3; ++i) {
    if (absl::Status s = CheckRankOf(c, i, 0); !s.ok()) return s;
    if (absl::Status s = CheckSameDType(c, 0, i); !s.ok()) return s;
  }
  const std::optional<int64_t> start = NumberInput(c, 0);
  const std::optional<int64_t> limit = NumberInput(c, 1);
  const std::optional<int64_t> delta = NumberInput(c, 2);
  if (!start || !limit || !delta) return OneOf(c.dtype(0), Shape{Shape::kUnknownDim});
  const absl::StatusOr<int64_t> count = CountOfRange(*start, *limit, *delta);
  if (!count.ok()) return count.status();
  return OneOf(c.dtype(0), Shape{*count});
}

}  // namespace

std::vector<OpDef> ShapingOps() {
  return {
      {.name = "Shape", .infer = DimsOf, .kernel = kernels::ShapeOf, .gradient = NotDifferentiable},
      {.name = "Size",
       .infer = ScalarOf,
       .kernel = kernels::SizeOfTensor,
       .gradient = NotDifferentiable},
      {.name = "Rank", .infer = ScalarOf, .kernel = kernels::RankOf, .gradient = NotDifferentiable},
      {.name = "ReshapeTo",
       .infer = ReshapeToShape,
       .kernel = kernels::Share,
       .gradient = ReshapeToGrad,
       .by_values = true},
      {.name = "Fill",
       .infer = FillShape,
       .kernel = kernels::FillWith,
       .gradient = FillGrad,
       .by_values = true},
      {.name = "BroadcastTo",
       .infer = BroadcastToShape,
       .kernel = kernels::BroadcastTo,
       .gradient = BroadcastToGrad,
       .by_values = true},
      {.name = "TileBy",
       .infer = TileByShape,
       .kernel = kernels::TileBy,
       .gradient = TileByGradient,
       .by_values = true},
      {.name = "TileByGrad",
       .infer = TileByGradShape,
       .kernel = kernels::TileByGrad,
       .gradient = TileByGradGrad,
       .by_values = true},
      {.name = "Range",
       .infer = RangeShape,
       .kernel = kernels::Range,
       .gradient = NotDifferentiable,
       .by_values = true,
       .finds_shapes = true},
  };
}

}  // namespace internal

using internal::IndexOutput;
using internal::MakeOp;
using internal::NameOr;
using internal::ToOutput;
using internal::Unary;

Output shape(const Input& x, DType out_type, const std::string& name) {
  return Unary("Shape", x, name, "Shape", {{"dtype", out_type}});
}
Output size(const Input& x, DType out_type, const std::string& name) {
  return Unary("Size", x, name, "Size", {{"dtype", out_type}});
}
Output rank(const Input& x, const std::string& name) {
  return Unary("Rank", x, name, "Rank", {{"dtype", DType::kInt32}});
}
Output reshape_to(const Input& x, const Input& shape, const std::string& name) {
  return MakeOp("ReshapeTo", NameOr(name, "Reshape"),
                {ToOutput(x, "tensor"), IndexOutput(shape, "shape")});
}
Output tile_by(const Input& x, const Input& multiples, const std::string& name) {
  return MakeOp("TileBy", NameOr(name, "Tile"),
                {ToOutput(x, "input"), IndexOutput(multiples, "multiples")});
}
Output fill(const Input& dims, const Input& value, const std::string& name) {
  return MakeOp("Fill", NameOr(name, "Fill"),
                {IndexOutput(dims, "dims"), ToOutput(value, "value")});
}
Output broadcast_to(const Input& x, const Input& shape, const std::string& name) {
  return MakeOp("BroadcastTo", NameOr(name, "BroadcastTo"),
                {ToOutput(x, "input"), IndexOutput(shape, "shape")});
}
Output range(const Input& start, const Input& limit, const Input& delta, const std::string& name) {
  const internal::FunctionScope scope(name, "range", {&start, &limit, &delta});
  return MakeOp("Range", scope.name(),
                {ToOutput(start, "start"), ToOutput(limit, "limit"), ToOutput(delta, "delta")});
}

}  // namespace varscope
