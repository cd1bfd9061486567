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

// (logits [rows, classes], labels) -> loss [rows], d loss / d logits.
Specs LossAndGradient(const InferContext& c) {
  const Shape& logits = c.shape(0);
  Shape rows{Shape::kUnknownDim};
  if (logits.known_rank()) rows = Shape{logits.dim(0)};
  return std::vector<OutputSpec>{{c.dtype(0), rows}, {c.dtype(0), logits}};
}

absl::Status CheckMatrix(const Shape& logits) {
  if (!logits.known_rank() || logits.rank() == 2) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("logits must be [rows, classes] but are ", logits.ToString()));
}

Specs SoftmaxLoss(const InferContext& c) {
  if (absl::Status s = CheckFloat(c, 0); !s.ok()) return s;
  if (absl::Status s = CheckSameDType(c, 0, 1); !s.ok()) return s;
  if (absl::Status s = CheckMatrix(c.shape(0)); !s.ok()) return s;
  if (c.shape(0).IsCompatibleWith(c.shape(1))) return LossAndGradient(c);
  return absl::InvalidArgumentError(
      absl::StrCat("logits and labels must be the same size: ", c.shape(0).ToString(), " and ",
                   c.shape(1).ToString()));
}

Specs SparseSoftmaxLoss(const InferContext& c) {
  if (absl::Status s = CheckFloat(c, 0); !s.ok()) return s;
  if (absl::Status s = CheckMatrix(c.shape(0)); !s.ok()) return s;
  if (!IsIndex(c.dtype(1))) {
    return absl::InvalidArgumentError(
        absl::StrCat("labels have the dtype ", Name(c.dtype(1)), ", expected int32 or int64"));
  }
  const Shape& labels = c.shape(1);
  const bool fits = !labels.known_rank() || !c.shape(0).known_rank() ||
                    (labels.rank() == 1 && (labels.dim(0) < 0 || c.shape(0).dim(0) < 0 ||
                                            labels.dim(0) == c.shape(0).dim(0)));
  if (fits) return LossAndGradient(c);
  return absl::InvalidArgumentError(absl::StrCat("labels must be [rows] for logits [rows, classes]",
                                                 ": ", labels.ToString(), " and ",
                                                 c.shape(0).ToString()));
}

Output ScaleRows(const Output& rows, const Output& scale) {
  return multiply(expand_dims(scale, -1), rows);
}

Grads SoftmaxLossGrad(const GradContext& c) {
  return {Dense(ScaleRows(c.y(1), c.dy())),
          Dense(ScaleRows(negative(nn::log_softmax(c.x(0))), c.dy()))};
}
Grads SparseSoftmaxLossGrad(const GradContext& c) {
  return {Dense(ScaleRows(c.y(1), c.dy())), None()};
}

// `rows` gets the shape of `like` without its last dimension.
Output Unflatten(const Output& rows, const Output& like, const std::string& name) {
  std::vector<int64_t> dims = like.shape().dims();
  dims.pop_back();
  int unknown = 0;
  for (int64_t d : dims) unknown += d < 0;
  if (unknown > 1) {
    throw ValueError(absl::StrCat("cross entropy of ", like.name(), ": at most one dimension of ",
                                  like.shape().ToString(), " may be unknown"));
  }
  return reshape(rows, dims, name);
}

Output Flatten(const Output& x) {
  if (!x.shape().known_rank() || x.shape().rank() < 1 || x.shape().dim(-1) < 0) {
    throw ValueError(absl::StrCat("cross entropy needs the number of classes, but ", x.name(),
                                  " has shape ", x.shape().ToString()));
  }
  return reshape(x, {-1, x.shape().dim(-1)});
}

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
  const Output rows = internal::Flatten(x);
  const Output loss =
      internal::MakeOp("SoftmaxCrossEntropyWithLogits", "SoftmaxCrossEntropyWithLogits",
                       {rows, internal::Flatten(y)});
  return internal::Unflatten(loss, x, "Reshape");
}

Output sparse_softmax_cross_entropy_with_logits(const Input& labels, const Input& logits,
                                                const std::string& name) {
  constexpr const char* kName = "SparseSoftmaxCrossEntropyWithLogits";
  const FunctionScope scope(name, kName);
  const Output x = ToOutput(logits, "logits");
  const Output y = ToOutput(labels, "labels");
  if (!x.shape().known_rank() || x.shape().rank() == 2) {
    return internal::MakeOp(kName, internal::NameOr(name, kName), {x, y});
  }
  const Output loss = internal::MakeOp(kName, kName, {internal::Flatten(x), reshape(y, {-1})});
  return internal::Unflatten(loss, x, "Reshape");
}

// max(x, 0) - x * z + log(1 + exp(-|x|)), which does not overflow.
Output sigmoid_cross_entropy_with_logits(const Input& labels, const Input& logits,
                                         const std::string& name) {
  const FunctionScope scope(name, "logistic_loss");
  const Output x = ToOutput(logits, "logits");
  const Output z = ToOutput(labels, "labels", x.dtype());
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
