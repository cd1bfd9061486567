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

// What VariableScope refers to.
struct ScopeState {
  std::string name;
  std::string original_name_scope;
  Reuse reuse = Reuse::kFalse;
  DType dtype = DType::kFloat32;
  std::optional<Initializer> initializer;
  Regularizer regularizer;
  Partitioner partitioner;
  CustomGetter custom_getter;
};

class VariableScopes {
 public:
  VariableScopes() : current_(std::make_shared<ScopeState>()) {}

  const std::shared_ptr<ScopeState>& current() const { return current_; }

  // What Leave needs to undo an Enter.
  struct Entered {
    std::shared_ptr<ScopeState> previous;
    std::shared_ptr<ScopeState> opened;
    std::optional<std::map<std::string, int>> counts;  // restored when a captured scope is left
  };

  // Prolongs the current scope by `name`.
  Entered EnterNamed(const std::string& name, const std::string& name_scope,
                     const ScopeOptions& options);
  // Jumps to a captured scope.
  Entered EnterCaptured(const ScopeState& captured, const ScopeOptions& options);
  void Leave(const Entered& entered);

  // `prefix`, or `prefix_1` and so on, not opened yet inside the current scope.
  std::string UniqueDefaultName(const std::string& prefix) const;

 private:
  int CountOf(const std::string& name) const;

  std::shared_ptr<ScopeState> current_;
  std::map<std::string, int> counts_;
};

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_GRAPH_VARIABLE_SCOPES_H_
