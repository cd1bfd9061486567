// A worker's local graph: ops and their symbolic outputs. Variables live on the server; a graph
// refers to them.
//
// Thread-compatible: one thread at a time builds a graph. Every Output, Operation and Variable is a
// cheap handle that is valid as long as its Graph.
#ifndef VARSCOPE_GRAPH_H_
#define VARSCOPE_GRAPH_H_

#include <chrono>
#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

#include "varscope/dtype.h"
#include "varscope/shape.h"
#include "varscope/tensor.h"

namespace varscope {

class Graph;

namespace internal {
struct Node;
class GraphState;
}  // namespace internal

// One op of a graph.
class Operation {
 public:
  Operation() = default;
  explicit Operation(internal::Node* node) : node_(node) {}

  const std::string& name() const;  // "foo/bar/add"
  std::string type() const;         // "Add"
  Graph& graph() const;
  bool defined() const { return node_ != nullptr; }
  internal::Node* node() const { return node_; }
  friend bool operator==(const Operation& a, const Operation& b) { return a.node_ == b.node_; }

 private:
  internal::Node* node_ = nullptr;
};

// A symbolic value: one output of an op.
class Output {
 public:
  Output() = default;
  Output(internal::Node* node, int index) : node_(node), index_(index) {}

  Operation op() const { return Operation(node_); }
  std::string name() const;  // "foo/bar/add:0"
  DType dtype() const;
  const Shape& shape() const;  // as far as it is known when the graph is built
  bool defined() const { return node_ != nullptr; }
  internal::Node* node() const { return node_; }
  int index() const { return index_; }
  // The same symbol, not equal values: see equal() in ops.h for those.
  friend bool operator==(const Output& a, const Output& b) {
    return a.node_ == b.node_ && a.index_ == b.index_;
  }
  friend bool operator<(const Output& a, const Output& b) {
    return a.node_ != b.node_ ? a.node_ < b.node_ : a.index_ < b.index_;
  }

 private:
  internal::Node* node_ = nullptr;
  int index_ = 0;
};

// Who judges reuse; see the README's table.
enum class SharingMode { kGlobal, kReplicated };

// How tensors go to and from a daemon on the worker's host.
enum class TransportMode {
  // Through shared memory when daemon and worker are of one user. On another host, in another
  // network namespace, or when there is none to be had, as kTarget.
  kAuto,
  // To the address that the program names, like everything else.
  kTarget,
};

// How float32 tensors go over the wire, little-endian.
enum class Encoding {
  kNone,      // 4 bytes an element, as they are
  kFloat16,   // 2 bytes: IEEE binary16; what is beyond 65504 becomes that
  kBfloat16,  // 2 bytes: float32's range, 8 bits of precision; gradients are rounded at random
  kInt8,      // 1 byte: 255 steps for each 256 elements, by the largest of them; gradients only
};

// Of the variables whose names are `prefix` or begin with it and a slash; the longest prefix wins,
// the empty one has all the rest. Variables of other dtypes go as they are, and so does what a
// daemon does not understand.
struct CompressionRule {
  std::string prefix = "";
  // Gradients. What a dense one loses is added to the variable's next one (error feedback), in the
  // memory of this worker: one more gradient for each variable.
  Encoding push = Encoding::kNone;
  // Values, rounded to nearest. The daemon's stay whole.
  Encoding pull = Encoding::kNone;
};

struct ConnectOptions {
  // The same id after a restart is the same definer. Empty: VARSCOPE_WORKER, else host-pid-number.
  std::string worker_id = "";
  SharingMode sharing = SharingMode::kGlobal;
  // For each call to the server; also how long the first connection may take.
  std::chrono::milliseconds timeout = std::chrono::seconds(60);
  // Holds on to what was pulled last (up to 1 GiB), so that what has not changed does not come
  // again.
  bool cache_pulls = true;
  // A run that trains brings back the values that the next one pulls: one round trip a step instead
  // of two. The run returns when its push is done; what it brings back comes while the program and
  // the next run's ops that need no variable go on. The values are then those of the last run's
  // end, not of the next one's beginning: what other workers push in between is seen a step later.
  // A barrier ends that.
  bool prefetch = false;
  // A CRC32C in each frame that goes to or comes from the target's address: what a network damages
  // is sent again. Costs a pass over the bytes on both sides; see tests/bench/RESULTS.md.
  bool checksums = true;
  // For networks that are slower than the rounding. ValueError for a rule that makes no sense.
  std::vector<CompressionRule> compression = {};
  // VARSCOPE_TRANSPORT=target in the environment turns kAuto into kTarget.
  TransportMode transport = TransportMode::kAuto;
};

class Graph {
 public:
  // Not connected: names are judged inside the graph until a Session connects it.
  Graph();
  // Connected to a daemon, "127.0.0.1:7077" or "unix:/run/varscope.sock": get_variable and Variable
  // resolve to the server's tensors at once. Throws UnavailableError when nobody answers in time.
  explicit Graph(const std::string& target, ConnectOptions options = {});
  ~Graph();
  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;

  // Makes this the graph that the calling thread's ops go to, for the lifetime of the result.
  class AsDefault {
   public:
    explicit AsDefault(Graph& graph);
    ~AsDefault();
    AsDefault(const AsDefault&) = delete;
    AsDefault& operator=(const AsDefault&) = delete;
  };
  [[nodiscard]] AsDefault as_default() { return AsDefault(*this); }

  // The innermost as_default() of this thread, else one graph for the whole process.
  static Graph& get_default();

  bool connected() const;
  // Empty while not connected.
  std::string worker_id() const;
  // In creation order.
  std::vector<Operation> get_operations() const;
  // ValueError when there is none.
  Operation get_operation_by_name(const std::string& name) const;
  // "name:0". ValueError when there is none.
  Output get_tensor_by_name(const std::string& name) const;
  // The current name scope, without the slash at its end.
  std::string get_name_scope() const;
  // `name`, or `name_1` and so on, in the current name scope; it is taken from then on.
  std::string unique_name(const std::string& name);

  internal::GraphState& state() const { return *state_; }

 private:
  std::unique_ptr<internal::GraphState> state_;
};

// Ops made while it lives run only after `operations`; variables that they use are read after them,
// too. Variables themselves are made outside of it.
class control_dependencies {
 public:
  explicit control_dependencies(const std::vector<Operation>& operations);
  ~control_dependencies();
  control_dependencies(const control_dependencies&) = delete;
  control_dependencies& operator=(const control_dependencies&) = delete;

 private:
  internal::GraphState& state_;
};

}  // namespace varscope

#endif  // VARSCOPE_GRAPH_H_
