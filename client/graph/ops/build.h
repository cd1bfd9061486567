// What op functions are made of: literals into constants, nodes into outputs, common shape rules.
#ifndef VARSCOPE_CLIENT_GRAPH_OPS_BUILD_H_
#define VARSCOPE_CLIENT_GRAPH_OPS_BUILD_H_

#include <initializer_list>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "client/graph/op_def.h"
#include "client/graph/scope_guards.h"
#include "client/graph/state.h"
#include "varscope/errors.h"
#include "varscope/input.h"

namespace varscope::internal {

using Specs = absl::StatusOr<std::vector<OutputSpec>>;

// Adds a node to the graph of its first input, or to the default graph; its first output.
Output MakeOp(absl::string_view op, const std::string& name, std::vector<Output> inputs,
              Attrs attrs = {});

Output MakeConstant(const Tensor& value, const std::string& name);

// The output itself, or a constant `name` in the current scope; a number becomes `hint` when given.
Output ToOutput(const Input& input, const std::string& name,
                std::optional<DType> hint = std::nullopt);

// For results computed by a function: `name`, or `otherwise` when it is empty.
inline std::string NameOr(const std::string& name, const char* otherwise) {
  return name.empty() ? otherwise : name;
}

// An op of (x, like), of which it takes the shape alone: where that is known it becomes an
// attribute, so that a run need not compute `like`.
Output MakeLike(absl::string_view op, const std::string& name, const Output& x, const Output& like,
                Attrs attrs = {});

// An op of one input, of two: literals take the dtype of the other operand and are named x and y
// inside the op's scope.
Output Unary(absl::string_view op, const Input& x, const std::string& name,
             const char* default_name, Attrs attrs = {});
Output Binary(absl::string_view op, const Input& x, const Input& y, const std::string& name,
              const char* default_name, Attrs attrs = {});

// The graph of the first symbolic one; without one the default graph.
GraphState& GraphOf(std::initializer_list<const Input*> operands);

// Opens the scope of a function made of several ops in the graph of its operands; its last op is
// named by name().
class FunctionScope {
 public:
  FunctionScope(const std::string& name, const char* default_name,
                std::initializer_list<const Input*> operands = {})
      : guard_(GraphOf(operands), NameOr(name, default_name)) {}
  const std::string& name() const { return guard_.name(); }

 private:
  NameScopeGuard guard_;
};

Gradient Dense(Output values);
// A sparse gradient of x as a tensor like x.
Output ToDense(const Gradient& gradient, const Output& x);
inline Gradient None() { return {}; }

// g summed to the shape of x, which was broadcast to g's.
Output SumTo(const Output& g, const Output& x);

// The gradient function of an op that TensorFlow declares non-differentiable.
std::vector<Gradient> NotDifferentiable(const GradContext& c);

// Shape rules.
Specs SameAsInput(const InferContext& c);        // one input of any dtype
Specs SameAsFloatInput(const InferContext& c);   // float32 or float64
Specs SameAsNumberInput(const InferContext& c);  // not bool
Specs SameAsAll(const InferContext& c);          // inputs of one shape and dtype
Specs SameAsAllFloats(const InferContext& c);
// Of MakeLike: the shape whose op's result has the shape of the first input.
Shape LikeShape(const InferContext& c);
Specs BroadcastOf(const InferContext& c);  // two numbers of one dtype
Specs BroadcastOfFloats(const InferContext& c);
absl::Status CheckSameDType(const InferContext& c, int a, int b);
absl::Status CheckFloat(const InferContext& c, int i);
absl::Status CheckNumber(const InferContext& c, int i);

// Of a gradient op (dy, x, ...) of an op with the rule `forward` and the same attributes: like x,
// when dy is what `forward` makes of (x, ...).
template <InferFn forward>
Specs LikeOperand(const InferContext& c) {
  Specs y = forward({c.attrs, c.inputs.subspan(1)});
  if (!y.ok()) return y;
  const OutputSpec dy = {c.dtype(0), c.shape(0)};
  const OutputSpec expected[] = {dy, {dy.dtype, (*y)[0].shape}};
  if (Specs same = SameAsAll({c.attrs, expected}); !same.ok()) return same;
  return std::vector<OutputSpec>{{c.dtype(0), c.shape(1)}};
}
// The same of an op of MakeLike, (dy, like).
template <InferFn forward>
Specs LikeKnown(const InferContext& c) {
  const OutputSpec inputs[] = {{c.dtype(0), c.shape(0)}, {c.dtype(0), LikeShape(c)}};
  return LikeOperand<forward>({c.attrs, inputs});
}

// Of sizes that are not negative; the largest number where they overflow, which no tensor has.
int64_t Times(int64_t a, int64_t b);
int64_t Plus(int64_t a, int64_t b);
// The number of elements of a fully defined shape.
int64_t Count(const Shape& shape);

// What two shapes that must be equal agree on; InvalidArgument when they do not.
absl::StatusOr<Shape> Merge(const Shape& a, const Shape& b);
// `axis` in [-rank, rank) as one in [0, rank).
absl::StatusOr<int> CheckAxis(int64_t axis, int rank);

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_GRAPH_OPS_BUILD_H_
