// What holds in a given graph for as long as a guard lives.
#ifndef VARSCOPE_CLIENT_GRAPH_SCOPE_GUARDS_H_
#define VARSCOPE_CLIENT_GRAPH_SCOPE_GUARDS_H_

#include <string>
#include <utility>
#include <vector>

#include "client/graph/state.h"

namespace varscope::internal {

// Opens a name scope. ValueError for an invalid name. "" is the root, "x/" re-enters x.
class NameScopeGuard {
 public:
  NameScopeGuard(GraphState& graph, const std::string& name);
  ~NameScopeGuard();
  NameScopeGuard(const NameScopeGuard&) = delete;
  NameScopeGuard& operator=(const NameScopeGuard&) = delete;

  const std::string& name() const { return name_; }  // "x/y/", or "" at the root

 private:
  GraphState& graph_;
  std::string previous_;
  std::string name_;
};

// Ops that are made while it lives wait for nothing, whatever control_dependencies are open.
class NoControlGuard {
 public:
  explicit NoControlGuard(GraphState& graph)
      : graph_(graph), suspended_(std::exchange(graph.control(), {})) {}
  ~NoControlGuard() { graph_.control() = std::move(suspended_); }
  NoControlGuard(const NoControlGuard&) = delete;
  NoControlGuard& operator=(const NoControlGuard&) = delete;

 private:
  GraphState& graph_;
  std::vector<std::vector<Node*>> suspended_;
};

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_GRAPH_SCOPE_GUARDS_H_
