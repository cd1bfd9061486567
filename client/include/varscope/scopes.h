// variable_scope and name_scope. A graph has one current scope of each kind, whichever thread
// builds it. Thread-compatible, as the graph (graph.h); scopes must be closed in the reverse order
// of their opening (scope_guard.h).
//
//   varscope::variable_scope foo("foo");
//   varscope::Variable v = varscope::get_variable("v", {{1}});   // foo/v
#ifndef VARSCOPE_SCOPES_H_
#define VARSCOPE_SCOPES_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "varscope/graph.h"
#include "varscope/initializers.h"
#include "varscope/reuse.h"

namespace varscope {

namespace internal {
struct ScopeState;
}

class Variable;
struct GetVariableArgs;

// TensorFlow's tf.AUTO_REUSE.
inline constexpr Reuse AUTO_REUSE = Reuse::kAuto;

// Returns the value of a regularizer for a variable, a scalar; or an undefined Output for none.
// What it throws, get_variable throws.
using Regularizer = std::function<Output(const Variable&)>;
// Returns into how many parts to split each dimension of the shape, which is fully defined and no
// scalar's: one entry for each, from 1 to 65536, at most one of them above 1; else get_variable
// throws ValueError. Dimensions that do not divide evenly make the first parts longer by one.
using Partitioner = std::function<std::vector<int64_t>(const Shape&, DType)>;
// Gets or creates a variable. `name` is the full variable-scope name; in the arguments, what was
// absent has the scope's value.
using Getter = std::function<Variable(const std::string& name, const GetVariableArgs&)>;
// Calls the getter that it is given, as often as it likes, or replaces it. One of an inner scope is
// given that of the scope around it.
using CustomGetter =
    std::function<Variable(const Getter& getter, const std::string& name, const GetVariableArgs&)>;

// Returns a partitioner that splits dimension `axis`, in [-rank, rank), into `num_shards` parts, or
// as many as it has rows if these are fewer. For another axis, get_variable throws LookupError. As
// tf.fixed_size_partitioner.
Partitioner fixed_size_partitioner(int64_t num_shards, int axis = 0);

// What a scope hands to the get_variable calls inside it; absent: inherited.
struct ScopeOptions {
  // Absent or kFalse: inherited from the scope around it (kTrue and kAuto are).
  std::optional<Reuse> reuse = {};
  std::optional<Initializer> initializer = {};
  Regularizer regularizer = {};
  std::optional<DType> dtype = {};  // float32 at the root
  Partitioner partitioner = {};
  CustomGetter custom_getter = {};  // calls that of the scope around it as its getter
  // False: opens no name scope of its own.
  bool auxiliary_name_scope = true;
};

// An open scope, or one that was captured. A handle: copies are the same scope. It stays usable
// when the scope is closed. References are valid as long as a handle of the scope.
class VariableScope {
 public:
  const std::string& name() const;  // "foo/bar"; empty for the root
  // Returns the name scope that this scope opened first: "foo/bar/", "foo_1/bar/".
  const std::string& original_name_scope() const;
  // Return what get_variable has in this scope when its arguments do not say.
  Reuse reuse() const;
  DType dtype() const;
  // From here on get_variable in this scope, and in scopes opened inside it later, must reuse.
  void reuse_variables();

  // True for handles of the same scope. Each time that a scope is opened it is another one.
  friend bool operator==(const VariableScope&, const VariableScope&) = default;
  // Returns another number for each scope that is open or captured.
  uintptr_t id() const { return reinterpret_cast<uintptr_t>(state_.get()); }

 private:
  friend struct internal::Access;
  explicit VariableScope(std::shared_ptr<internal::ScopeState> state) : state_(std::move(state)) {}

  std::shared_ptr<internal::ScopeState> state_;
};

// TensorFlow's name_or_scope: none, a name, or a captured scope.
using NameOrScope = std::variant<std::monostate, std::string, VariableScope>;

// A variable scope that is open for the lifetime of this object, in the default graph. The
// constructors throw what Enter throws.
class variable_scope : public ScopeGuard {
 public:
  explicit variable_scope(const std::string& name, const ScopeOptions& options = {})
      : variable_scope(Enter(name, {}, {}, options)) {}
  explicit variable_scope(const char* name, const ScopeOptions& options = {})
      : variable_scope(std::string(name), options) {}
  // Enters a captured scope again: the new scope is called as that one, not inside the current one.
  explicit variable_scope(const VariableScope& scope, const ScopeOptions& options = {})
      : variable_scope(Enter(scope, {}, {}, options)) {}
  // Opens a scope named `default_name`, made unique among the scopes that were opened inside the
  // current one.
  static variable_scope with_default_name(const std::string& default_name,
                                          const ScopeOptions& options = {}) {
    return variable_scope(Enter({}, default_name, {}, options));
  }

  // TensorFlow's variable_scope(name_or_scope, default_name, values): opens a scope until Leave.
  // `default_name` counts when there is no name or scope. With values it opens the scope in their
  // graph, which is the thread's default graph as long. get_variable_scope() then is the new scope.
  //
  // Throws TypeError without any name, and ValueError for an invalid name, for a default name with
  // reuse, and for values of several graphs.
  static ScopeToken Enter(const NameOrScope& name_or_scope,
                          const std::optional<std::string>& default_name = {},
                          const std::vector<Output>& values = {}, const ScopeOptions& options = {});

  // As those of scope().
  const std::string& name() const { return scope_.name(); }
  const std::string& original_name_scope() const { return scope_.original_name_scope(); }
  void reuse_variables() { scope_.reuse_variables(); }
  // Returns the scope itself, to capture it.
  const VariableScope& scope() const { return scope_; }
  operator const VariableScope&() const { return scope_; }

 private:
  explicit variable_scope(ScopeToken token);

  VariableScope scope_;
};

// Returns the current scope of the default graph; the root has no name.
VariableScope get_variable_scope();

// A name scope that is open for the lifetime of this object, in the default graph. It names ops,
// and variables of Variable(); get_variable does not see it. The name "" is the root; a name that
// ends with '/' enters that very scope again.
class name_scope : public ScopeGuard {
 public:
  // Throws ValueError for an invalid name.
  explicit name_scope(const std::string& name);
  // Opens it until Leave. Graph::get_name_scope() then is the new scope.
  static ScopeToken Enter(const std::string& name);

  const std::string& name() const { return name_; }  // "x/y/", or "" at the root

 private:
  std::string name_;
};

}  // namespace varscope

#endif  // VARSCOPE_SCOPES_H_
