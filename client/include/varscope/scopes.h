// variable_scope and name_scope: open on construction, close on destruction.
//
//   varscope::variable_scope foo("foo");
//   varscope::Variable v = varscope::get_variable("v", {{1}});   // foo/v
#ifndef VARSCOPE_SCOPES_H_
#define VARSCOPE_SCOPES_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "varscope/graph.h"
#include "varscope/initializers.h"
#include "varscope/reuse.h"

namespace varscope {

namespace internal {
class NameScopeGuard;
struct ScopeState;
}  // namespace internal

class Variable;
struct GetVariableArgs;

inline constexpr Reuse AUTO_REUSE = Reuse::kAuto;

// The value that a regularizer gives for a variable: a scalar, or nothing.
using Regularizer = std::function<Output(const Variable&)>;
// Into how many parts to cut each axis of the shape.
using Partitioner = std::function<std::vector<int64_t>(const Shape&, DType)>;
// Calls or replaces the getter that it is given; `name` is the full variable-scope name.
using Getter = std::function<Variable(const std::string& name, const GetVariableArgs&)>;
using CustomGetter =
    std::function<Variable(const Getter& getter, const std::string& name, const GetVariableArgs&)>;

// Cuts axis 0 (or `axis`) into `num_shards` parts, or as many as it has rows.
Partitioner fixed_size_partitioner(int64_t num_shards, int axis = 0);

// What a scope hands to the get_variable calls inside it; absent: inherited.
struct ScopeOptions {
  // Absent or kFalse: inherited from the scope around it (kTrue and kAuto are).
  std::optional<Reuse> reuse = {};
  std::optional<Initializer> initializer = {};
  Regularizer regularizer = {};
  std::optional<DType> dtype = {};
  Partitioner partitioner = {};
  CustomGetter custom_getter = {};
  // False: opens no name scope of its own.
  bool auxiliary_name_scope = true;
};

// An open or captured scope. A handle: copies are the same scope.
class VariableScope {
 public:
  const std::string& name() const;  // "foo/bar"; empty for the root
  // Returns the name scope that this scope opened first: "foo/bar/", "foo_1/bar/".
  const std::string& original_name_scope() const;
  Reuse reuse() const;
  DType dtype() const;
  // From here on get_variable in this scope, and in scopes opened inside it later, must reuse.
  void reuse_variables();

  friend bool operator==(const VariableScope&, const VariableScope&) = default;

 private:
  friend struct internal::Access;
  explicit VariableScope(std::shared_ptr<internal::ScopeState> state) : state_(std::move(state)) {}

  std::shared_ptr<internal::ScopeState> state_;
};

// ValueError for an invalid name, a default name with reuse, and as TensorFlow's variable_scope.
class variable_scope {
 public:
  explicit variable_scope(const std::string& name, ScopeOptions options = {});
  explicit variable_scope(const char* name, ScopeOptions options = {})
      : variable_scope(std::string(name), std::move(options)) {}
  // Re-enters a captured scope: its variable prefix, not the current one.
  explicit variable_scope(const VariableScope& scope, ScopeOptions options = {});
  // No name of its own: `default_name`, made unique among the scopes opened here.
  static variable_scope with_default_name(const std::string& default_name,
                                          ScopeOptions options = {});
  ~variable_scope();
  variable_scope(const variable_scope&) = delete;
  variable_scope& operator=(const variable_scope&) = delete;

  const std::string& name() const { return scope().name(); }
  const std::string& original_name_scope() const { return scope().original_name_scope(); }
  void reuse_variables();
  const VariableScope& scope() const;
  operator const VariableScope&() const { return scope(); }

 private:
  struct Impl;
  explicit variable_scope(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// The current scope; the root has no name.
VariableScope get_variable_scope();

// Names ops, and Variable(); get_variable does not see it. "" leads to the root, a name that ends
// with '/' re-enters that scope. ValueError for an invalid name.
class name_scope {
 public:
  explicit name_scope(const std::string& name);
  ~name_scope();
  name_scope(const name_scope&) = delete;
  name_scope& operator=(const name_scope&) = delete;

  const std::string& name() const;  // "x/y/", or "" at the root

 private:
  std::unique_ptr<internal::NameScopeGuard> guard_;
};

}  // namespace varscope

#endif  // VARSCOPE_SCOPES_H_
