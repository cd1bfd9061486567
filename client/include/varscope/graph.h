// A worker's local graph: ops and their symbolic outputs. Variables live on the server; a graph
// refers to them.
//
// Graph, Operation, Output and Variable are handles: a copy is the same object, and each handle
// keeps the whole graph alive. The graph is freed when its last handle, Session, Saver and open
// scope are gone. A default-constructed Operation, Output or Variable is undefined: every use of it
// but defined(), copying and comparing throws ValueError.
//
// Thread-compatible: one thread at a time builds a graph. References that a handle returns are
// valid as long as the graph.
#ifndef VARSCOPE_GRAPH_H_
#define VARSCOPE_GRAPH_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "varscope/connect_options.h"
#include "varscope/dtype.h"
#include "varscope/scope_guard.h"
#include "varscope/shape.h"
#include "varscope/tensor.h"

namespace varscope {

class Graph;

namespace internal {
struct Access;  // from a handle to what it refers to
struct Node;
class GraphState;
}  // namespace internal

// One op of a graph.
class Operation {
 public:
  Operation() = default;

  // Returns the name with its scopes: "foo/bar/add".
  const std::string& name() const;
  // Returns what the op computes: "Add".
  std::string type() const;
  Graph graph() const;
  bool defined() const { return node_ != nullptr; }
  // True for handles of the same op, and for two undefined ones.
  friend bool operator==(const Operation& a, const Operation& b) { return a.node_ == b.node_; }

 private:
  friend struct internal::Access;
  explicit Operation(std::shared_ptr<internal::Node> node) : node_(std::move(node)) {}

  std::shared_ptr<internal::Node> node_;  // shares the ownership of the graph
};

// A symbolic value: one output of an op.
class Output {
 public:
  Output() = default;

  // Returns the op whose output this is.
  Operation op() const;
  // Returns the op's name, a colon, and index(): "foo/bar/add:0".
  std::string name() const;
  DType dtype() const;
  // Returns the shape as far as it is known before a run.
  const Shape& shape() const;
  Graph graph() const;
  bool defined() const { return node_ != nullptr; }
  // Which of the op's outputs this is; the first is 0.
  int index() const { return index_; }
  // True for handles of the same output, and for two undefined ones. ops.h has equal(), which
  // compares values when the graph runs.
  friend bool operator==(const Output& a, const Output& b) {
    return a.node_ == b.node_ && a.index_ == b.index_;
  }
  // An order for sets and maps. It has no other meaning.
  friend bool operator<(const Output& a, const Output& b) {
    return a.node_ != b.node_ ? a.node_ < b.node_ : a.index_ < b.index_;
  }

 private:
  friend struct internal::Access;
  Output(std::shared_ptr<internal::Node> node, int index) : node_(std::move(node)), index_(index) {}

  std::shared_ptr<internal::Node> node_;  // shares the ownership of the graph
  int index_ = 0;
};

// The graph itself. Functions that make ops and variables add them to the default graph, or to that
// of their operands. Functions that use a graph throw RuntimeError, once, when a ScopeGuard closed
// one of its scopes out of order before.
class Graph {
 public:
  // Makes a new, empty graph that is not connected: names are checked inside the graph until a
  // Session connects it.
  Graph();
  // Makes a new graph that is connected to the server at `target`, "127.0.0.1:7077" or
  // "unix:/run/varscope.sock": get_variable and Variable() ask the server at once. A connection has
  // a thread of its own, which renews the worker's lease; when the graph is freed it ends, and the
  // server is told. Throws
  //   UnavailableError         when no server answers within options.timeout, or at once when
  //                            waiting cannot help; it says why
  //   ValueError               for what is no address or worker id, for options that do not fit
  //                            together, and for another VARSCOPE_TRANSPORT than auto or target
  //   FailedPreconditionError  when the server is of another version
  //   ResourceExhaustedError   when the server or this process can have no more
  explicit Graph(const std::string& target, const ConnectOptions& options = {});

  // Makes this the graph that the calling thread's ops go to, until Leave, which must be in the
  // same thread.
  ScopeToken Enter() const;
  // The same, for the lifetime of the result.
  ScopeGuard as_default() const { return ScopeGuard(Enter()); }

  // Returns the innermost as_default() of this thread, else one graph for the whole process.
  static Graph get_default();

  // True once a constructor or a Session has connected it, also while the server is away.
  bool connected() const;
  // Returns this worker's id on the server; empty while the graph is not connected.
  std::string worker_id() const;
  // Returns all ops in the order of their creation.
  std::vector<Operation> get_operations() const;
  // Throws ValueError when the graph has no op of this name.
  Operation get_operation_by_name(const std::string& name) const;
  // `name` is an op's name, a colon, and the output's number: "add:0". Throws ValueError when the
  // graph has no such output.
  Output get_tensor_by_name(const std::string& name) const;
  // Returns the current name scope without the slash at its end; empty at the root.
  std::string get_name_scope() const;
  // Returns `name`, or `name_1`, `name_2` and so on when it is taken, in the current name scope.
  // The result is taken from then on.
  std::string unique_name(const std::string& name);
  // From then on what would add an op throws RuntimeError; but a variable may be read.
  void finalize();
  bool finalized() const;

  // True for handles of the same graph.
  friend bool operator==(const Graph&, const Graph&) = default;

 private:
  friend struct internal::Access;
  explicit Graph(std::shared_ptr<internal::GraphState> state) : state_(std::move(state)) {}

  std::shared_ptr<internal::GraphState> state_;
};

// Replaces the graph that Graph::get_default() returns where no as_default() is open. Throws
// RuntimeError when one is open in this thread. No other thread may use the old default graph
// meanwhile but by a handle of its own.
void reset_default_graph();

// Ops of the default graph that are made while it exists run after `operations`, and after those of
// the ones around it, and read variables after them. Variables themselves are made as if it did not
// exist. Throws ValueError for an undefined operation, and for one of another graph. As
// tf.control_dependencies.
class control_dependencies : public ScopeGuard {
 public:
  explicit control_dependencies(const std::vector<Operation>& operations)
      : ScopeGuard(Enter(operations)) {}
  // TensorFlow's control_dependencies(None): ops made while it exists wait for nothing.
  explicit control_dependencies(std::nullopt_t) : ScopeGuard(Enter(std::nullopt)) {}

  // The same, until Leave.
  static ScopeToken Enter(const std::vector<Operation>& operations);
  static ScopeToken Enter(std::nullopt_t);
};

}  // namespace varscope

#endif  // VARSCOPE_GRAPH_H_
