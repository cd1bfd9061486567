// Which variable scope is current, and how often each was opened (TensorFlow's
// _VariableScopeStore).
#ifndef VARSCOPE_CLIENT_GRAPH_VARIABLE_SCOPES_H_
#define VARSCOPE_CLIENT_GRAPH_VARIABLE_SCOPES_H_

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "varscope/scopes.h"

namespace varscope::internal {

class VariableScopes {
 public:
  using State = VariableScope::State;

  VariableScopes() : current_(std::make_shared<State>()) {}

  const std::shared_ptr<State>& current() const { return current_; }

  // What Leave needs to undo an Enter.
  struct Entered {
    std::shared_ptr<State> previous;
    std::shared_ptr<State> opened;
    std::optional<std::map<std::string, int>> counts;  // restored when a captured scope is left
  };

  // Prolongs the current scope by `name`.
  Entered EnterNamed(const std::string& name, const std::string& name_scope,
                     const ScopeOptions& options);
  // Jumps to a captured scope.
  Entered EnterCaptured(const State& captured, const ScopeOptions& options);
  void Leave(const Entered& entered);

  // `prefix`, or `prefix_1` and so on, not opened yet inside the current scope.
  std::string UniqueDefaultName(const std::string& prefix) const;

 private:
  int CountOf(const std::string& name) const;

  std::shared_ptr<State> current_;
  std::map<std::string, int> counts_;
};

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_GRAPH_VARIABLE_SCOPES_H_
