// get_variable and Variable: names in the graph, tensors on the server.
//
// In a connected graph, a definition of what the graph does not know is one call to the server,
// which checks it against those of all workers; it ends within ConnectOptions::timeout. In a graph
// that is not connected the graph alone checks them, and the server when a Session connects it.
// Functions that define a variable throw
//   ValueError  where TensorFlow does, with TensorFlow's text; when two definitions collide,
//               detail() has both, with worker, file and line
//   TypeError   for a dtype that is none (kInvalid), for a literal that cannot have it (number.h)
//   OpError     when the server cannot be reached (UnavailableError, DeadlineExceededError), knows
//               another worker by this id (AbortedError), or refuses what the contract allows: a
//               name of more than 1024 bytes, an initializer that cannot make the dtype or shape, a
//               variable above its limits (InvalidArgumentError, ResourceExhaustedError)
// Thread-compatible, as the graph (graph.h).
#ifndef VARSCOPE_VARIABLES_H_
#define VARSCOPE_VARIABLES_H_

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "varscope/graph.h"
#include "varscope/initializers.h"
#include "varscope/scopes.h"
#include "varscope/source_location.h"

namespace varscope {

namespace internal {
struct VariableState;
}

class Input;

struct VariableOptions {
  std::string name = {};            // empty: "Variable"
  std::optional<DType> dtype = {};  // absent: the initial value's; else the value is cast
  bool trainable = true;            // whether it is one of trainable_variables()
};

// A handle to a shared variable, which keeps its graph alive. Copies, and other get_variable calls
// of the same name in one graph, are the same object (operator==). An undefined one, as
// default-constructed, throws ValueError whatever is asked of it but defined(), copying and
// comparing.
class Variable {
 public:
  Variable() = default;
  // Defines a new variable in the default graph, always: the name is made unique, in the graph and
  // across the server's store (SharingMode::kReplicated: copies of one program attach by name).
  // `initial_value` is a value, or an Output whose shape is fully defined; an InitializerSpec,
  // which has no shape, is a ValueError. A value above 64 KiB, and an Output, get to the server by
  // global_variables_initializer(). Throws as this file's head says. As tf.Variable.
  explicit Variable(const Initializer& initial_value, VariableOptions options = {},
                    const SourceLocation& where = std::source_location::current());
  // Returns "foo/v:0"; of a partitioned one "foo/v".
  std::string name() const;
  // Returns the op that stands for the variable in the graph; of a partitioned one, for its first
  // part. To run it does nothing.
  Operation op() const;
  Graph graph() const;
  DType dtype() const;
  // Returns the shape, the full one when partitioned. Valid as long as the graph.
  const Shape& shape() const;
  bool trainable() const;
  // Returns the parts of a partitioned variable in order, else the variable itself.
  std::vector<Variable> parts() const;
  bool is_partitioned() const;
  bool defined() const { return state_ != nullptr; }

  // Returns the value at this place of the program: under control_dependencies that of after them,
  // writes of the same run included; else that of the run's first pull, before its own writes. The
  // parts of a partitioned variable are joined.
  Output value() const;
  operator Output() const { return value(); }
  // Returns the value of the run's first pull, whatever control_dependencies are open.
  Output unordered_value() const;

  // Ops that change the server's tensor when they run. Those of a run that do not depend on each
  // other go in one push; see Session. The output is the value after the change, to fetch or to
  // feed other ops, which then run after it.
  //
  // Values have the variable's dtype; a literal number takes it. Integers wrap where they overflow.
  // Throw ValueError for another dtype, for a shape or a number of rows that cannot fit, and for a
  // partitioned variable, which is changed part by part. A run throws InvalidArgumentError, and
  // sends nothing, where they do not fit. The server answers with InvalidArgumentError for a row
  // that is not there, and for a NaN or an infinity, unless the same push has gradients that may
  // have them (PushOptions::allow_nonfinite); with FailedPreconditionError for a variable that has
  // no value yet, but not to assign(). Variables that are bool take assign and scatter_update
  // alone, else InvalidArgumentError.

  // A new value, or what is added to it or subtracted from it: of the variable's shape, which is
  // not broadcast to.
  Output assign(const Input& value, const std::string& name = "") const;
  Output assign_add(const Input& delta, const std::string& name = "") const;
  Output assign_sub(const Input& delta, const std::string& name = "") const;
  // Some rows (along the first dimension) alone. rows: int32 or int64 of any shape, each in
  // [0, rows); values: one row for each, [rows' shape..., row's shape...], or a number for all
  // elements of these rows. Of a row that is there several times,
  // scatter_update leaves the last value, scatter_add and scatter_sub apply all.
  Output scatter_update(const Input& rows, const Input& values, const std::string& name = "") const;
  Output scatter_add(const Input& rows, const Input& values, const std::string& name = "") const;
  Output scatter_sub(const Input& rows, const Input& values, const std::string& name = "") const;

