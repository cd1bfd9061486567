// From the public handles, which own their graph, to the graph's own pointers, and back.
//
// Inside a graph nothing owns the graph: ops and variables refer to each other by pointers. So
// there are no cycles of ownership, and building and running a graph count no references.
#ifndef VARSCOPE_CLIENT_GRAPH_HANDLES_H_
#define VARSCOPE_CLIENT_GRAPH_HANDLES_H_

#include <memory>
#include <utility>

#include "client/graph/node_output.h"
#include "varscope/graph.h"
#include "varscope/scopes.h"
#include "varscope/variables.h"

namespace varscope::internal {

struct VariableState;

// The friend of the handles. Other code calls Unwrap and Wrap.
struct Access {
  static NodeOutput Get(const Output& output);
  static Node* Get(const Operation& operation);
  static VariableState* Get(const Variable& variable);
  static const std::shared_ptr<GraphState>& Get(const Graph& graph) { return graph.state_; }
  static const std::shared_ptr<ScopeState>& Get(const VariableScope& scope) { return scope.state_; }

  static Output Make(const NodeOutput& output);
  static Operation Make(Node* node);
  static Variable Make(VariableState* variable);
  static Graph Make(std::shared_ptr<GraphState> graph) { return Graph(std::move(graph)); }
  static VariableScope Make(std::shared_ptr<ScopeState> scope) {
    return VariableScope(std::move(scope));
  }
};

// What a handle refers to. ValueError when it is undefined.
template <typename Handle>
decltype(auto) Unwrap(const Handle& handle) {
  return Access::Get(handle);
}

// A handle that keeps the graph alive; for a null pointer an undefined one.
template <typename Own>
auto Wrap(Own&& own) {
  return Access::Make(std::forward<Own>(own));
}

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_GRAPH_HANDLES_H_
