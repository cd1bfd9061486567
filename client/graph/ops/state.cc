// Ops that read or change the server's variables; the session carries them out.
#include "absl/strings/str_cat.h"
#include "client/graph/handles.h"
#include "client/graph/ops/build.h"
#include "client/graph/ops/table.h"
#include "varscope/ops.h"
#include "varscope/variables.h"

namespace varscope {
namespace internal {

std::vector<OpDef> StateOps() {
  std::vector<OpDef> ops = {{.name = "ReadVariableOp"},
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

// A value (or rows of it) that a variable is to take: dtype, and shape as far as it is known.
void CheckFits(const Variable& variable, const Output& value, bool rows, const char* what) {
  Shape expected = variable.shape();
  if (rows) {
    if (expected.rank() == 0) throw ValueError(absl::StrCat(variable.name(), " has no rows."));
    std::vector<int64_t> dims = expected.dims();
    dims[0] = Shape::kUnknownDim;
    expected = Shape(dims);
  }
  if (value.dtype() == variable.dtype() && value.shape().IsCompatibleWith(expected)) return;
  throw ValueError(absl::StrCat("Cannot ", what, " variable ", variable.name(), " of ",
                                Name(variable.dtype()), " ", variable.shape().ToString(),
                                " with a value of ", Name(value.dtype()), " ",
                                value.shape().ToString(), "."));
}

Output Change(const Variable& variable, absl::string_view op, std::vector<Output> inputs,
              const std::string& name, const char* default_name) {
  if (variable.is_partitioned()) {
    throw ValueError(absl::StrCat("partitioned variable ", variable.name(),
                                  " is changed part by part; see parts()."));
  }
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
  CheckFits(variable, output, false, what);
  return Change(variable, op, {output}, name, default_name);
}

Output Rows(const Variable& variable, absl::string_view op, const Input& rows, const Input& values,
            const std::string& name, const char* default_name) {
  const Output indices = ToOutput(rows, "indices");
  const Output output = ToOutput(values, "updates", variable.dtype());
  if (!IsIndex(indices.dtype()) || (indices.shape().known_rank() && indices.shape().rank() != 1)) {
    throw ValueError(absl::StrCat("Cannot scatter to variable ", variable.name(), ": the rows are ",
                                  Name(indices.dtype()), " ", indices.shape().ToString(),
                                  ", expected an int32 or int64 vector."));
  }
  CheckFits(variable, output, true, "scatter to");
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
