// Reductions, and what their gradients need.
#include "client/kernels/reduction.h"

#include <limits>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "client/graph/handles.h"
#include "client/graph/ops/build.h"
#include "client/graph/ops/table.h"
#include "client/kernels/kernels.h"
#include "proto/tensor/shape_rules.h"
#include "varscope/array_ops.h"
#include "varscope/ops.h"

namespace varscope {
namespace internal {
namespace {

using Grads = std::vector<Gradient>;

Specs ReducedShape(const InferContext& c) {
  const Shape& x = c.shape(0);
  if (c.dtype(0) == DType::kBool) {
    return absl::InvalidArgumentError("Value has the dtype bool, expected a number");
  }
  if (!x.known_rank()) return std::vector<OutputSpec>{{c.dtype(0), Shape::Unknown()}};
  std::vector<bool> reduce(x.rank(), false);
  for (int64_t axis : ReducedAxes(c.attrs, x.rank())) {
    const absl::StatusOr<int> checked = CheckAxis(axis, x.rank());
    if (!checked.ok()) return checked.status();
    if (reduce[*checked]) {
      return absl::InvalidArgumentError(absl::StrCat("Axis ", axis, " is given twice"));
    }
    reduce[*checked] = true;
  }
  std::vector<int64_t> dims;
  for (int i = 0; i < x.rank(); ++i) {
    if (!reduce[i]) dims.push_back(x.dim(i));
    if (reduce[i] && c.attrs.flag("keepdims")) dims.push_back(1);
  }
  return std::vector<OutputSpec>{{c.dtype(0), Shape(dims)}};
}

Attrs AxesOf(const Attrs& attrs) {
  Attrs axes;
  if (attrs.has("axis")) axes.Set("axis", attrs.list("axis"));
  return axes;
}

// What a reduction gave, repeated to the shape that it reduced.
Output Spread(const GradContext& c, const Output& reduced, bool mean = false) {
  Attrs attrs = c.attrs();
  attrs.Set("mean", mean);
  return MakeLike("BroadcastReduced", "BroadcastTo", reduced, c.x(0), attrs);
}

Grads SumGrad(const GradContext& c) { return {Dense(Spread(c, c.dy()))}; }
Grads MeanGrad(const GradContext& c) { return {Dense(Spread(c, c.dy(), true))}; }
// Equal extremes share the gradient.
Grads ExtremeGrad(const GradContext& c) {
  const Output is_extreme = cast(equal(Spread(c, c.y()), c.x(0)), c.dy().dtype());
  const Output count = MakeOp("Sum", "Sum", {is_extreme}, c.attrs());
  return {Dense(divide(is_extreme, Spread(c, count)) * Spread(c, c.dy()))};
}
// dy times the product of all others, which running products from both ends give.
Output RunningProduct(const GradContext& c, bool reverse) {
  Attrs attrs = AxesOf(c.attrs());
  attrs.Set("exclusive", true);
  attrs.Set("reverse", reverse);
  return MakeOp("Cumprod", "Cumprod", {c.x(0)}, attrs);
}
Grads ProdGrad(const GradContext& c) {
  const Output others = multiply(RunningProduct(c, false), RunningProduct(c, true));
  return {Dense(multiply(Spread(c, c.dy()), others))};
}
Output SumBack(const GradContext& c, const Output& x) {
  Attrs attrs = c.attrs();
  attrs.Set("reverse", !c.attrs().flag("reverse"));
  return MakeOp("Cumsum", "Cumsum", {x}, attrs);
}
Grads CumsumGrad(const GradContext& c) { return {Dense(SumBack(c, c.dy()))}; }
// As TensorFlow's: 0 where x is 0.
Grads CumprodGrad(const GradContext& c) {
  const Output x = c.x(0);
  const Output zero = equal(x, zeros_like(x));
  const Output divisor = where(zero, ones_like(x), x);
  const Output quotient = divide(SumBack(c, multiply(c.y(), c.dy())), divisor);
  return {Dense(where(zero, zeros_like(x), quotient))};
}
// Of Cumsum and Cumprod.
Specs ScannedShape(const InferContext& c) {
  Attrs attrs = AxesOf(c.attrs);
  attrs.Set("keepdims", true);
  if (Specs reduced = ReducedShape({attrs, c.inputs}); !reduced.ok()) return reduced;
  return SameAsNumberInput(c);
}
Grads SpreadGrad(const GradContext& c) {
  Attrs attrs = AxesOf(c.attrs());
  attrs.Set("keepdims", c.attrs().flag("keepdims"));
  Grads grads(c.node.inputs.size());
  grads[0] = Dense(MakeOp(c.attrs().flag("mean") ? "Mean" : "Sum", "Sum", {c.dy()}, attrs));
  return grads;
}
// (dy, x): dy has the shape that x is broadcast to.
Specs SumLikeShape(const InferContext& c) {
  const absl::StatusOr<Shape> all = Broadcast(c.shape(0), c.shape(1));
  const bool fits = all.ok() && (!c.shape(0).IsFullyDefined() || !c.shape(1).IsFullyDefined() ||
                                 *all == c.shape(0));
  if (fits) return std::vector<OutputSpec>{{c.dtype(0), c.shape(1)}};
  return absl::InvalidArgumentError(absl::StrCat("Incompatible shapes: ", c.shape(1).ToString(),
                                                 " is not broadcast to ", c.shape(0).ToString()));
}
Grads SumLikeGrad(const GradContext& c) {
  // Adding to zeros of the large shape broadcasts.
  return {Dense(add(c.dy(), zeros_like(c.x(0)))), None()};
}
Grads L2LossGrad(const GradContext& c) { return {Dense(multiply(c.x(0), c.dy()))}; }

Specs ArgShape(const InferContext& c) {
  const Shape& x = c.shape(0);
  if (!x.known_rank()) return std::vector<OutputSpec>{{DType::kInt64, Shape::Unknown()}};
  const absl::StatusOr<int> axis = CheckAxis(c.attrs.integer("axis"), x.rank());
  if (!axis.ok()) return axis.status();
  std::vector<int64_t> dims = x.dims();
  dims.erase(dims.begin() + *axis);
  return std::vector<OutputSpec>{{DType::kInt64, Shape(dims)}};
}
Specs ScalarOfFloat(const InferContext& c) {
  if (absl::Status status = CheckFloat(c, 0); !status.ok()) return status;
  return std::vector<OutputSpec>{{c.dtype(0), Shape{}}};
}

OpDef ReductionOp(absl::string_view name, KernelFn kernel, GradFn gradient) {
  return {.name = name, .infer = ReducedShape, .kernel = kernel, .gradient = gradient};
}

}  // namespace

std::vector<OpDef> ReductionOps() {
  return {
      ReductionOp("Sum", kernels::Sum, SumGrad),
      ReductionOp("Mean", kernels::Mean, MeanGrad),
      ReductionOp("Max", kernels::Max, ExtremeGrad),
      ReductionOp("Min", kernels::Min, ExtremeGrad),
      ReductionOp("Prod", kernels::Prod, ProdGrad),
      {.name = "Cumsum", .infer = ScannedShape, .kernel = kernels::Cumsum, .gradient = CumsumGrad},
      {.name = "Cumprod",
       .infer = ScannedShape,
       .kernel = kernels::Cumprod,
       .gradient = CumprodGrad},
      {.name = "ArgMax",
       .infer = ArgShape,
       .kernel = kernels::ArgMax,
       .gradient = NotDifferentiable},
      {.name = "ArgMin",
       .infer = ArgShape,
       .kernel = kernels::ArgMin,
       .gradient = NotDifferentiable},
      {.name = "SumLike",
       .infer = SumLikeShape,
       .kernel = kernels::SumLike,
       .gradient = SumLikeGrad},
      {.name = "BroadcastReduced",
       .infer = LikeKnown<ReducedShape>,
       .kernel = kernels::BroadcastReduced,
       .gradient = SpreadGrad},
      {.name = "L2Loss", .infer = ScalarOfFloat, .kernel = kernels::L2Loss, .gradient = L2LossGrad},
  };
}

namespace {

// Without axes all are reduced, of an operand of unknown rank too. TensorFlow makes a constant of
// their numbers first, which takes a name.
Attrs ReduceAttrs(const Output& x, const Axes& axis, bool keepdims) {
  Attrs attrs{{"keepdims", keepdims}};
  if (axis.given()) {
    attrs.Set("axis", *axis);
    return attrs;
  }
  Names& names = Unwrap(x).node->graph->names();
  if (x.shape().known_rank() && x.shape().rank() > 0) {
    names.Unique("Const");
  } else {
    names.Unique("Rank");
    names.Unique("range");
  }
  return attrs;
}

Output Reduce(const char* op, const Input& x, const Axes& axis, bool keepdims,
              const std::string& name) {
  const Output input = ToOutput(x, "Const");
  const Attrs attrs = ReduceAttrs(input, axis, keepdims);
  return MakeOp(op, NameOr(name, op), {input}, attrs);
}

}  // namespace
}  // namespace internal

using internal::Reduce;

Output reduce_sum(const Input& x, const Axes& axis, bool keepdims, const std::string& name) {
  return Reduce("Sum", x, axis, keepdims, name);
}
Output reduce_mean(const Input& x, const Axes& axis, bool keepdims, const std::string& name) {
  return Reduce("Mean", x, axis, keepdims, name);
}
Output reduce_max(const Input& x, const Axes& axis, bool keepdims, const std::string& name) {
  return Reduce("Max", x, axis, keepdims, name);
}
Output reduce_min(const Input& x, const Axes& axis, bool keepdims, const std::string& name) {
  return Reduce("Min", x, axis, keepdims, name);
}
Output reduce_prod(const Input& x, const Axes& axis, bool keepdims, const std::string& name) {
  return Reduce("Prod", x, axis, keepdims, name);
}

// log(sum(exp(x - max))) + max, which does not overflow; an infinite max is not taken off.
Output reduce_logsumexp(const Input& x, const Axes& axis, bool keepdims, const std::string& name) {
  const internal::FunctionScope scope(name, "ReduceLogSumExp");
  const Output input = internal::ToOutput(x, "input");
  const Output largest = reduce_max(input, axis, true);
  const Output finite = less(abs(largest), std::numeric_limits<double>::infinity());
  const Output max = stop_gradient(where(finite, largest, zeros_like(largest)));
  const Output sum = reduce_sum(exp(subtract(input, max)), axis, keepdims);
  Output shift = max;
  if (!keepdims) shift = internal::MakeLike("ReshapeLike", "Reshape", max, sum);
  return add(log(sum), shift, scope.name());
}

namespace {

Output Arg(const char* op, const Input& x, int axis, const std::string& name) {
  return internal::Unary(op, x, name, op, {{"axis", static_cast<int64_t>(axis)}});
}

}  // namespace

Output argmax(const Input& x, int axis, const std::string& name) {
  return Arg("ArgMax", x, axis, name);
}
Output argmin(const Input& x, int axis, const std::string& name) {
  return Arg("ArgMin", x, axis, name);
}

Output cumsum(const Input& x, int axis, bool exclusive, bool reverse, const std::string& name) {
  return internal::Unary(
      "Cumsum", x, name, "Cumsum",
      {{"axis", std::vector<int64_t>{axis}}, {"exclusive", exclusive}, {"reverse", reverse}});
}
Output cumprod(const Input& x, int axis, bool exclusive, bool reverse, const std::string& name) {
  return internal::Unary(
      "Cumprod", x, name, "Cumprod",
      {{"axis", std::vector<int64_t>{axis}}, {"exclusive", exclusive}, {"reverse", reverse}});
}

}  // namespace varscope
