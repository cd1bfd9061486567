// Ops that read or change the server's variables; the session carries them out.
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/graph/fits.h"
#include "client/graph/handles.h"
#include "client/graph/ops/build.h"
#include "client/graph/ops/indices.h"
#include "client/graph/ops/table.h"
#include "client/kernels/kernels.h"
#include "varscope/ops.h"
#include "varscope/variables.h"

namespace varscope {
namespace internal {

namespace {

// (updates, indices of any shape): the updates as one row for each index, all of them the number
// that a scalar is.
Specs ScatteredRowsShape(const InferContext& c) {
  if (absl::Status s = CheckIndex(c, 1); !s.ok()) return s;
  const Shape& indices = c.shape(1);
  const std::vector<int64_t>& row = c.attrs.list("row");
  const auto rows = [&row](std::vector<int64_t> dims) {
    dims.insert(dims.end(), row.begin(), row.end());
    return Shape(std::move(dims));
  };
  if (indices.known_rank() && c.shape(0).known_rank() && c.shape(0).rank() > 0) {
    const Shape expected = rows(indices.dims());
    if (!c.shape(0).IsCompatibleWith(expected)) {
      return absl::InvalidArgumentError(absl::StrCat(
          "variable ", c.attrs.text("variable"), ": the value is ", c.shape(0).ToString(),
          ", expected ", expected.ToString(), ", one row for each of the indices"));
    }
  }
  return OneOf(c.dtype(0), rows({indices.IsFullyDefined() ? Count(indices) : Shape::kUnknownDim}));
}

}  // namespace

std::vector<OpDef> StateOps() {
  std::vector<OpDef> ops = {{.name = "ReadVariableOp"},
                            {.name = "ScatteredRows",
                             .infer = ScatteredRowsShape,
                             .kernel = kernels::Share,
                             .gradient = NotDifferentiable},
                            {.name = "VarHandleOp", .stateful = true},
                            {.name = "NoOp", .stateful = true}};
  for (const char* name :
       {"AssignVariableOp", "AssignAddVariableOp", "AssignSubVariableOp", "ResourceScatterUpdate",
        "ResourceScatterAdd", "ResourceScatterSub", "ApplyGradients", "InitializeVariables"}) {
    ops.push_back({.name = name, .stateful = true, .changes_variables = true});
  }
  return ops;
}

namespace {

Output Change(const Variable& variable, absl::string_view op, std::vector<Output> inputs,
              const std::string& name, const char* default_name) {
  CheckWhole(variable, "changed");
  VariableState* const state = Unwrap(variable);
  Node* const node = state->graph->AddNode({.op = op,
                                            .name = NameOr(name, default_name),
                                            .inputs = std::move(inputs),
                                            .outputs = {{variable.dtype(), variable.shape()}},
                                            .variable = state});
  return Wrap(NodeOutput{node, 0});
}

Output Whole(const Variable& variable, absl::string_view op, const Input& value,
             const std::string& name, const char* default_name, const char* what) {
  const Output output = ToOutput(value, "value", variable.dtype());
  CheckFits(variable, output, Output(), what);
  return Change(variable, op, {output}, name, default_name);
}

Output Rows(const Variable& variable, absl::string_view op, const Input& rows, const Input& values,
            const std::string& name, const char* default_name) {
  Output indices = ToOutput(rows, "indices");
  Output output = ToOutput(values, "updates", variable.dtype());
  const Shape& shape = variable.shape();
  const bool vector = indices.shape().known_rank() && indices.shape().rank() == 1;
  const bool perhaps_number = !output.shape().known_rank() || output.shape().rank() == 0;
  if (shape.known_rank() && shape.rank() > 0 && (!vector || perhaps_number)) {
    const std::vector<int64_t> row(shape.dims().begin() + 1, shape.dims().end());
    output = MakeOp("ScatteredRows", "updates", {output, indices},
                    {{"row", row}, {"variable", variable.name()}});
    indices = reshape(indices, {-1}, "indices");
  }
  CheckFits(variable, output, indices, "scatter to");
  return Change(variable, op, {output, indices}, name, default_name);
}

}  // namespace
}  // namespace internal

using internal::Rows;
using internal::Whole;

Output Variable::assign(const Input& value, const std::string& name) const {
  return Whole(*this, "AssignVariableOp", value, name, "Assign", "assign to");
}
Output Variable::assign_add(const Input& delta, const std::string& name) const {
  return Whole(*this, "AssignAddVariableOp", delta, name, "AssignAdd", "add to");
}
Output Variable::assign_sub(const Input& delta, const std::string& name) const {
  return Whole(*this, "AssignSubVariableOp", delta, name, "AssignSub", "subtract from");
}
Output Variable::scatter_update(const Input& rows, const Input& values,
                                const std::string& name) const {
  return Rows(*this, "ResourceScatterUpdate", rows, values, name, "ScatterUpdate");
}
Output Variable::scatter_add(const Input& rows, const Input& values,
                             const std::string& name) const {
  return Rows(*this, "ResourceScatterAdd", rows, values, name, "ScatterAdd");
}
Output Variable::scatter_sub(const Input& rows, const Input& values,
                             const std::string& name) const {
  return Rows(*this, "ResourceScatterSub", rows, values, name, "ScatterSub");
}

Operation group(const std::vector<Operation>& operations, const std::string& name) {
  internal::GraphState& graph = internal::Current();
  return internal::Wrap(graph.AddNode({.op = "NoOp",
                                       .name = internal::NameOr(name, "group_deps"),
                                       .control_inputs = graph.Own(operations)}));
}

Operation no_op(const std::string& name) {
  return internal::Wrap(
      internal::Current().AddNode({.op = "NoOp", .name = internal::NameOr(name, "NoOp")}));
}

}  // namespace varscope
