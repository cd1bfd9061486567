// Reductions, and what their gradients need.
#include <numeric>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "client/graph/ops/build.h"
#include "client/graph/ops/table.h"
#include "client/kernels/kernels.h"
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
  for (int64_t axis : c.attrs.list("axis")) {
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

Output Spread(const GradContext& c, const Output& reduced, bool mean = false) {
  return MakeLike("BroadcastReduced", "BroadcastTo", reduced, c.x(0),
                  {{"axis", c.attrs().list("axis")}, {"mean", mean}});
}

Grads SumGrad(const GradContext& c) { return {Dense(Spread(c, c.dy()))}; }
Grads MeanGrad(const GradContext& c) { return {Dense(Spread(c, c.dy(), true))}; }
// Equal extremes share the gradient.
Grads ExtremeGrad(const GradContext& c) {
  const Output is_extreme = cast(equal(Spread(c, c.y()), c.x(0)), c.dy().dtype());
  const Output count = MakeOp("Sum", "Sum", {is_extreme}, c.attrs());
  return {Dense(divide(is_extreme, Spread(c, count)) * Spread(c, c.dy()))};
}
Grads ProdGrad(const GradContext& c) {
  return {
      Dense(MakeOp("ProdGrad", "ProdGrad", {c.dy(), c.x(0)}, {{"axis", c.attrs().list("axis")}}))};
}
Grads SpreadGrad(const GradContext& c) {
  Attrs attrs{{"axis", c.attrs().list("axis")}, {"keepdims", true}};
  const Output sum = MakeOp(c.attrs().flag("mean") ? "Mean" : "Sum", "Sum", {c.dy()}, attrs);
  Grads grads(c.node.inputs.size());
  grads[0] = Dense(MakeLike("ReshapeLike", "Reshape", sum, c.x(0)));
  return grads;
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

OpDef Reduction(absl::string_view name, KernelFn kernel, GradFn gradient) {
  return {.name = name, .infer = ReducedShape, .kernel = kernel, .gradient = gradient};
}

}  // namespace

std::vector<OpDef> ReductionOps() {
  return {
      Reduction("Sum", kernels::Sum, SumGrad),
      Reduction("Mean", kernels::Mean, MeanGrad),
      Reduction("Max", kernels::Max, ExtremeGrad),
      Reduction("Min", kernels::Min, ExtremeGrad),
      Reduction("Prod", kernels::Prod, ProdGrad),
      {.name = "ProdGrad", .infer = SameAsSecondInput, .kernel = kernels::ProdGrad},
      {.name = "ArgMax", .infer = ArgShape, .kernel = kernels::ArgMax},
      {.name = "ArgMin", .infer = ArgShape, .kernel = kernels::ArgMin},
      {.name = "SumLike",
       .infer = SameAsSecondInput,
       .kernel = kernels::SumLike,
       .gradient = SumLikeGrad},
      {.name = "BroadcastReduced",
       .infer = SameAsLike,
       .kernel = kernels::BroadcastReduced,
       .gradient = SpreadGrad},
      {.name = "L2Loss", .infer = ScalarOfFloat, .kernel = kernels::L2Loss, .gradient = L2LossGrad},
  };
}

namespace {

std::vector<int64_t> AxisList(const Output& x, const Axes& axis) {
  if (axis.given()) return *axis;
  if (!x.shape().known_rank()) {
    throw ValueError(absl::StrCat("the rank of ", x.name(),
                                  " is not known, so the axes to reduce must be given"));
  }
  std::vector<int64_t> all(x.shape().rank());
  std::iota(all.begin(), all.end(), 0);
  return all;
}

Output Reduce(const char* op, const Input& x, const Axes& axis, bool keepdims,
              const std::string& name) {
  const Output input = ToOutput(x, "Const");
  return MakeOp(op, NameOr(name, op), {input},
                {{"axis", AxisList(input, axis)}, {"keepdims", keepdims}});
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

// log(sum(exp(x - max))) + max, which does not overflow.
Output reduce_logsumexp(const Input& x, const Axes& axis, bool keepdims, const std::string& name) {
  const internal::FunctionScope scope(name, "ReduceLogSumExp");
  const Output input = internal::ToOutput(x, "input");
  const Axes axes(internal::AxisList(input, axis));
  const Output max = stop_gradient(reduce_max(input, axes, true));
  const Output sum = reduce_sum(exp(subtract(input, max)), axes, keepdims);
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

}  // namespace varscope
