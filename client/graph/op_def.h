// What an op is: one entry in one table with its shape rule, kernel and gradient.
#ifndef VARSCOPE_CLIENT_GRAPH_OP_DEF_H_
#define VARSCOPE_CLIENT_GRAPH_OP_DEF_H_

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "client/graph/attrs.h"
#include "client/kernels/kernel.h"
#include "client/kernels/numbers.h"
#include "varscope/gradients.h"
#include "varscope/graph.h"

namespace varscope::internal {

// What a shape rule sees: once when the graph is built, with what is known then, and again in a
// run, with the inputs that a kernel gets. From shapes that are fully defined it either makes fully
// defined ones, or an error that says what does not fit; the op's name and shapes are added.
struct InferContext {
  const Attrs& attrs;
  std::span<const OutputSpec> inputs;
  // Of an op whose shapes depend on its inputs' values, by input: null, or no such span, where they
  // are not integers or nothing is known of them.
  std::span<const std::shared_ptr<const Numbers>> known = {};

  const Numbers* numbers(int i) const {
    return static_cast<size_t>(i) < known.size() ? known[i].get() : nullptr;
  }
  DType dtype(int i) const { return inputs[i].dtype; }
  const Shape& shape(int i) const { return inputs[i].shape; }
  int count() const { return static_cast<int>(inputs.size()); }
};
using InferFn = absl::StatusOr<std::vector<OutputSpec>> (*)(const InferContext&);

// Where a gradient is built, what stands for the outputs of the ops that are differentiated: in the
// body of a loop that goes backwards, what the loop has kept of them.
class ForwardValues {
 public:
  virtual ~ForwardValues() = default;
  virtual Output Of(const Output& output) = 0;
};

// What a gradient function sees: the op and the gradients of its outputs, of which one at least is
// defined. It gives one gradient for each input, undefined where there is none.
struct GradContext {
  const Node& node;
  std::span<const Output> dys;
  ForwardValues* values = nullptr;  // null: they stand for themselves
  const Attrs& attrs() const;
  Output ValueOf(const Output& output) const {
    return values == nullptr ? output : values->Of(output);
  }
  Output x(int i) const;
  Output y(int i = 0) const;
  Output dy() const { return dys[0]; }
};
using GradFn = std::vector<Gradient> (*)(const GradContext&);
// The same of an op of one output whose gradient is `dy`, which is rows, so that those of its
// inputs can be; `dys` is empty. None at all: it has to be dense.
using RowsGradFn = std::vector<Gradient> (*)(const GradContext&, const Gradient& dy);

struct OpDef {
  absl::string_view name;
  InferFn infer = nullptr;
  Kernel kernel;  // null: the session carries it out (placeholders, variables)
  // null: it has none, and LookupError is thrown where one is asked for. NotDifferentiable
  // (ops/build.h): none flows through it.
  GradFn gradient = nullptr;
  RowsGradFn rows_gradient = nullptr;  // null: gradients of rows are made dense first
  // Not merged with an equal op, nor dropped for its inputs' sake: it has an effect or differs from
  // run to run.
  bool stateful = false;
  // The session pushes it.
  bool changes_variables = false;
  // The shape rule asks for numbers(): it is called in every run.
  bool by_values = false;
  // In a run the kernel finds the shapes that its rule leaves open.
  bool finds_shapes = false;
};

// Throws std::out_of_range for a name that no table has.
const OpDef& FindOp(absl::string_view name);
std::vector<absl::string_view> OpNames();

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_GRAPH_OP_DEF_H_
