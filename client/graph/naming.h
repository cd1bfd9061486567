// Name scopes and unique op names: TensorFlow's rules (Graph.unique_name, Graph.name_scope).
#ifndef VARSCOPE_CLIENT_GRAPH_NAMING_H_
#define VARSCOPE_CLIENT_GRAPH_NAMING_H_

#include <string>
#include <unordered_map>

#include "absl/status/status.h"

namespace varscope::internal {

class Names {
 public:
  // The current scope without the slash at its end; empty at the root.
  const std::string& scope() const { return scope_; }

  // `name` in the current scope, with _1, _2, ... when it is taken; names that differ only in case
  // collide. The result is taken from then on.
  std::string Unique(const std::string& name);
  // What Unique would say, without taking it.
  std::string Peek(const std::string& name) const;

  // An op's name: unique, or exactly `name` without its slash when it ends with one.
  std::string ForOp(const std::string& name);

  // OK, or InvalidArgument with TensorFlow's text.
  absl::Status Validate(const std::string& scope_name) const;

  // Enters a scope (empty: the root; ending with '/': that very scope). Requires a valid name.
  // Returns the scope that was current, for Leave.
  std::string Enter(const std::string& name);
  void Leave(const std::string& previous) { scope_ = previous; }

 private:
  std::string scope_;
  std::unordered_map<std::string, int> in_use_;  // lower-cased
};

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_GRAPH_NAMING_H_
