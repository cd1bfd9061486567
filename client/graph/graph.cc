#include "varscope/graph.h"

#include <mutex>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "client/graph/handles.h"
#include "client/graph/state.h"
#include "varscope/errors.h"

namespace varscope {
namespace internal {
namespace {

std::vector<std::shared_ptr<GraphState>>& DefaultStack() {
  thread_local std::vector<std::shared_ptr<GraphState>> stack;
  return stack;
}

// What the calling thread's ops go to.
const std::shared_ptr<GraphState>& Default() {
  if (!DefaultStack().empty()) return DefaultStack().back();
  static const auto* const of_process =
      new std::shared_ptr<GraphState>(std::make_shared<GraphState>());
  return *of_process;
}

}  // namespace

GraphState& Current() { return *Default(); }

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

Graph::AsDefault::AsDefault(const Graph& graph) {
  internal::DefaultStack().push_back(Unwrap(graph));
}
Graph::AsDefault::~AsDefault() { internal::DefaultStack().pop_back(); }

Graph Graph::get_default() { return Graph(internal::Default()); }

bool Graph::connected() const { return state_->store() != nullptr; }

std::string Graph::worker_id() const { return connected() ? state_->store()->worker_id() : ""; }

std::vector<Operation> Graph::get_operations() const {
  std::vector<Operation> operations;
  for (const auto& node : state_->nodes()) operations.push_back(Wrap(node.get()));
  return operations;
}

Operation Graph::get_operation_by_name(const std::string& name) const {
  internal::Node* const node = state_->FindNode(name);
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

std::string Graph::get_name_scope() const { return state_->names().scope(); }
std::string Graph::unique_name(const std::string& name) { return state_->names().Unique(name); }

control_dependencies::control_dependencies(const std::vector<Operation>& operations)
    : graph_(Graph::get_default()) {
  internal::GraphState& graph = *Unwrap(graph_);
  graph.control().push_back(graph.Own(operations));
}

control_dependencies::~control_dependencies() { Unwrap(graph_)->control().pop_back(); }

}  // namespace varscope
