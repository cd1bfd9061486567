// get_variable and Variable: names in the graph, tensors on the server.
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
  std::string name = "";  // empty: "Variable"
  std::optional<DType> dtype = {};
  bool trainable = true;
};

// A handle to a shared variable. Copies, and other get_variable calls of the same name in one
// graph, are the same object (operator==).
class Variable {
 public:
  Variable() = default;
  // Always a new variable: the name is made unique, in the graph and across the server's store.
  explicit Variable(const Initializer& initial_value, VariableOptions options = {},
                    const SourceLocation& where = std::source_location::current());
  std::string name() const;  // "foo/v:0"; a partitioned one: "foo/v"
  Operation op() const;
  Graph graph() const;
  DType dtype() const;
  const Shape& shape() const;  // the full shape when partitioned
  bool trainable() const;
  // The parts of a partitioned variable, else the variable itself.
  std::vector<Variable> parts() const;
  bool is_partitioned() const;
  bool defined() const { return state_ != nullptr; }

  // The value at this place of the program: under control_dependencies that of after them, writes
  // of the same run included; else that of the run's first pull, before its own writes.
  Output value() const;
  operator Output() const { return value(); }
  // The value of the run's first pull, whatever control_dependencies are open.
  Output unordered_value() const;

  // Ops that change the server's tensor when they run. Those of a run that do not depend on each
  // other go in one push; see Session. The output is the value after the change, to fetch or to
  // feed other ops, which then run after it.
  Output assign(const Input& value, const std::string& name = "") const;
  Output assign_add(const Input& delta, const std::string& name = "") const;
  Output assign_sub(const Input& delta, const std::string& name = "") const;
  // rows: int32 or int64 [n]; values: [n, ...].
  Output scatter_update(const Input& rows, const Input& values, const std::string& name = "") const;
  Output scatter_add(const Input& rows, const Input& values, const std::string& name = "") const;
  Output scatter_sub(const Input& rows, const Input& values, const std::string& name = "") const;

  friend bool operator==(const Variable& a, const Variable& b) { return a.state_ == b.state_; }

 private:
  friend struct internal::Access;
  explicit Variable(std::shared_ptr<internal::VariableState> state) : state_(std::move(state)) {}

  std::shared_ptr<internal::VariableState> state_;  // shares the ownership of the graph
};

struct GetVariableArgs {
  std::optional<Shape> shape = {};
  std::optional<DType> dtype = {};  // absent: the scope's
  std::optional<Initializer> initializer = {};
  Regularizer regularizer = {};
  std::optional<bool> trainable = {};  // absent: true when it creates, unchecked when it shares
  Partitioner partitioner = {};
  CustomGetter custom_getter = {};
  std::optional<Reuse> reuse = {};  // absent: the scope's
};

// Gets or creates, as the current variable scope's reuse says. ValueError as TensorFlow's, with
// both definitions (worker, file and line) in detail() when two collide.
Variable get_variable(const std::string& name, GetVariableArgs args,
                      const SourceLocation& where = std::source_location::current());
// A braced shape, get_variable("w", {2, 3}), or a Shape; the latter as a template, because GCC 12
// takes GetVariableArgs' braces for a Shape's.
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
Variable get_variable(const std::string& name,
                      const SourceLocation& where = std::source_location::current());

// Collections of the current graph, in order of creation. `scope` keeps those whose names
// ("foo/v:0") match it from their beginning on, as a regular expression: "[DG]/" is the scopes D
// and G. ValueError when it is none. (Perl's syntax, which is Python's but for rarities.)
std::vector<Variable> global_variables(const std::string& scope = "");
std::vector<Variable> trainable_variables(const std::string& scope = "");
std::vector<Output> regularization_losses(const std::string& scope = "");

// Makes sure that every variable of the graph has its first value. Never resets: whoever shares a
// variable sees the first initialization. (The server initializes what it can when it creates; this
// sends the values that a worker computes.)
Operation global_variables_initializer();

}  // namespace varscope

#endif  // VARSCOPE_VARIABLES_H_
