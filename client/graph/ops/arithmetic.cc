// Arithmetic of two operands, and Python's operators.
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "client/graph/handles.h"
#include "client/graph/ops/build.h"
#include "client/graph/ops/table.h"
#include "client/kernels/kernels.h"
#include "varscope/ops.h"

namespace varscope {
namespace internal {
namespace {

using Grads = std::vector<Gradient>;

// Gradients in the operands' broadcast shape, summed to the operands' own.
Grads Both(const GradContext& c, const Output& gx, const Output& gy) {
  return {Dense(SumTo(gx, c.x(0))), Dense(SumTo(gy, c.x(1)))};
}

Grads AddGrad(const GradContext& c) { return Both(c, c.dy(), c.dy()); }
Grads SubGrad(const GradContext& c) { return Both(c, c.dy(), negative(c.dy())); }
// Whether nothing is broadcast, as far as the graph tells.
bool HaveOneShape(const GradContext& c) {
  const Shape shape = c.x(0).shape();
  return shape.IsFullyDefined() && c.x(1).shape() == shape;
}
Grads AddRowsGrad(const GradContext& c, const Gradient& dy) {
  return HaveOneShape(c) ? Grads{dy, dy} : Grads{};
}
Grads SubRowsGrad(const GradContext& c, const Gradient& dy) {
  return HaveOneShape(c) ? Grads{dy, {negative(dy.values), dy.indices}} : Grads{};
}
Grads MulGrad(const GradContext& c) {
  return Both(c, multiply(c.dy(), c.x(1)), multiply(c.dy(), c.x(0)));
}
Grads RealDivGrad(const GradContext& c) {
  const Output gx = MakeOp("RealDiv", "RealDiv", {c.dy(), c.x(1)});
  const Output quotient = MakeOp("RealDiv", "RealDiv", {c.y(), c.x(1)});
  return Both(c, gx, negative(multiply(c.dy(), quotient)));
}
Grads SquaredDifferenceGrad(const GradContext& c) {
  const Output twice = multiply(c.dy(), 2.0);
  const Output gx = multiply(twice, subtract(c.x(0), c.x(1)));
  return Both(c, gx, negative(gx));
}
Grads PowGrad(const GradContext& c) {
  const Output x = c.x(0);
  const Output y = c.x(1);
  const Output gx = multiply(multiply(c.dy(), y), pow(x, subtract(y, 1.0)));
  const Output positive = greater(x, 0.0);
  const Output safe_log = where(positive, log(where(positive, x, ones_like(x))), zeros_like(x));
  return Both(c, gx, multiply(multiply(c.dy(), c.y()), safe_log));
}

// dy where the first operand won, and where the second did.
Grads Winner(const GradContext& c, const Output& first_wins) {
  const Output zero = zeros_like(c.dy());
  return Both(c, where(first_wins, c.dy(), zero), where(first_wins, zero, c.dy()));
}
Grads MaximumGrad(const GradContext& c) { return Winner(c, greater_equal(c.x(0), c.x(1))); }
Grads MinimumGrad(const GradContext& c) { return Winner(c, less_equal(c.x(0), c.x(1))); }

Grads AddNGrad(const GradContext& c) { return Grads(c.node.inputs.size(), Dense(c.dy())); }
Grads AddNRowsGrad(const GradContext& c, const Gradient& dy) {
  return Grads(c.node.inputs.size(), dy);
}

}  // namespace

std::vector<OpDef> ArithmeticOps() {
  return {
      {.name = "Add",
       .infer = BroadcastOf,
       .kernel = kernels::Add,
       .gradient = AddGrad,
       .rows_gradient = AddRowsGrad},
      {.name = "Sub",
       .infer = BroadcastOf,
       .kernel = kernels::Sub,
       .gradient = SubGrad,
       .rows_gradient = SubRowsGrad},
      {.name = "Mul", .infer = BroadcastOf, .kernel = kernels::Mul, .gradient = MulGrad},
      {.name = "RealDiv",
       .infer = BroadcastOfFloats,
       .kernel = kernels::RealDiv,
       .gradient = RealDivGrad},
      {.name = "FloorDiv",
       .infer = BroadcastOf,
       .kernel = kernels::FloorDiv,
       .gradient = NotDifferentiable},
      {.name = "Maximum",
       .infer = BroadcastOf,
       .kernel = kernels::Maximum,
       .gradient = MaximumGrad},
      {.name = "Minimum",
       .infer = BroadcastOf,
       .kernel = kernels::Minimum,
       .gradient = MinimumGrad},
      {.name = "SquaredDifference",
       .infer = BroadcastOf,
       .kernel = kernels::SquaredDifference,
       .gradient = SquaredDifferenceGrad},
      {.name = "Pow", .infer = BroadcastOf, .kernel = kernels::Pow, .gradient = PowGrad},
      {.name = "AddN",
       .infer = SameAsAll,
       .kernel = kernels::AddN,
       .gradient = AddNGrad,
       .rows_gradient = AddNRowsGrad},
  };
}

namespace {

// Python's operator: a scope "add" with the literal's constant inside, then the op "add".
Output Operator(absl::string_view op, const Input& x, const Input& y, const char* name) {
  const FunctionScope scope("", name, {&x, &y});
  const bool x_first = x.output() != nullptr;
  const Output a = x_first ? ToOutput(x, "x") : ToOutput(x, "x", ToOutput(y, "y").dtype());
  const Output b = ToOutput(y, "y", a.dtype());
  return MakeOp(op, scope.name(), {a, b});
}

// As TensorFlow's `/`.
DType QuotientOf(DType dtype) {
  if (!IsInteger(dtype)) return dtype;
  return SizeOf(dtype) <= 2 ? DType::kFloat32 : DType::kFloat64;
}

Output TrueDivide(const Input& x, const Input& y, const std::string& name) {
  const FunctionScope scope(name, "truediv", {&x, &y});
  const std::optional<DType> hint =
      y.output() ? std::optional<DType>(ToOutput(y, "y").dtype()) : std::nullopt;
  Output a = ToOutput(x, "x", hint);
  Output b = ToOutput(y, "y", a.dtype());
  if (a.dtype() != b.dtype()) {
    throw TypeError(absl::StrCat("`x` and `y` must have the same dtype, got ", Name(a.dtype()),
                                 " != ", Name(b.dtype()), "."));
  }
  if (a.dtype() == DType::kBool) {
    throw TypeError("Invalid dtype bool in truediv, expected numbers.");
  }
  a = cast(a, QuotientOf(a.dtype()));
  b = cast(b, QuotientOf(b.dtype()));
  return MakeOp("RealDiv", scope.name(), {a, b});
}

}  // namespace
}  // namespace internal

using internal::Binary;

Output add(const Input& x, const Input& y, const std::string& name) {
  return Binary("Add", x, y, name, "Add");
}
Output subtract(const Input& x, const Input& y, const std::string& name) {
  return Binary("Sub", x, y, name, "Sub");
}
Output multiply(const Input& x, const Input& y, const std::string& name) {
  return Binary("Mul", x, y, name, "Mul");
}
Output divide(const Input& x, const Input& y, const std::string& name) {
  return internal::TrueDivide(x, y, name);
}
Output floordiv(const Input& x, const Input& y, const std::string& name) {
  return Binary("FloorDiv", x, y, name, "floordiv");
}
Output maximum(const Input& x, const Input& y, const std::string& name) {
  return Binary("Maximum", x, y, name, "Maximum");
}
Output minimum(const Input& x, const Input& y, const std::string& name) {
  return Binary("Minimum", x, y, name, "Minimum");
}
Output squared_difference(const Input& x, const Input& y, const std::string& name) {
  return Binary("SquaredDifference", x, y, name, "SquaredDifference");
}
Output pow(const Input& x, const Input& y, const std::string& name) {
  return Binary("Pow", x, y, name, "Pow");
}

Output add_n(const std::vector<Input>& inputs, const std::string& name) {
  if (inputs.empty()) throw ValueError("add_n: inputs must be a list of at least one tensor.");
  std::vector<Output> outputs;
  outputs.reserve(inputs.size());
  for (const Input& input : inputs) {
    outputs.push_back(internal::ToOutput(
        input, "Const", outputs.empty() ? std::nullopt : std::optional(outputs[0].dtype())));
  }
  if (outputs.size() == 1) {
    internal::Unwrap(outputs[0]);  // defined?
    return name.empty() ? outputs[0] : identity(outputs[0], name);
  }
  return internal::MakeOp("AddN", internal::NameOr(name, "AddN"), outputs);
}

namespace internal {
Output OperatorAdd(const Input& x, const Input& y) { return Operator("Add", x, y, "add"); }
Output OperatorSub(const Input& x, const Input& y) { return Operator("Sub", x, y, "sub"); }
Output OperatorMul(const Input& x, const Input& y) { return Operator("Mul", x, y, "mul"); }
}  // namespace internal
Output operator-(const Output& x) { return negative(x); }

}  // namespace varscope