  // True for handles of the same variable in the same graph, and for two undefined ones.
  friend bool operator==(const Variable& a, const Variable& b) { return a.state_ == b.state_; }

 private:
  friend struct internal::Access;
  explicit Variable(std::shared_ptr<internal::VariableState> state) : state_(std::move(state)) {}

  std::shared_ptr<internal::VariableState> state_;  // shares the ownership of the graph
};

// The arguments of get_variable. What is absent has the current variable scope's value, if it has
// one (ScopeOptions).
struct GetVariableArgs {
  // The full shape. Absent: the initial value's, or the existing variable's. With a value or an
  // Output as the initializer it must be absent, unless the variable is partitioned.
  std::optional<Shape> shape = {};
  // With a value or an Output as the initializer it must be absent or that one's.
  std::optional<DType> dtype = {};
  // Absent in the scope, too: glorot_uniform for floating dtypes, zeros for the others. Of a
  // partitioned variable it is no Output.
  std::optional<Initializer> initializer = {};
  // Called once for each variable, or part, that is new in this graph. What it returns, if it is
  // defined, is added to GraphKeys::REGULARIZATION_LOSSES.
  Regularizer regularizer = {};
  std::optional<bool> trainable = {};  // absent: true when it creates, unchecked when it shares
  // Splits a variable that is not a scalar, which then is partitioned, be it into one part.
  Partitioner partitioner = {};
  // Called in place of the getter, which it is given.
  CustomGetter custom_getter = {};
  std::optional<Reuse> reuse = {};
};

// Returns the variable "<current variable scope>/<name>" of the default graph: one that exists, or
// a new one, as `reuse` says (reuse.h). Name scopes do not count. Throws as this file's head says.
// As tf.get_variable.
//
// A new variable has its initial value at once; but a value above 64 KiB of an unpartitioned one,
// and an Output, get to the server by global_variables_initializer(). Until then a run that reads
// it throws FailedPreconditionError.
Variable get_variable(const std::string& name, GetVariableArgs args,
                      const SourceLocation& where = std::source_location::current());
// The same with a braced shape, get_variable("w", {2, 3}), or a Shape; the latter as a template,
// because GCC 12 takes GetVariableArgs' braces for a Shape's.
inline Variable get_variable(const std::string& name, std::initializer_list<int64_t> shape,
                             const SourceLocation& where = std::source_location::current()) {
  return get_variable(name, {.shape = Shape(shape)}, where);
}
inline Variable get_variable(const std::string& name, std::initializer_list<int64_t> shape,
                             DType dtype,
                             const SourceLocation& where = std::source_location::current()) {
  return get_variable(name, {.shape = Shape(shape), .dtype = dtype}, where);
}
template <std::same_as<Shape> T>
Variable get_variable(const std::string& name, const T& shape,
                      const SourceLocation& where = std::source_location::current()) {
  return get_variable(name, {.shape = shape}, where);
}
template <std::same_as<Shape> T>
Variable get_variable(const std::string& name, const T& shape, DType dtype,
                      const SourceLocation& where = std::source_location::current()) {
  return get_variable(name, {.shape = shape, .dtype = dtype}, where);
}
// The same without a shape: of a variable that exists, or with the scope's initial value.
Variable get_variable(const std::string& name,
                      const SourceLocation& where = std::source_location::current());

// These return collections of the default graph, in order of creation: the variables that it knows,
// a partitioned one as its parts; those of them that are trainable; what regularizers gave; and
// what the program added (collections.h). `scope` keeps those whose names ("foo/v:0") match it from
// their beginning on, as a regular expression: "[DG]/" is the scopes D and G. (Perl's syntax, which
// is Python's but for rarities.) Throw ValueError when it is none, or takes too long to match.
std::vector<Variable> global_variables(const std::string& scope = "");
std::vector<Variable> trainable_variables(const std::string& scope = "");
std::vector<Output> regularization_losses(const std::string& scope = "");

// Returns an op of the default graph that makes sure that every variable which the graph knows by
// now has its initial value. Never resets: whoever shares a variable sees the first initialization.
// (The server initializes what it can when it creates; this sends the values that a worker
// computes, and those that are too large for a definition.) As tf.global_variables_initializer.
Operation global_variables_initializer();

}  // namespace varscope

#endif  // VARSCOPE_VARIABLES_H_
