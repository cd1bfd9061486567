// Opens the scopes of a given graph; what holds in it for as long as a guard lives.
#ifndef VARSCOPE_CLIENT_GRAPH_SCOPE_GUARDS_H_
#define VARSCOPE_CLIENT_GRAPH_SCOPE_GUARDS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "client/graph/body.h"
#include "client/graph/scope_stack.h"
#include "client/graph/state.h"

namespace varscope::internal {

// These return the scope's number in graph.open_scopes().
// ValueError for an invalid name. "" is the root, "x/" re-enters x.
uint64_t OpenNameScope(GraphState& graph, const std::string& name);
// Ops wait for these, too.
uint64_t OpenControl(GraphState& graph, std::vector<Node*> after);
// Ops wait for nothing, whatever control_dependencies are open.
uint64_t SuspendControl(GraphState& graph);

// "x/y/", or "" at the root.
inline std::string NameScopeOf(const GraphState& graph) {
  const std::string& scope = graph.names().scope();
  return scope.empty() ? "" : scope + "/";
}

class NameScopeGuard {
 public:
  NameScopeGuard(GraphState& graph, const std::string& name)
      : scope_(graph.open_scopes(), OpenNameScope(graph, name)), name_(NameScopeOf(graph)) {}

  const std::string& name() const { return name_; }

 private:
  OpenScope scope_;
  const std::string name_;
};

class NoControlGuard {
 public:
  explicit NoControlGuard(GraphState& graph) : scope_(graph.open_scopes(), SuspendControl(graph)) {}

 private:
  OpenScope scope_;
};

// Ops go to a body.
class BodyGuard {
 public:
  BodyGuard(GraphState& graph, Body* body) : scope_(graph.open_scopes(), OpenBody(graph, body)) {}

 private:
  OpenScope scope_;
};

// Ops go to the graph itself.
class OutsideGuard {
 public:
  explicit OutsideGuard(GraphState& graph) : scope_(graph.open_scopes(), OpenOutside(graph)) {}

 private:
  OpenScope scope_;
};

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_GRAPH_SCOPE_GUARDS_H_
