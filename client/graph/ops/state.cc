// Ops that read or change the server's variables; the session carries them out.
#include "client/graph/fits.h"
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
  const Output indices = ToOutput(rows, "indices");
  const Output output = ToOutput(values, "updates", variable.dtype());
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
