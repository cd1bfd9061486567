#include "varscope/graph.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "client/graph/default_stack.h"
#include "client/graph/handles.h"
#include "client/graph/scope_guards.h"
#include "client/graph/state.h"
#include "proto/concurrency/mutex.h"
#include "varscope/errors.h"

namespace varscope {
namespace internal {
namespace {

using DefaultGraphs = DefaultStack<GraphState>;

// Where no as_default() is open.
struct ProcessDefault {
  Mutex mutex;
  std::shared_ptr<GraphState> graph ABSL_GUARDED_BY(mutex) = std::make_shared<GraphState>();
};

ProcessDefault& OfProcess() {
  static auto* const process = new ProcessDefault();
  return *process;
}

// What the calling thread's ops go to.
std::shared_ptr<GraphState> Default() {
  const DefaultGraphs& of_thread = *DefaultGraphs::OfThread();
  if (!of_thread.values.empty()) return of_thread.values.back();
  ProcessDefault& process = OfProcess();
  const MutexLock lock(process.mutex);
  return process.graph;
}

}  // namespace

GraphState& Current() { return Default()->Use(); }

GraphState& GraphState::Use() {
  DefaultGraphs::OfThread()->scopes.Check();
  open_scopes_.Check();
  return *this;
}

}  // namespace internal

using internal::Unwrap;
using internal::Wrap;

const std::string& Operation::name() const { return Unwrap(*this)->name; }
std::string Operation::type() const { return std::string(Unwrap(*this)->def->name); }
Graph Operation::graph() const { return Wrap(Unwrap(*this)->graph->shared_from_this()); }

Operation Output::op() const { return Wrap(Unwrap(*this).node); }
std::string Output::name() const { return absl::StrCat(Unwrap(*this).node->name, ":", index_); }
DType Output::dtype() const { return Unwrap(*this).node->outputs[index_].dtype; }
const Shape& Output::shape() const { return Unwrap(*this).node->outputs[index_].shape; }
Graph Output::graph() const { return op().graph(); }

Graph::Graph() : state_(std::make_shared<internal::GraphState>()) {}

ScopeToken Graph::Enter() const {
  state_->Use();
  return internal::DefaultGraphs::Enter("Graph.as_default()", state_);
}

Graph Graph::get_default() {
  internal::Current();
  return Graph(internal::Default());
}

void reset_default_graph() {
  if (!internal::DefaultGraphs::OfThread()->values.empty()) {
    throw RuntimeError(
        "Do not use tf.reset_default_graph() to clear nested graphs. If you need a cleared graph, "
        "exit the nesting and create a new graph.");
  }
  internal::ProcessDefault& process = internal::OfProcess();
  auto fresh = std::make_shared<internal::GraphState>();
  const MutexLock lock(process.mutex);
  std::swap(process.graph, fresh);
}

bool Graph::connected() const { return state_->Use().store() != nullptr; }

std::string Graph::worker_id() const { return connected() ? state_->store()->worker_id() : ""; }

std::vector<Operation> Graph::get_operations() const {
  std::vector<Operation> operations;
  for (const auto& node : state_->Use().nodes()) operations.push_back(Wrap(node.get()));
  return operations;
}

Operation Graph::get_operation_by_name(const std::string& name) const {
  internal::Node* const node = state_->Use().FindNode(name);
  if (node != nullptr) return Wrap(node);
  throw ValueError(absl::StrCat("The name '", name, "' refers to an operation not in the graph."));
}

Output Graph::get_tensor_by_name(const std::string& name) const {
  const size_t colon = name.rfind(':');
  int index = 0;
  if (colon == std::string::npos || !absl::SimpleAtoi(name.substr(colon + 1), &index)) {
    throw ValueError(absl::StrCat("'", name, "' is not a tensor's name, which is 'op:0'."));
  }
  internal::Node* const node = Unwrap(get_operation_by_name(name.substr(0, colon)));
  if (index >= 0 && index < static_cast<int>(node->outputs.size())) {
    return Wrap(internal::NodeOutput{node, index});
  }
  throw ValueError(absl::StrCat("The name '", name, "' refers to an output that '", node->name,
                                "' does not have; it has ", node->outputs.size(), "."));
}

std::string Graph::get_name_scope() const { return state_->Use().names().scope(); }
std::string Graph::unique_name(const std::string& name) {
  return state_->Use().names().Unique(name);
}
void Graph::finalize() { state_->Finalize(); }
bool Graph::finalized() const { return state_->finalized(); }

ScopeToken control_dependencies::Enter(const std::vector<Operation>& operations) {
  internal::GraphState& graph = internal::Current();
  return graph.TokenOf(internal::OpenControl(graph, graph.Own(operations)));
}
ScopeToken control_dependencies::Enter(std::nullopt_t) {
  internal::GraphState& graph = internal::Current();
  return graph.TokenOf(internal::SuspendControl(graph));
}

}  // namespace varscope
