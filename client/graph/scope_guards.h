// Opens a name scope of a given graph for as long as it lives.
#ifndef VARSCOPE_CLIENT_GRAPH_SCOPE_GUARDS_H_
#define VARSCOPE_CLIENT_GRAPH_SCOPE_GUARDS_H_

#include <string>

#include "client/graph/state.h"

namespace varscope::internal {

// ValueError for an invalid name. "" is the root, "x/" re-enters x.
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

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_GRAPH_SCOPE_GUARDS_H_
