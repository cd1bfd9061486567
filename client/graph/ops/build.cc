#include "client/graph/ops/build.h"

#include <cstdint>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "client/graph/creation.h"
#include "client/graph/handles.h"
#include "proto/tensor/shape_rules.h"

namespace varscope::internal {
namespace {

std::optional<DType> DTypeOf(const Input& input) {
  if (input.output()) return ToOutput(input, "").dtype();
  if (input.tensor() == nullptr) return std::nullopt;
  CheckDefined(*input.tensor());
  return input.tensor()->dtype();
}

bool IsLiteral(const Input& input) { return input.output() == nullptr; }

}  // namespace

GraphState& GraphOf(std::initializer_list<const Input*> operands) {
  for (const Input* const operand : operands) {
    const Output* const output = operand->output();
    if (output != nullptr && output->defined()) return Unwrap(*output).node->graph->Use();
  }
  return Current();
}

Output MakeOp(absl::string_view op, const std::string& name, std::vector<Output> inputs,
              Attrs attrs) {
  GraphState& graph =
      inputs.empty() || !inputs[0].defined() ? Current() : *Unwrap(inputs[0]).node->graph;
  Node* const node = graph.AddNode(
      {.op = op, .name = name, .inputs = std::move(inputs), .attrs = std::move(attrs)});
  return Wrap(NodeOutput{node, 0});
}

Output MakeLike(absl::string_view op, const std::string& name, const Output& x, const Output& like,
                Attrs attrs) {
  std::vector<Output> inputs = {x};
  if (like.shape().IsFullyDefined()) {
    attrs.Set("shape", like.shape());
  } else {
    inputs.push_back(like);
  }
  return MakeOp(op, name, std::move(inputs), std::move(attrs));
}

Output MakeConstant(const Tensor& value, const std::string& name) {
  CheckDefined(value);
  return MakeOp("Const", name, {}, {{"value", value}});
}

Output ToOutput(const Input& input, const std::string& name, std::optional<DType> hint) {
  if (input.output()) {
    return *input.output();
  }
  if (input.tensor()) return MakeConstant(*input.tensor(), name);
  return MakeConstant(NumberTensor(*input.number(), hint), name);
}

Output Unary(absl::string_view op, const Input& x, const std::string& name,
             const char* default_name, Attrs attrs) {
  if (!IsLiteral(x)) {
    return MakeOp(op, NameOr(name, default_name), {ToOutput(x, "x")}, std::move(attrs));
  }
  const FunctionScope scope(name, default_name);
  const Output input = ToOutput(x, "x");
  return MakeOp(op, scope.name(), {input}, std::move(attrs));
}

Output Binary(absl::string_view op, const Input& x, const Input& y, const std::string& name,
              const char* default_name, Attrs attrs) {
  if (!IsLiteral(x) && !IsLiteral(y)) {
    return MakeOp(op, NameOr(name, default_name), {ToOutput(x, "x"), ToOutput(y, "y")},
                  std::move(attrs));
  }
  const FunctionScope scope(name, default_name);
  const Output a = ToOutput(x, "x", DTypeOf(y));
  const Output b = ToOutput(y, "y", a.dtype());
  return MakeOp(op, scope.name(), {a, b}, std::move(attrs));
}

std::vector<Gradient> NotDifferentiable(const GradContext& c) {
  return std::vector<Gradient>(c.node.inputs.size());
}

Gradient Dense(Output values) { return {.values = std::move(values), .indices = {}}; }

Output SumTo(const Output& g, const Output& x) {
  if (x.shape().IsFullyDefined() && x.shape() == g.shape()) return g;
  return MakeOp("SumLike", "SumLike", {g, x});
}

Specs SameAsInput(const InferContext& c) { return std::vector<OutputSpec>{c.inputs[0]}; }

Specs SameAsFloatInput(const InferContext& c) {
  if (absl::Status status = CheckFloat(c, 0); !status.ok()) return status;
  return SameAsInput(c);
}

Specs SameAsNumberInput(const InferContext& c) {
  if (absl::Status status = CheckNumber(c, 0); !status.ok()) return status;
  return SameAsInput(c);
}

Specs SameAsAll(const InferContext& c) {
  Shape shape = Shape::Unknown();
  for (int i = 0; i < c.count(); ++i) {
    if (absl::Status s = CheckSameDType(c, 0, i); !s.ok()) return s;
    absl::StatusOr<Shape> merged = Merge(shape, c.shape(i));
    if (!merged.ok()) return merged.status();
    shape = *std::move(merged);
  }
  return std::vector<OutputSpec>{{c.dtype(0), shape}};
}

Specs SameAsAllFloats(const InferContext& c) {
  if (absl::Status status = CheckFloat(c, 0); !status.ok()) return status;
  return SameAsAll(c);
}

Shape LikeShape(const InferContext& c) {
  return c.attrs.has("shape") ? c.attrs.get<Shape>("shape") : c.shape(c.count() - 1);
}

int64_t Times(int64_t a, int64_t b) {
  int64_t product = 0;
  return __builtin_mul_overflow(a, b, &product) ? INT64_MAX : product;
}

int64_t Plus(int64_t a, int64_t b) {
  int64_t sum = 0;
  return __builtin_add_overflow(a, b, &sum) ? INT64_MAX : sum;
}

int64_t Count(const Shape& shape) {
  int64_t n = 1;
  for (int64_t d : shape.dims()) {
    if (d == 0) return 0;
    n = Times(n, d);
  }
  return n;
}

Specs BroadcastOf(const InferContext& c) {
  if (absl::Status status = CheckSameDType(c, 0, 1); !status.ok()) return status;
  absl::StatusOr<Shape> shape = Broadcast(c.shape(0), c.shape(1));
  if (!shape.ok()) {
    return absl::InvalidArgumentError(absl::StrCat("Dimensions must be equal or 1, but are ",
                                                   c.shape(0).ToString(), " and ",
                                                   c.shape(1).ToString()));
  }
  if (c.dtype(0) == DType::kBool) {
    return absl::InvalidArgumentError("Value has the dtype bool, expected a number");
  }
  return std::vector<OutputSpec>{{c.dtype(0), *std::move(shape)}};
}

Specs BroadcastOfFloats(const InferContext& c) {
  if (absl::Status status = CheckFloat(c, 0); !status.ok()) return status;
  return BroadcastOf(c);
}

absl::Status CheckSameDType(const InferContext& c, int a, int b) {
  if (c.dtype(a) == c.dtype(b)) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("Inputs have the dtypes ", Name(c.dtype(a)),
                                                 " and ", Name(c.dtype(b)),
                                                 ", which do not match"));
}

