// Activations and softmax.
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "client/graph/ops/build.h"
#include "client/graph/ops/table.h"
#include "client/kernels/kernels.h"
#include "varscope/nn.h"

namespace varscope {
namespace internal {
namespace {

using Grads = std::vector<Gradient>;

// Most activations' gradients are an op of (dy, y) or (dy, x), linear in dy.
Grads OfOutput(const GradContext& c, const char* op) {
  return {Dense(MakeOp(op, op, {c.dy(), c.y()}))};
}
Grads ReluGrad(const GradContext& c) { return OfOutput(c, "ReluGrad"); }
Grads Relu6Grad(const GradContext& c) { return OfOutput(c, "Relu6Grad"); }
Grads EluGrad(const GradContext& c) { return OfOutput(c, "EluGrad"); }
Grads SeluGrad(const GradContext& c) { return OfOutput(c, "SeluGrad"); }
Grads LeakyReluGrad(const GradContext& c) {
  return {Dense(MakeOp("LeakyReluGrad", "LeakyReluGrad", {c.dy(), c.x(0)}, c.attrs()))};
}
Grads SoftplusGrad(const GradContext& c) { return {Dense(multiply(c.dy(), sigmoid(c.x(0))))}; }
// Where the slope is piecewise constant, only dy passes a second gradient.
Grads PiecewiseGrad(const GradContext& c) {
  return {
      Dense(MakeOp(c.node.def->name, std::string(c.node.def->name), {c.dy(), c.x(1)}, c.attrs())),
      None()};
}

// dy * (y + constant) below 0.
Grads ExponentialGrad(const GradContext& c) {
  const Output below = less(c.x(1), zeros_like(c.x(1)));
  return {PiecewiseGrad(c)[0], Dense(where(below, multiply(c.dy(), c.x(0)), zeros_like(c.x(1))))};
}

Specs SoftmaxShape(const InferContext& c) {
  if (absl::Status s = CheckFloat(c, 0); !s.ok()) return s;
  if (!c.shape(0).known_rank() || c.shape(0).rank() >= 1) return SameAsInput(c);
  return absl::InvalidArgumentError("Shape must be at least rank 1 but is rank 0");
}
Grads SoftmaxGrad(const GradContext& c) {
  const Output sum = reduce_sum(multiply(c.dy(), c.y()), -1, true);
  return {Dense(multiply(subtract(c.dy(), sum), c.y()))};
}
Grads LogSoftmaxGrad(const GradContext& c) {
  const Output sum = reduce_sum(c.dy(), -1, true);
  return {Dense(subtract(c.dy(), multiply(sum, exp(c.y()))))};
}

Specs BiasAddShape(const InferContext& c) {
  if (absl::Status s = CheckSameDType(c, 0, 1); !s.ok()) return s;
  const Shape& x = c.shape(0);
  const Shape& bias = c.shape(1);
  const bool ranks = (!x.known_rank() || x.rank() >= 2) && (!bias.known_rank() || bias.rank() == 1);
  const bool fits = ranks && (!x.known_rank() || !bias.known_rank() || x.dim(-1) < 0 ||
                              bias.dim(0) < 0 || x.dim(-1) == bias.dim(0));
  if (fits) return SameAsInput(c);
  return absl::InvalidArgumentError(absl::StrCat(
      "a bias of shape ", bias.ToString(), " does not fit the last dimension of ", x.ToString()));
}
Grads BiasAddGrad(const GradContext& c) { return {Dense(c.dy()), Dense(SumTo(c.dy(), c.x(1)))}; }
Grads BiasAddRowsGrad(const GradContext& c, const Gradient& dy) {
  return {dy, Dense(SumTo(ToDense(dy, c.x(0)), c.x(1)))};
}

OpDef Activation(absl::string_view name, KernelFn kernel, GradFn gradient) {
  return {.name = name, .infer = SameAsFloatInput, .kernel = kernel, .gradient = gradient};
}
OpDef ActivationGrad(absl::string_view name, KernelFn kernel, GradFn gradient) {
  return {.name = name, .infer = SameAsAllFloats, .kernel = kernel, .gradient = gradient};
}

}  // namespace

std::vector<OpDef> ActivationOps() {
  return {
      Activation("Relu", kernels::Relu, ReluGrad),
      Activation("Relu6", kernels::Relu6, Relu6Grad),
      Activation("LeakyRelu", kernels::LeakyRelu, LeakyReluGrad),
      Activation("Elu", kernels::Elu, EluGrad),
      Activation("Selu", kernels::Selu, SeluGrad),
      Activation("Softplus", kernels::Softplus, SoftplusGrad),
      ActivationGrad("ReluGrad", kernels::ReluGrad, PiecewiseGrad),
      ActivationGrad("Relu6Grad", kernels::Relu6Grad, PiecewiseGrad),
      ActivationGrad("LeakyReluGrad", kernels::LeakyReluGrad, PiecewiseGrad),
      ActivationGrad("EluGrad", kernels::EluGrad, ExponentialGrad),
      ActivationGrad("SeluGrad", kernels::SeluGrad, ExponentialGrad),
      {.name = "Softmax",
       .infer = SoftmaxShape,
       .kernel = kernels::Softmax,
       .gradient = SoftmaxGrad},
      {.name = "LogSoftmax",
       .infer = SoftmaxShape,
       .kernel = kernels::LogSoftmax,
       .gradient = LogSoftmaxGrad},
      {.name = "BiasAdd",
       .infer = BiasAddShape,
       .kernel = kernels::Add,
       .gradient = BiasAddGrad,
       .rows_gradient = BiasAddRowsGrad},
  };
}

}  // namespace internal

namespace nn {

using internal::Unary;

Output relu(const Input& x, const std::string& name) { return Unary("Relu", x, name, "Relu"); }
Output relu6(const Input& x, const std::string& name) { return Unary("Relu6", x, name, "Relu6"); }
Output leaky_relu(const Input& x, double alpha, const std::string& name) {
  return Unary("LeakyRelu", x, name, "LeakyRelu", {{"alpha", alpha}});
}
Output elu(const Input& x, const std::string& name) { return Unary("Elu", x, name, "Elu"); }
Output selu(const Input& x, const std::string& name) { return Unary("Selu", x, name, "Selu"); }
Output softplus(const Input& x, const std::string& name) {
  return Unary("Softplus", x, name, "Softplus");
}
Output sigmoid(const Input& x, const std::string& name) { return varscope::sigmoid(x, name); }
Output tanh(const Input& x, const std::string& name) { return varscope::tanh(x, name); }
Output softmax(const Input& x, const std::string& name) {
  return Unary("Softmax", x, name, "Softmax");
}
Output log_softmax(const Input& x, const std::string& name) {
  return Unary("LogSoftmax", x, name, "LogSoftmax");
}
Output bias_add(const Input& x, const Input& bias, const std::string& name) {
  return internal::Binary("BiasAdd", x, bias, name, "BiasAdd");
}

}  // namespace nn
}  // namespace varscope
