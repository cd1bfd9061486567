// Comparisons and selection.
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "client/graph/ops/build.h"
#include "client/graph/ops/table.h"
#include "client/kernels/kernels.h"
#include "proto/tensor/shape_rules.h"
#include "varscope/ops.h"

namespace varscope {
namespace internal {
namespace {

using Grads = std::vector<Gradient>;

Specs Comparison(const InferContext& c) {
  if (absl::Status status = CheckSameDType(c, 0, 1); !status.ok()) return status;
  absl::StatusOr<Shape> shape = Broadcast(c.shape(0), c.shape(1));
  if (!shape.ok()) {
    return absl::InvalidArgumentError(absl::StrCat("Dimensions must be equal or 1, but are ",
                                                   c.shape(0).ToString(), " and ",
                                                   c.shape(1).ToString()));
  }
  return std::vector<OutputSpec>{{DType::kBool, *std::move(shape)}};
}

Specs SelectShape(const InferContext& c) {
  if (c.dtype(0) != DType::kBool) {
    return absl::InvalidArgumentError(
        absl::StrCat("the condition has the dtype ", Name(c.dtype(0)), ", expected bool"));
  }
  if (absl::Status status = CheckSameDType(c, 1, 2); !status.ok()) return status;
  absl::StatusOr<Shape> shape = Merge(c.shape(1), c.shape(2));
  if (!shape.ok()) return shape.status();
  const Shape& condition = c.shape(0);
  const bool rows = condition.known_rank() && shape->known_rank() && condition.rank() <= 1 &&
                    (condition.rank() == 0 || shape->rank() > 0);
  const bool fits = condition.IsCompatibleWith(*shape) ||
                    (rows && (condition.rank() == 0 || condition.dim(0) < 0 || shape->dim(0) < 0 ||
                              condition.dim(0) == shape->dim(0)));
  if (fits) return std::vector<OutputSpec>{{c.dtype(1), *std::move(shape)}};
  return absl::InvalidArgumentError(absl::StrCat("the condition's shape ", condition.ToString(),
                                                 " does not select from ", shape->ToString()));
}

Grads SelectGrad(const GradContext& c) {
  const Output zero = zeros_like(c.dy());
  return {None(), Dense(where(c.x(0), c.dy(), zero)), Dense(where(c.x(0), zero, c.dy()))};
}

OpDef Compare(absl::string_view name, KernelFn kernel) {
  return {.name = name, .infer = Comparison, .kernel = kernel, .gradient = NotDifferentiable};
}

}  // namespace

std::vector<OpDef> CompareOps() {
  return {
      Compare("Equal", kernels::Equal),
      Compare("NotEqual", kernels::NotEqual),
      Compare("Less", kernels::Less),
      Compare("LessEqual", kernels::LessEqual),
      Compare("Greater", kernels::Greater),
      Compare("GreaterEqual", kernels::GreaterEqual),
      {.name = "Select", .infer = SelectShape, .kernel = kernels::Select, .gradient = SelectGrad},
  };
}

}  // namespace internal

using internal::Binary;

Output equal(const Input& x, const Input& y, const std::string& name) {
  return Binary("Equal", x, y, name, "Equal");
}
Output not_equal(const Input& x, const Input& y, const std::string& name) {
  return Binary("NotEqual", x, y, name, "NotEqual");
}
Output less(const Input& x, const Input& y, const std::string& name) {
  return Binary("Less", x, y, name, "Less");
}
Output less_equal(const Input& x, const Input& y, const std::string& name) {
  return Binary("LessEqual", x, y, name, "LessEqual");
}
Output greater(const Input& x, const Input& y, const std::string& name) {
  return Binary("Greater", x, y, name, "Greater");
}
Output greater_equal(const Input& x, const Input& y, const std::string& name) {
  return Binary("GreaterEqual", x, y, name, "GreaterEqual");
}

Output where(const Input& condition, const Input& x, const Input& y, const std::string& name) {
  const Output c = internal::ToOutput(condition, "condition");
  const Output a = internal::ToOutput(x, "t");
  const Output b = internal::ToOutput(y, "e", a.dtype());
  return internal::MakeOp("Select", internal::NameOr(name, "Select"), {c, a, b});
}

}  // namespace varscope
