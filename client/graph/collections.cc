// What a graph has collected: variables, losses, and the op that initializes.
#include "client/graph/handles.h"
#include "client/graph/scope_filter.h"
#include "client/graph/state.h"
#include "varscope/variables.h"

namespace varscope {

std::vector<Variable> global_variables(const std::string& scope) {
  const internal::ScopeFilter filter(scope);
  std::vector<Variable> variables;
  for (internal::VariableState* state : internal::Current().variables().all()) {
    const Variable variable = internal::Wrap(state);
    if (filter.Matches(variable.name())) variables.push_back(variable);
  }
  return variables;
}

std::vector<Variable> trainable_variables(const std::string& scope) {
  std::vector<Variable> variables;
  for (const Variable& variable : global_variables(scope)) {
    if (variable.trainable()) variables.push_back(variable);
  }
  return variables;
}

std::vector<Output> regularization_losses(const std::string& scope) {
  const internal::ScopeFilter filter(scope);
  std::vector<Output> losses;
  for (const internal::NodeOutput& own : internal::Current().regularization_losses()) {
    const Output loss = internal::Wrap(own);
    if (filter.Matches(loss.name())) losses.push_back(loss);
  }
  return losses;
}

Operation global_variables_initializer() {
  internal::GraphState& graph = internal::Current();
  std::vector<Output> values;
  std::vector<internal::VariableState*> computed;
  std::vector<internal::VariableState*> given;
  for (internal::VariableState* state : graph.variables().all()) {
    if (state->deferred_value) {
      values.push_back(internal::Wrap(*state->deferred_value));
      computed.push_back(state);
    }
    if (state->deferred_tensor) given.push_back(state);
  }
  internal::Node* const node =
      graph.AddNode({.op = "InitializeVariables", .name = "init", .inputs = std::move(values)});
  node->initializes = std::move(computed);
  node->initializes.insert(node->initializes.end(), given.begin(), given.end());
  return internal::Wrap(node);
}

}  // namespace varscope
