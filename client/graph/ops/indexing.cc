// Ops that pick and place elements.
#include "client/kernels/indexing.h"

#include <algorithm>
#include <optional>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "client/graph/handles.h"
#include "client/graph/ops/build.h"
#include "client/graph/ops/by_values.h"
#include "client/graph/ops/indices.h"
#include "client/graph/ops/value_families.h"
#include "client/kernels/slice_plan.h"
#include "varscope/array_ops.h"
#include "varscope/ops.h"

namespace varscope {
namespace internal {
namespace {

using Grads = std::vector<Gradient>;

absl::StatusOr<Shape> SlicedShape(const InferContext& c, const Shape& x) {
  for (int i = 1; i <= 3; ++i) {
    if (absl::Status s = CheckIndex(c, i); !s.ok()) return s;
    if (absl::Status s = CheckRankOf(c, i, 1); !s.ok()) return s;
  }
  const absl::StatusOr<SlicePlan> plan =
      PlanSlice(c.attrs, x, {c.numbers(1), c.numbers(2), c.numbers(3)});
  if (!plan.ok()) return plan.status();
  return plan->shape;
}
Specs StridedSliceShape(const InferContext& c) {
  const absl::StatusOr<Shape> shape = SlicedShape(c, c.shape(0));
  if (!shape.ok()) return shape.status();
  return OneOf(c.dtype(0), *shape);
}
Grads SliceGradient(const GradContext& c) {
  return OfFirst(c, MakeOp("StridedSliceGrad", "StridedSliceGrad",
                           {c.dy(), c.x(1), c.x(2), c.x(3), c.x(0)}, c.attrs()));
}
// (dy, begin, end, strides, x).
Specs StridedSliceGradShape(const InferContext& c) {
  const absl::StatusOr<Shape> shape = SlicedShape(c, c.shape(4));
  if (!shape.ok()) return shape.status();
  if (absl::StatusOr<Shape> same = Merge(*shape, c.shape(0)); !same.ok()) return same.status();
  return OneOf(c.dtype(0), c.shape(4));
}
Grads SliceGradGrad(const GradContext& c) {
  return OfFirst(
      c, MakeOp("StridedSlice", "strided_slice", {c.dy(), c.x(1), c.x(2), c.x(3)}, c.attrs()));
}

Specs WhereShape(const InferContext& c) {
  const Shape& x = c.shape(0);
  return OneOf(DType::kInt64, Shape{Shape::kUnknownDim, x.known_rank() ? x.rank() : -1});
}
Specs UniqueShape(const InferContext& c) {
  if (absl::Status s = CheckRankOf(c, 0, 1); !s.ok()) return s;
  const Shape places = c.shape(0).known_rank() ? c.shape(0) : Shape{Shape::kUnknownDim};
  return std::vector<OutputSpec>{{c.dtype(0), Shape{Shape::kUnknownDim}},
                                 {c.attrs.get<DType>("out_idx"), places}};
}

// indices[:-1] and what is left of x.
absl::StatusOr<Shape> SlicesShape(const Shape& indices, const Shape& x) {
  if (!indices.known_rank() || !x.known_rank()) return Shape::Unknown();
  if (indices.rank() == 0) return absl::InvalidArgumentError("indices must have a dimension");
  const int64_t depth = indices.dim(-1);
  if (depth < 0) return Shape::Unknown();
  if (depth > x.rank()) {
    return absl::InvalidArgumentError(
        absl::StrCat("indices name ", depth, " dimensions of the shape ", x.ToString()));
  }
  std::vector<int64_t> dims(indices.dims().begin(), indices.dims().end() - 1);
  dims.insert(dims.end(), x.dims().begin() + depth, x.dims().end());
  return Shape(std::move(dims));
}
Specs GatherNdShape(const InferContext& c) {
  if (absl::Status s = CheckIndex(c, 1); !s.ok()) return s;
  const absl::StatusOr<Shape> shape = SlicesShape(c.shape(1), c.shape(0));
  if (!shape.ok()) return shape.status();
  return OneOf(c.dtype(0), *shape);
}
Grads GatherNdGrad(const GradContext& c) {
  const DType index = c.x(1).dtype();
  const Shape& indices = c.x(1).shape();
  if (indices.known_rank() && indices.rank() == 2 && indices.dim(1) == 1) {
    return {Gradient{c.dy(), squeeze(c.x(1), {1})}, None()};
  }
  return OfFirst(c, scatter_nd(c.x(1), c.dy(), shape(c.x(0), index)));
}
Specs ScatterNdShape(const InferContext& c) {
  if (absl::Status s = CheckIndex(c, 0); !s.ok()) return s;
  const absl::StatusOr<Shape> whole = ShapeInput(c, 2);
  if (!whole.ok()) return whole.status();
  const absl::StatusOr<Shape> updates = SlicesShape(c.shape(0), *whole);
  if (!updates.ok()) return updates.status();
  if (absl::StatusOr<Shape> same = Merge(*updates, c.shape(1)); !same.ok()) return same.status();
  return OneOf(c.dtype(1), *whole);
}
Grads ScatterNdGrad(const GradContext& c) {
  return {None(), Dense(gather_nd(c.dy(), c.x(0))), None()};
}

Specs ReverseShape(const InferContext& c) {
  if (!c.shape(0).known_rank()) return SameAsInput(c);
  std::vector<bool> seen(c.shape(0).rank(), false);
  for (const int64_t given : c.attrs.list("axis")) {
    const absl::StatusOr<int> axis = CheckAxis(given, c.shape(0).rank());
    if (!axis.ok()) return axis.status();
    if (seen[*axis])
      return absl::InvalidArgumentError(absl::StrCat("axis ", given, " is there twice"));
    seen[*axis] = true;
  }
  return SameAsInput(c);
}
Grads ReverseGrad(const GradContext& c) { return {Dense(reverse(c.dy(), c.attrs().list("axis")))}; }

Specs ReverseSequenceShape(const InferContext& c) {
  if (absl::Status s = CheckIndex(c, 1); !s.ok()) return s;
  if (absl::Status s = CheckRankOf(c, 1, 1); !s.ok()) return s;
  const Shape& x = c.shape(0);
  if (!x.known_rank()) return SameAsInput(c);
  const absl::StatusOr<int> seq = CheckAxis(c.attrs.integer("seq_axis"), x.rank());
  if (!seq.ok()) return seq.status();
  const absl::StatusOr<int> batch = CheckAxis(c.attrs.integer("batch_axis"), x.rank());
  if (!batch.ok()) return batch.status();
  if (*seq == *batch) return absl::InvalidArgumentError("batch_axis == seq_axis");
  if (absl::StatusOr<Shape> same = Merge(c.shape(1), Shape{x.dim(*batch)}); !same.ok()) {
    return same.status();
  }
  return SameAsInput(c);
}
Grads ReverseSequenceGrad(const GradContext& c) {
  return OfFirst(c, MakeOp("ReverseSequence", "ReverseSequence", {c.dy(), c.x(1)}, c.attrs()));
}

// (x, ids, count): ids are the first dimensions of x.
Specs SegmentSumShape(const InferContext& c) {
  if (absl::Status s = CheckIndex(c, 1); !s.ok()) return s;
  if (absl::Status s = CheckIndex(c, 2); !s.ok()) return s;
  if (absl::Status s = CheckRankOf(c, 2, 0); !s.ok()) return s;
  const Shape& x = c.shape(0);
  const Shape& ids = c.shape(1);
  if (!x.known_rank() || !ids.known_rank()) return OneOf(c.dtype(0), Shape::Unknown());
  const bool fits = ids.rank() <= x.rank() &&
                    ids.IsCompatibleWith(Shape({x.dims().begin(), x.dims().begin() + ids.rank()}));
  if (!fits) {
    return absl::InvalidArgumentError(
        absl::StrCat("data.shape = ", x.ToString(),
                     " does not start with segment_ids.shape = ", ids.ToString()));
  }
  const std::optional<int64_t> count = NumberInput(c, 2);
  if (count && *count < 0) return absl::InvalidArgumentError("num_segments must not be negative");
  std::vector<int64_t> dims = {count.value_or(Shape::kUnknownDim)};
  dims.insert(dims.end(), x.dims().begin() + ids.rank(), x.dims().end());
  return OneOf(c.dtype(0), Shape(std::move(dims)));
}
// Rows that were left out have a gradient of 0: they are the last row, which is one of zeros.
Grads SegmentSumGrad(const GradContext& c) {
  const Output ids = c.x(1);
  const Output dy = c.dy();
  const Output count = c.x(2);
  Output zeros = zeros_like(dy);
  const Output with_zeros = concat({dy, zeros}, 0);
  const Output last = multiply(ones_like(ids), cast(count, ids.dtype()));
  const Output rows = where(less(ids, zeros_like(ids)), last, ids);
  return OfFirst(c, gather(with_zeros, rows));
}

}  // namespace

std::vector<OpDef> IndexingOps() {
  return {
      {.name = "StridedSlice",
       .infer = StridedSliceShape,
       .kernel = kernels::StridedSlice,
       .gradient = SliceGradient,
       .by_values = true},
      {.name = "StridedSliceGrad",
       .infer = StridedSliceGradShape,
       .kernel = kernels::StridedSliceGrad,
       .gradient = SliceGradGrad,
       .by_values = true},
      {.name = "Where",
       .infer = WhereShape,
       .kernel = kernels::Where,
       .gradient = NotDifferentiable,
       .finds_shapes = true},
      {.name = "Unique", .infer = UniqueShape, .kernel = kernels::Unique, .finds_shapes = true},
      {.name = "GatherNd",
       .infer = GatherNdShape,
       .kernel = kernels::GatherNd,
       .gradient = GatherNdGrad},
      {.name = "ScatterNd",
       .infer = ScatterNdShape,
       .kernel = kernels::ScatterNd,
       .gradient = ScatterNdGrad,
       .by_values = true},
      {.name = "ReverseV2",
       .infer = ReverseShape,
       .kernel = kernels::Reverse,
       .gradient = ReverseGrad},
      {.name = "ReverseSequence",
       .infer = ReverseSequenceShape,
       .kernel = kernels::ReverseSequence,
       .gradient = ReverseSequenceGrad},
      {.name = "UnsortedSegmentSum",
       .infer = SegmentSumShape,
       .kernel = kernels::SegmentSum,
       .gradient = SegmentSumGrad,
       .by_values = true},
  };
}

}  // namespace internal

using internal::IndexOutput;
using internal::MakeOp;
using internal::NameOr;
using internal::ToOutput;
using internal::Unary;

Output strided_slice(const Input& x, const Input& begin, const Input& end, const Input& strides,
                     const SliceMasks& masks, const std::string& name) {
  const Output first = IndexOutput(begin, "begin");
  if (!first.shape().known_rank() || first.shape().rank() != 1 || first.shape().dim(0) < 0) {
    throw ValueError("strided_slice: it must be known how many entries begin has.");
  }
  return MakeOp(
      "StridedSlice", NameOr(name, "StridedSlice"),
      {ToOutput(x, "input"), first, IndexOutput(end, "end"), IndexOutput(strides, "strides")},
      {{"items", first.shape().dim(0)},
       {"begin_mask", masks.begin},
       {"end_mask", masks.end},
       {"ellipsis_mask", masks.ellipsis},
       {"new_axis_mask", masks.new_axis},
       {"shrink_axis_mask", masks.shrink_axis}});
}
Output where(const Input& x, const std::string& name) { return Unary("Where", x, name, "Where"); }
Unique unique(const Input& x, DType out_idx, const std::string& name) {
  const Output y = Unary("Unique", x, name, "Unique", {{"out_idx", out_idx}});
  return {y, internal::Second(y)};
}
Output gather_nd(const Input& params, const Input& indices, const std::string& name) {
  return MakeOp("GatherNd", NameOr(name, "GatherNd"),
                {ToOutput(params, "params"), IndexOutput(indices, "indices")});
}
Output scatter_nd(const Input& indices, const Input& updates, const Input& shape,
                  const std::string& name) {
  return MakeOp(
      "ScatterNd", NameOr(name, "ScatterNd"),
      {IndexOutput(indices, "indices"), ToOutput(updates, "updates"), IndexOutput(shape, "shape")});
}
Output reverse(const Input& x, const std::vector<int64_t>& axis, const std::string& name) {
  return Unary("ReverseV2", x, name, "ReverseV2", {{"axis", axis}});
}
Output reverse_sequence(const Input& x, const Input& seq_lengths, int seq_axis, int batch_axis,
                        const std::string& name) {
  return MakeOp("ReverseSequence", NameOr(name, "ReverseSequence"),
                {ToOutput(x, "input"), IndexOutput(seq_lengths, "seq_lengths")},
                {{"seq_axis", int64_t{seq_axis}}, {"batch_axis", int64_t{batch_axis}}});
}
Output unsorted_segment_sum(const Input& x, const Input& segment_ids, const Input& num_segments,
                            const std::string& name) {
  return MakeOp("UnsortedSegmentSum", NameOr(name, "UnsortedSegmentSum"),
                {ToOutput(x, "data"), IndexOutput(segment_ids, "segment_ids"),
                 IndexOutput(num_segments, "num_segments")});
}
}  // namespace varscope
