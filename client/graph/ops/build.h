// What op functions are made of: literals into constants, nodes into outputs, common shape rules.
#ifndef VARSCOPE_CLIENT_GRAPH_OPS_BUILD_H_
#define VARSCOPE_CLIENT_GRAPH_OPS_BUILD_H_

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

// Opens the scope of a function made of several ops; its last op is named by name().
class FunctionScope {
 public:
  FunctionScope(const std::string& name, const char* default_name)
      : guard_(Current(), NameOr(name, default_name)) {}
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

// Shape rules.
Specs SameAsInput(const InferContext& c);        // one input of any dtype
Specs SameAsFloatInput(const InferContext& c);   // float32 or float64
Specs SameAsNumberInput(const InferContext& c);  // not bool
Specs SameAsSecondInput(const InferContext& c);  // (dy, x): like x
Specs SameAsLike(const InferContext& c);         // of MakeLike
Specs BroadcastOf(const InferContext& c);        // two numbers of one dtype
Specs BroadcastOfFloats(const InferContext& c);
absl::Status CheckSameDType(const InferContext& c, int a, int b);
absl::Status CheckFloat(const InferContext& c, int i);

// What two shapes that must be equal agree on; InvalidArgument when they do not.
absl::StatusOr<Shape> Merge(const Shape& a, const Shape& b);
// `axis` in [-rank, rank) as one in [0, rank).
absl::StatusOr<int> CheckAxis(int64_t axis, int rank);

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_GRAPH_OPS_BUILD_H_