absl::Status CheckFloat(const InferContext& c, int i) {
  if (TakesGradients(c.dtype(i))) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("Value has the dtype ", Name(c.dtype(i)), ", expected float32 or float64"));
}

absl::Status CheckNumber(const InferContext& c, int i) {
  if (c.dtype(i) != DType::kBool) return absl::OkStatus();
  return absl::InvalidArgumentError("Value has the dtype bool, expected a number");
}

absl::StatusOr<Shape> Merge(const Shape& a, const Shape& b) {
  if (!a.IsCompatibleWith(b)) {
    return absl::InvalidArgumentError(
        absl::StrCat("Shapes must be equal, but are ", a.ToString(), " and ", b.ToString()));
  }
  if (!a.known_rank()) return b;
  if (!b.known_rank()) return a;
  std::vector<int64_t> dims = a.dims();
  for (int i = 0; i < a.rank(); ++i) dims[i] = std::max(dims[i], b.dim(i));
  return Shape(dims);
}

absl::StatusOr<int> CheckAxis(int64_t axis, int rank) {
  if (axis >= -rank && axis < rank) return static_cast<int>(axis < 0 ? axis + rank : axis);
  return absl::InvalidArgumentError(
      absl::StrCat("Axis ", axis, " must be in the range [", -rank, ", ", rank, ")"));
}

}  // namespace varscope::internal
