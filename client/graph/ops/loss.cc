// Losses.
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

// (logits [..., classes], labels) -> losses [...], d losses / d logits.
Specs LossAndGradient(const InferContext& c, const Shape& logits, const Shape& losses) {
  return std::vector<OutputSpec>{{c.dtype(0), losses}, {c.dtype(0), logits}};
}

absl::Status CheckHasClasses(const Shape& logits) {
  if (!logits.known_rank() || logits.rank() > 0) return absl::OkStatus();
  return absl::InvalidArgumentError("logits must have at least one dimension, but are a scalar");
}

Shape WithoutLast(const Shape& shape) {
  if (!shape.known_rank()) return Shape::Unknown();
  return Shape(std::vector<int64_t>(shape.dims().begin(), shape.dims().end() - 1));
}

Specs SoftmaxLoss(const InferContext& c) {
  const Specs same = SameAsAllFloats(c);
  if (!same.ok()) return same;
  const Shape& logits = (*same)[0].shape;
  if (absl::Status s = CheckHasClasses(logits); !s.ok()) return s;
  return LossAndGradient(c, logits, WithoutLast(logits));
}

Specs SparseSoftmaxLoss(const InferContext& c) {
  if (absl::Status s = CheckFloat(c, 0); !s.ok()) return s;
  if (absl::Status s = CheckHasClasses(c.shape(0)); !s.ok()) return s;
  if (!IsIndex(c.dtype(1))) {
    return absl::InvalidArgumentError(
        absl::StrCat("labels have the dtype ", Name(c.dtype(1)), ", expected int32 or int64"));
  }
  const absl::StatusOr<Shape> losses = Merge(WithoutLast(c.shape(0)), c.shape(1));
  if (losses.ok()) return LossAndGradient(c, c.shape(0), *losses);
  return absl::InvalidArgumentError(
      absl::StrCat("labels must have the shape of the logits without the last dimension, but are ",
                   c.shape(1).ToString(), " for logits of ", c.shape(0).ToString()));
}

Output ScaleRows(const Output& rows, const Output& scale) {
  return multiply(expand_dims(scale, -1), rows);
}

// The losses' gradients, and of those with respect to the logits once more: softmax - labels, of
// which TensorFlow gives the labels no part either.
Output LogitsGrad(const GradContext& c) {
  std::vector<Input> terms;
  if (c.dys[0].defined()) terms.emplace_back(ScaleRows(c.y(1), c.dys[0]));
  if (c.dys[1].defined()) {
    const Output softmax = nn::softmax(c.x(0));
    const Output mean = reduce_sum(multiply(c.dys[1], softmax), -1, true);
    terms.emplace_back(multiply(subtract(c.dys[1], mean), softmax));
  }
  return add_n(terms);
}
Grads SoftmaxLossGrad(const GradContext& c) {
  const bool loss = c.dys[0].defined();
  return {Dense(LogitsGrad(c)),
          loss ? Dense(ScaleRows(negative(nn::log_softmax(c.x(0))), c.dy())) : None()};
}
Grads SparseSoftmaxLossGrad(const GradContext& c) { return {Dense(LogitsGrad(c)), None()}; }

}  // namespace

std::vector<OpDef> LossOps() {
  return {
      {.name = "SoftmaxCrossEntropyWithLogits",
       .infer = SoftmaxLoss,
       .kernel = kernels::SoftmaxCrossEntropy,
       .gradient = SoftmaxLossGrad},
      {.name = "SparseSoftmaxCrossEntropyWithLogits",
       .infer = SparseSoftmaxLoss,
       .kernel = kernels::SparseSoftmaxCrossEntropy,
       .gradient = SparseSoftmaxLossGrad},
  };
}

}  // namespace internal

namespace nn {

using internal::FunctionScope;
using internal::ToOutput;

Output softmax_cross_entropy_with_logits_v2(const Input& labels, const Input& logits,
                                            const std::string& name) {
  const FunctionScope scope(name, "softmax_cross_entropy_with_logits");
  const Output x = ToOutput(logits, "logits");
  const Output y = ToOutput(labels, "labels", x.dtype());
  if (!x.shape().IsCompatibleWith(y.shape())) {
    throw ValueError(absl::StrCat("Shapes of labels and logits must be equal, but are ",
                                  y.shape().ToString(), " and ", x.shape().ToString(), " for '",
                                  scope.name(), "'."));
  }
  const Output loss =
      internal::MakeOp("SoftmaxCrossEntropyWithLogits", "SoftmaxCrossEntropyWithLogits", {x, y});
  return identity(loss, "Reshape_2");
}

Output sparse_softmax_cross_entropy_with_logits(const Input& labels, const Input& logits,
                                                const std::string& name) {
  constexpr const char* kName = "SparseSoftmaxCrossEntropyWithLogits";
  const FunctionScope scope(name, kName);
  const Output x = ToOutput(logits, "logits");
  const Output y = ToOutput(labels, "labels");
  const Output loss = internal::MakeOp(kName, kName, {x, y});
  return x.shape().known_rank() && x.shape().rank() == 2 ? loss : identity(loss, "Reshape_2");
}

// max(x, 0) - x * z + log(1 + exp(-|x|)), which does not overflow.
Output sigmoid_cross_entropy_with_logits(const Input& labels, const Input& logits,
                                         const std::string& name) {
  const FunctionScope scope(name, "logistic_loss");
  const Output x = ToOutput(logits, "logits");
  const Output z = ToOutput(labels, "labels", x.dtype());
  if (!x.shape().IsCompatibleWith(z.shape())) {
    throw ValueError(absl::StrCat("`logits` and `labels` must have the same shape, received (",
                                  x.shape().ToString(), " vs ", z.shape().ToString(), ")."));
  }
  const Output zero = zeros_like(x);
  const Output positive = greater_equal(x, zero);
  const Output relu_x = where(positive, x, zero);
  const Output minus_abs = where(positive, negative(x), x);
  return add(subtract(relu_x, multiply(x, z)), log1p(exp(minus_abs)), scope.name());
}

Output l2_loss(const Input& x, const std::string& name) {
  return internal::Unary("L2Loss", x, name, "L2Loss");
}

Output l2_normalize(const Input& x, const Axes& axis, double epsilon, const std::string& name) {
  const FunctionScope scope(name, "l2_normalize");
  const Output value = ToOutput(x, "x");
  const Output sum = reduce_sum(square(value), axis, true);
  return multiply(value, rsqrt(maximum(sum, epsilon)), scope.name());
}

}  // namespace nn
}  // namespace varscope
