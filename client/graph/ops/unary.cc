// Element-wise functions of one operand.
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "client/graph/ops/build.h"
#include "client/graph/ops/table.h"
#include "client/kernels/kernels.h"
#include "varscope/ops.h"

namespace varscope {
namespace internal {
namespace {

using Grads = std::vector<Gradient>;

Grads One(const Output& g) { return {Dense(g)}; }

Grads NegGrad(const GradContext& c) { return One(negative(c.dy())); }
Grads NegRowsGrad(const GradContext&, const Gradient& dy) {
  return {{negative(dy.values), dy.indices}};
}
Grads AbsGrad(const GradContext& c) { return One(multiply(c.dy(), sign(c.x(0)))); }
Grads SignGrad(const GradContext& c) { return One(zeros_like(c.dy())); }
// dy * (x * 2) in one pass.
Output TimesTwice(const Output& dy, const Output& x) {
  return MakeOp("SquareGrad", "SquareGrad", {dy, x});
}
Grads SquareGrad(const GradContext& c) { return One(TimesTwice(c.dy(), c.x(0))); }
Grads SquareGradGrad(const GradContext& c) {
  return {Dense(TimesTwice(c.dy(), c.x(1))), Dense(multiply(multiply(c.dy(), c.x(0)), 2.0))};
}
// Of functions with an infinite slope somewhere: an op of (dy, y), as TensorFlow has it, so that
// the second derivatives are its, too.
Grads SlopeGrad(const GradContext& c, const char* op) {
  return {Dense(MakeOp(op, op, {c.dy(), c.y()}))};
}
Grads SqrtGrad(const GradContext& c) { return SlopeGrad(c, "SqrtGrad"); }
Grads RsqrtGrad(const GradContext& c) { return SlopeGrad(c, "RsqrtGrad"); }
Grads ReciprocalGrad(const GradContext& c) { return SlopeGrad(c, "ReciprocalGrad"); }
// Of the op of (b, a): b / 2a.
Grads SqrtGradGrad(const GradContext& c) {
  const Output ratio = divide(c.dy(), c.x(1));
  return {Dense(multiply(ratio, 0.5)), Dense(multiply(negative(ratio), c.y()))};
}
// -b a^3 / 2.
Grads RsqrtGradGrad(const GradContext& c) {
  const Output of_a = multiply(multiply(multiply(c.dy(), -1.5), c.x(0)), square(c.x(1)));
  return {Dense(MakeOp("RsqrtGrad", "RsqrtGrad", {c.dy(), c.x(1)})), Dense(of_a)};
}
// -b a^2.
Grads ReciprocalGradGrad(const GradContext& c) {
  const Output of_a = multiply(multiply(multiply(c.dy(), -2.0), c.x(0)), c.x(1));
  return {Dense(MakeOp("ReciprocalGrad", "ReciprocalGrad", {c.dy(), c.x(1)})), Dense(of_a)};
}
Grads ExpGrad(const GradContext& c) { return One(multiply(c.dy(), c.y())); }
Grads LogGrad(const GradContext& c) { return One(multiply(c.dy(), reciprocal(c.x(0)))); }
Grads Log1pGrad(const GradContext& c) {
  return One(multiply(c.dy(), reciprocal(add(c.x(0), 1.0))));
}
Grads SinGrad(const GradContext& c) { return One(multiply(c.dy(), cos(c.x(0)))); }
Grads CosGrad(const GradContext& c) { return One(negative(multiply(c.dy(), sin(c.x(0))))); }
Grads TanhGrad(const GradContext& c) { return One(multiply(c.dy(), subtract(1.0, square(c.y())))); }
Grads SigmoidGrad(const GradContext& c) {
  return One(multiply(c.dy(), multiply(c.y(), subtract(1.0, c.y()))));
}

Specs CastShape(const InferContext& c) {
  return std::vector<OutputSpec>{{c.attrs.get<DType>("dtype"), c.shape(0)}};
}
Grads CastGrad(const GradContext& c) {
  const DType from = c.x(0).dtype();
  if (!IsFloating(from) || !IsFloating(c.dy().dtype())) return {None()};
  return One(cast(c.dy(), from));
}
Grads CastRowsGrad(const GradContext& c, const Gradient& dy) {
  const DType from = c.x(0).dtype();
  return IsFloating(from) ? Grads{{cast(dy.values, from), dy.indices}} : Grads{};
}

OpDef FloatOp(absl::string_view name, KernelFn kernel, GradFn gradient) {
  return {.name = name, .infer = SameAsFloatInput, .kernel = kernel, .gradient = gradient};
}
OpDef NumberOp(absl::string_view name, KernelFn kernel, GradFn gradient) {
  return {.name = name, .infer = SameAsNumberInput, .kernel = kernel, .gradient = gradient};
}

OpDef SlopeOp(absl::string_view name, KernelFn kernel, GradFn gradient) {
  return {.name = name, .infer = SameAsAllFloats, .kernel = kernel, .gradient = gradient};
}

}  // namespace

std::vector<OpDef> UnaryOps() {
  return {
      {.name = "Neg",
       .infer = SameAsNumberInput,
       .kernel = kernels::Neg,
       .gradient = NegGrad,
       .rows_gradient = NegRowsGrad},
      NumberOp("Abs", kernels::Abs, AbsGrad),
      NumberOp("Sign", kernels::Sign, SignGrad),
      NumberOp("Square", kernels::Square, SquareGrad),
      {.name = "SquareGrad",
       .infer = SameAsAllFloats,
       .kernel = kernels::SquareGrad,
       .gradient = SquareGradGrad},
      FloatOp("Sqrt", kernels::Sqrt, SqrtGrad),
      FloatOp("Rsqrt", kernels::Rsqrt, RsqrtGrad),
      FloatOp("Reciprocal", kernels::Reciprocal, ReciprocalGrad),
      SlopeOp("SqrtGrad", kernels::SqrtGrad, SqrtGradGrad),
      SlopeOp("RsqrtGrad", kernels::RsqrtGrad, RsqrtGradGrad),
      SlopeOp("ReciprocalGrad", kernels::ReciprocalGrad, ReciprocalGradGrad),
      FloatOp("Exp", kernels::Exp, ExpGrad),
      FloatOp("Log", kernels::Log, LogGrad),
      FloatOp("Log1p", kernels::Log1p, Log1pGrad),
      FloatOp("Sin", kernels::Sin, SinGrad),
      FloatOp("Cos", kernels::Cos, CosGrad),
      FloatOp("Tanh", kernels::Tanh, TanhGrad),
      FloatOp("Sigmoid", kernels::Sigmoid, SigmoidGrad),
      FloatOp("Floor", kernels::Floor, NotDifferentiable),
      {.name = "Cast",
       .infer = CastShape,
       .kernel = kernels::Cast,
       .gradient = CastGrad,
       .rows_gradient = CastRowsGrad},
  };
}

}  // namespace internal

using internal::Unary;

Output negative(const Input& x, const std::string& name) { return Unary("Neg", x, name, "Neg"); }
Output abs(const Input& x, const std::string& name) { return Unary("Abs", x, name, "Abs"); }
Output sign(const Input& x, const std::string& name) { return Unary("Sign", x, name, "Sign"); }
Output square(const Input& x, const std::string& name) {
  return Unary("Square", x, name, "Square");
}
Output sqrt(const Input& x, const std::string& name) { return Unary("Sqrt", x, name, "Sqrt"); }
Output rsqrt(const Input& x, const std::string& name) { return Unary("Rsqrt", x, name, "Rsqrt"); }
Output reciprocal(const Input& x, const std::string& name) {
  return Unary("Reciprocal", x, name, "Reciprocal");
}
Output exp(const Input& x, const std::string& name) { return Unary("Exp", x, name, "Exp"); }
Output log(const Input& x, const std::string& name) { return Unary("Log", x, name, "Log"); }
Output log1p(const Input& x, const std::string& name) { return Unary("Log1p", x, name, "Log1p"); }
Output sin(const Input& x, const std::string& name) { return Unary("Sin", x, name, "Sin"); }
Output cos(const Input& x, const std::string& name) { return Unary("Cos", x, name, "Cos"); }
Output tanh(const Input& x, const std::string& name) { return Unary("Tanh", x, name, "Tanh"); }
Output sigmoid(const Input& x, const std::string& name) {
  return Unary("Sigmoid", x, name, "Sigmoid");
}
Output floor(const Input& x, const std::string& name) { return Unary("Floor", x, name, "Floor"); }

Output cast(const Input& x, DType dtype, const std::string& name) {
  if (x.output() && x.output()->dtype() == dtype) return *x.output();
  return Unary("Cast", x, name, "Cast", {{"dtype", dtype}});
}

Output clip_by_value(const Input& x, const Input& clip_value_min, const Input& clip_value_max,
                     const std::string& name) {
  const internal::FunctionScope scope(name, "clip_by_value");
  const Output value = internal::ToOutput(x, "t");
  const Output below = minimum(value, clip_value_max, "Minimum");
  Output clipped = maximum(below, clip_value_min, scope.name());
  for (const Output& step : {below, clipped}) {
    if (value.shape().IsCompatibleWith(step.shape())) continue;
    throw ValueError(absl::StrCat("Shapes ", value.shape().ToString(), " and ",
                                  step.shape().ToString(), " are incompatible"));
  }
  return clipped;
}

}  // namespace varscope
