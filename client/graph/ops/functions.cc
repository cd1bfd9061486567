// More functions, element by element.
#include "client/kernels/functions.h"

#include <cmath>

#include "absl/strings/str_cat.h"
#include "client/graph/ops/build.h"
#include "client/graph/ops/table.h"
#include "proto/tensor/shape_rules.h"
#include "varscope/math_ops.h"
#include "varscope/ops.h"

namespace varscope {
namespace internal {
namespace {

using Grads = std::vector<Gradient>;

// dy times a slope.
Grads WithSlope(const GradContext& c, const Output& slope) {
  return {Dense(multiply(c.dy(), slope))};
}
Grads OverSlope(const GradContext& c, const Output& divisor) {
  return {Dense(divide(c.dy(), divisor))};
}

Grads TanGrad(const GradContext& c) { return OverSlope(c, square(cos(c.x(0)))); }
Grads AsinGrad(const GradContext& c) { return OverSlope(c, sqrt(subtract(1.0, square(c.x(0))))); }
Grads AcosGrad(const GradContext& c) {
  return OverSlope(c, negative(sqrt(subtract(1.0, square(c.x(0))))));
}
Grads AtanGrad(const GradContext& c) { return OverSlope(c, add(1.0, square(c.x(0)))); }
Grads SinhGrad(const GradContext& c) { return WithSlope(c, cosh(c.x(0))); }
Grads CoshGrad(const GradContext& c) { return WithSlope(c, sinh(c.x(0))); }
Grads AsinhGrad(const GradContext& c) { return OverSlope(c, cosh(c.y())); }
Grads AcoshGrad(const GradContext& c) { return OverSlope(c, sinh(c.y())); }
Grads SoftsignGrad(const GradContext& c) { return OverSlope(c, square(add(abs(c.x(0)), 1.0))); }
Grads AtanhGrad(const GradContext& c) { return OverSlope(c, subtract(1.0, square(c.x(0)))); }
Output Bell(const Output& x, double scale) {
  return multiply(exp(negative(square(x))), scale * 2 / std::sqrt(M_PI));
}
Grads ErfGrad(const GradContext& c) { return WithSlope(c, Bell(c.x(0), 1)); }
Grads ErfcGrad(const GradContext& c) { return WithSlope(c, Bell(c.x(0), -1)); }
Grads Expm1Grad(const GradContext& c) { return WithSlope(c, exp(c.x(0))); }
Grads LgammaGrad(const GradContext& c) { return WithSlope(c, digamma(c.x(0))); }
Grads DigammaGrad(const GradContext& c) { return WithSlope(c, polygamma(1, c.x(0))); }
Grads PolygammaGrad(const GradContext& c) {
  return WithSlope(c, polygamma(static_cast<int>(c.attrs().integer("n")) + 1, c.x(0)));
}
Grads Atan2Grad(const GradContext& c) {
  const Output scale = divide(c.dy(), add(square(c.x(0)), square(c.x(1))));
  return {Dense(SumTo(multiply(c.x(1), scale), c.x(0))),
          Dense(SumTo(negative(multiply(c.x(0), scale)), c.x(1)))};
}
Grads FloorModGrad(const GradContext& c) {
  const Output whole = negative(floordiv(c.x(0), c.x(1)));
  return {Dense(SumTo(c.dy(), c.x(0))), Dense(SumTo(multiply(c.dy(), whole), c.x(1)))};
}

absl::Status CheckBool(const InferContext& c, int i) {
  if (c.dtype(i) == DType::kBool) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("Value has the dtype ", Name(c.dtype(i)), ", expected bool"));
}
Specs SameAsBoolInput(const InferContext& c) {
  if (absl::Status s = CheckBool(c, 0); !s.ok()) return s;
  return SameAsInput(c);
}
Specs BroadcastOfBools(const InferContext& c) {
  for (int i : {0, 1}) {
    if (absl::Status s = CheckBool(c, i); !s.ok()) return s;
  }
  absl::StatusOr<Shape> shape = Broadcast(c.shape(0), c.shape(1));
  if (shape.ok()) return std::vector<OutputSpec>{{DType::kBool, *std::move(shape)}};
  return absl::InvalidArgumentError(absl::StrCat("Dimensions must be equal or 1, but are ",
                                                 c.shape(0).ToString(), " and ",
                                                 c.shape(1).ToString()));
}
Specs BoolOfFloat(const InferContext& c) {
  if (absl::Status s = CheckFloat(c, 0); !s.ok()) return s;
  return std::vector<OutputSpec>{{DType::kBool, c.shape(0)}};
}

OpDef OfFloat(absl::string_view name, KernelFn kernel, GradFn gradient) {
  return {.name = name, .infer = SameAsFloatInput, .kernel = kernel, .gradient = gradient};
}
OpDef Test(absl::string_view name, KernelFn kernel) {
  return {.name = name, .infer = BoolOfFloat, .kernel = kernel, .gradient = NotDifferentiable};
}
OpDef Logical(absl::string_view name, InferFn infer, KernelFn kernel) {
  return {.name = name, .infer = infer, .kernel = kernel, .gradient = NotDifferentiable};
}

}  // namespace

std::vector<OpDef> FunctionOps() {
  return {
      OfFloat("Tan", kernels::Tan, TanGrad),
      OfFloat("Asin", kernels::Asin, AsinGrad),
      OfFloat("Acos", kernels::Acos, AcosGrad),
      OfFloat("Atan", kernels::Atan, AtanGrad),
      OfFloat("Sinh", kernels::Sinh, SinhGrad),
      OfFloat("Cosh", kernels::Cosh, CoshGrad),
      OfFloat("Asinh", kernels::Asinh, AsinhGrad),
      OfFloat("Acosh", kernels::Acosh, AcoshGrad),
      OfFloat("Atanh", kernels::Atanh, AtanhGrad),
      OfFloat("Softsign", kernels::Softsign, SoftsignGrad),
      OfFloat("Erf", kernels::Erf, ErfGrad),
      OfFloat("Erfc", kernels::Erfc, ErfcGrad),
      OfFloat("Expm1", kernels::Expm1, Expm1Grad),
      OfFloat("Lgamma", kernels::Lgamma, LgammaGrad),
      OfFloat("Digamma", kernels::Digamma, DigammaGrad),
      OfFloat("Polygamma", kernels::Polygamma, PolygammaGrad),
      OfFloat("Ceil", kernels::Ceil, NotDifferentiable),
      {.name = "Round",
       .infer = SameAsNumberInput,
       .kernel = kernels::Rint,
       .gradient = NotDifferentiable},
      Test("IsNan", kernels::IsNan),
      Test("IsInf", kernels::IsInf),
      Test("IsFinite", kernels::IsFinite),
      Logical("LogicalNot", SameAsBoolInput, kernels::LogicalNot),
      Logical("LogicalAnd", BroadcastOfBools, kernels::LogicalAnd),
      Logical("LogicalOr", BroadcastOfBools, kernels::LogicalOr),
      {.name = "Atan2",
       .infer = BroadcastOfFloats,
       .kernel = kernels::Atan2,
       .gradient = Atan2Grad},
      {.name = "FloorMod",
       .infer = BroadcastOf,
       .kernel = kernels::FloorMod,
       .gradient = FloorModGrad},
      {.name = "TruncateDiv",
       .infer = BroadcastOf,
       .kernel = kernels::TruncateDiv,
       .gradient = NotDifferentiable},
  };
}

}  // namespace internal

