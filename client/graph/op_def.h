// What an op is: one entry in one table with its shape rule, kernel and gradient.
#ifndef VARSCOPE_CLIENT_GRAPH_OP_DEF_H_
#define VARSCOPE_CLIENT_GRAPH_OP_DEF_H_

#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "client/graph/attrs.h"
#include "client/kernels/context.h"
#include "varscope/gradients.h"
#include "varscope/graph.h"

namespace varscope::internal {

// What a shape rule sees: once when the graph is built, with what is known then, and again in a
// run, with the inputs that a kernel gets. From shapes that are fully defined it either makes fully
// defined ones, or an error that says what does not fit; the op's name and shapes are added.
struct InferContext {
  const Attrs& attrs;
  std::span<const OutputSpec> inputs;
  DType dtype(int i) const { return inputs[i].dtype; }
  const Shape& shape(int i) const { return inputs[i].shape; }
  int count() const { return static_cast<int>(inputs.size()); }
};
using InferFn = absl::StatusOr<std::vector<OutputSpec>> (*)(const InferContext&);

// What a gradient function sees: the op and the gradients of its outputs, of which one at least is
// defined. It gives one gradient for each input, undefined where there is none.
struct GradContext {
  const Node& node;
  std::span<const Output> dys;
  const Attrs& attrs() const;
  Output x(int i) const;
  Output y(int i = 0) const;
  Output dy() const { return dys[0]; }
};
using GradFn = std::vector<Gradient> (*)(const GradContext&);

struct OpDef {
  absl::string_view name;
  InferFn infer = nullptr;
  KernelFn kernel = nullptr;  // null: the session carries it out (placeholders, variables)
  // null: it has none, and LookupError is thrown where one is asked for. NotDifferentiable
  // (ops/build.h): none flows through it.
  GradFn gradient = nullptr;
  // Not merged with an equal op, nor dropped for its inputs' sake: it has an effect or differs from
  // run to run.
  bool stateful = false;
  // The session pushes it.
  bool changes_variables = false;
};

// Throws std::out_of_range for a name that no table has.
const OpDef& FindOp(absl::string_view name);
std::vector<absl::string_view> OpNames();

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_GRAPH_OP_DEF_H_