using internal::Binary;
using internal::Unary;

Output tan(const Input& x, const std::string& name) { return Unary("Tan", x, name, "Tan"); }
Output asin(const Input& x, const std::string& name) { return Unary("Asin", x, name, "Asin"); }
Output acos(const Input& x, const std::string& name) { return Unary("Acos", x, name, "Acos"); }
Output atan(const Input& x, const std::string& name) { return Unary("Atan", x, name, "Atan"); }
Output sinh(const Input& x, const std::string& name) { return Unary("Sinh", x, name, "Sinh"); }
Output cosh(const Input& x, const std::string& name) { return Unary("Cosh", x, name, "Cosh"); }
Output asinh(const Input& x, const std::string& name) { return Unary("Asinh", x, name, "Asinh"); }
Output acosh(const Input& x, const std::string& name) { return Unary("Acosh", x, name, "Acosh"); }
Output atanh(const Input& x, const std::string& name) { return Unary("Atanh", x, name, "Atanh"); }
Output erf(const Input& x, const std::string& name) { return Unary("Erf", x, name, "Erf"); }
Output erfc(const Input& x, const std::string& name) { return Unary("Erfc", x, name, "Erfc"); }
Output expm1(const Input& x, const std::string& name) { return Unary("Expm1", x, name, "Expm1"); }
Output lgamma(const Input& x, const std::string& name) {
  return Unary("Lgamma", x, name, "Lgamma");
}
Output digamma(const Input& x, const std::string& name) {
  return Unary("Digamma", x, name, "Digamma");
}
Output polygamma(int n, const Input& x, const std::string& name) {
  if (n < 1) throw ValueError(absl::StrCat("polygamma: n is ", n, ", expected at least 1."));
  return Unary("Polygamma", x, name, "Polygamma", {{"n", int64_t{n}}});
}
Output ceil(const Input& x, const std::string& name) { return Unary("Ceil", x, name, "Ceil"); }
Output round(const Input& x, const std::string& name) { return Unary("Round", x, name, "Round"); }
Output softsign(const Input& x, const std::string& name) {
  return Unary("Softsign", x, name, "Softsign");
}

Output is_nan(const Input& x, const std::string& name) { return Unary("IsNan", x, name, "IsNan"); }
Output is_inf(const Input& x, const std::string& name) { return Unary("IsInf", x, name, "IsInf"); }
Output is_finite(const Input& x, const std::string& name) {
  return Unary("IsFinite", x, name, "IsFinite");
}

Output logical_not(const Input& x, const std::string& name) {
  return Unary("LogicalNot", x, name, "LogicalNot");
}
Output logical_and(const Input& x, const Input& y, const std::string& name) {
  return Binary("LogicalAnd", x, y, name, "LogicalAnd");
}
Output logical_or(const Input& x, const Input& y, const std::string& name) {
  return Binary("LogicalOr", x, y, name, "LogicalOr");
}
Output logical_xor(const Input& x, const Input& y, const std::string& name) {
  const internal::FunctionScope scope(name, "LogicalXor", {&x, &y});
  const Output a = internal::ToOutput(x, "x");
  const Output b = internal::ToOutput(y, "y");
  return logical_and(logical_or(a, b), logical_not(logical_and(a, b)), scope.name());
}

Output atan2(const Input& y, const Input& x, const std::string& name) {
  return Binary("Atan2", y, x, name, "Atan2");
}
Output floormod(const Input& x, const Input& y, const std::string& name) {
  return Binary("FloorMod", x, y, name, "FloorMod");
}
Output truncatediv(const Input& x, const Input& y, const std::string& name) {
  return Binary("TruncateDiv", x, y, name, "TruncateDiv");
}

}  // namespace varscope
