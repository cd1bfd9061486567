#include "varscope/graph.h"

#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/graph/state.h"
#include "varscope/errors.h"

namespace varscope {
namespace internal {
namespace {

std::string ShapeList(const Shape& shape) {
  if (!shape.known_rank()) return "<unknown>";
  const auto dim = [](std::string* out, int64_t d) {
    absl::StrAppend(out, d < 0 ? "?" : absl::StrCat(d));
  };
  return absl::StrCat("[", absl::StrJoin(shape.dims(), ",", dim), "]");
}

std::vector<OutputSpec> InferOutputs(const OpDef& def, const NodeArgs& args,
                                     const std::string& scope) {
  if (def.infer == nullptr) return args.outputs;
  std::vector<OutputSpec> inputs;
  std::vector<std::string> shapes;
  for (const Output& input : args.inputs) {
    inputs.push_back({input.dtype(), input.shape()});
    shapes.push_back(absl::StrCat(Name(input.dtype()), " ", ShapeList(input.shape())));
  }
  absl::StatusOr<std::vector<OutputSpec>> specs = def.infer({args.attrs, inputs});
  if (specs.ok()) return *std::move(specs);
  const std::string where = scope.empty() ? "" : scope + "/";
  throw ValueError(absl::StrCat(specs.status().message(), " for '", where, args.name, "' (op: '",
                                def.name, "') with input shapes: ", absl::StrJoin(shapes, ", "),
                                "."));
}

}  // namespace

Node* GraphState::AddNode(NodeArgs args) {
  for (Output& input : args.inputs) {
    if (!input.defined()) {
      throw ValueError(absl::StrCat("'", args.name, "' has an input that is not defined."));
    }
    if (input.node()->graph != this) {
      throw ValueError(absl::StrCat("'", args.name, "': its input '", input.name(),
                                    "' belongs to another graph."));
    }
    input = AsInput(input);
  }
  const OpDef& def = FindOp(args.op);
  auto node = std::make_unique<Node>();
  node->outputs = InferOutputs(def, args, names_.scope());
  node->id = static_cast<int>(nodes_.size());
  node->name = names_.ForOp(args.name);
  node->def = &def;
  node->attrs = std::move(args.attrs);
  node->inputs = std::move(args.inputs);
  node->control_inputs = std::move(args.control_inputs);
  for (const std::vector<Node*>& open : control_) {
    node->control_inputs.insert(node->control_inputs.end(), open.begin(), open.end());
  }
  node->variable = std::move(args.variable);
  node->apply = std::move(args.apply);
  node->graph = this;
  by_name_.emplace(node->name, node.get());
  nodes_.push_back(std::move(node));
  return nodes_.back().get();
}

Output GraphState::AddRead(const std::shared_ptr<VariableState>& variable,
                           std::vector<Node*> after) {
  Node* const node = AddNode({.op = "ReadVariableOp",
                              .name = "ReadVariableOp",
                              .outputs = {{variable->dtype, variable->shape}},
                              .control_inputs = std::move(after),
                              .variable = variable});
  variable->ordered_reads.emplace_back(node, 0);
  return variable->ordered_reads.back();
}

Output GraphState::AsInput(const Output& output) {
  Node* const node = output.node();
  if (!node->def->changes_variables) return output;
  return AddRead(node->variable, {node});
}

Node* GraphState::FindNode(const std::string& name) const {
  const auto it = by_name_.find(name);
  return it == by_name_.end() ? nullptr : it->second;
}

namespace {

std::vector<Graph*>& DefaultStack() {
  thread_local std::vector<Graph*> stack;
  return stack;
}

}  // namespace

GraphState& Current() { return Graph::get_default().state(); }

}  // namespace internal

const std::string& Operation::name() const { return node_->name; }
std::string Operation::type() const { return std::string(node_->def->name); }
Graph& Operation::graph() const { return node_->graph->graph(); }

std::string Output::name() const { return absl::StrCat(node_->name, ":", index_); }
DType Output::dtype() const { return node_->outputs[index_].dtype; }
const Shape& Output::shape() const { return node_->outputs[index_].shape; }

Graph::Graph() : state_(std::make_unique<internal::GraphState>(*this)) {}
Graph::~Graph() = default;

Graph::AsDefault::AsDefault(Graph& graph) { internal::DefaultStack().push_back(&graph); }
Graph::AsDefault::~AsDefault() { internal::DefaultStack().pop_back(); }

Graph& Graph::get_default() {
  if (!internal::DefaultStack().empty()) return *internal::DefaultStack().back();
  static Graph* const graph = new Graph();
  return *graph;
}

bool Graph::connected() const { return state_->store() != nullptr; }

std::string Graph::worker_id() const { return connected() ? state_->store()->worker_id() : ""; }

std::vector<Operation> Graph::get_operations() const {
  std::vector<Operation> operations;
  for (const auto& node : state_->nodes()) operations.push_back(Operation(node.get()));
  return operations;
}

Operation Graph::get_operation_by_name(const std::string& name) const {
  internal::Node* const node = state_->FindNode(name);
  if (node != nullptr) return Operation(node);
  throw ValueError(absl::StrCat("The name '", name, "' refers to an operation not in the graph."));
}

Output Graph::get_tensor_by_name(const std::string& name) const {
  const size_t colon = name.rfind(':');
  int index = 0;
  if (colon == std::string::npos || !absl::SimpleAtoi(name.substr(colon + 1), &index)) {
    throw ValueError(absl::StrCat("'", name, "' is not a tensor's name, which is 'op:0'."));
  }
  internal::Node* const node = get_operation_by_name(name.substr(0, colon)).node();
  if (index >= 0 && index < static_cast<int>(node->outputs.size())) return Output(node, index);
  throw ValueError(absl::StrCat("The name '", name, "' refers to an output that '", node->name,
                                "' does not have; it has ", node->outputs.size(), "."));
}

std::string Graph::get_name_scope() const { return state_->names().scope(); }
std::string Graph::unique_name(const std::string& name) { return state_->names().Unique(name); }

control_dependencies::control_dependencies(const std::vector<Operation>& operations)
    : state_(internal::Current()) {
  std::vector<internal::Node*> nodes;
  for (const Operation& operation : operations) nodes.push_back(operation.node());
  state_.control().push_back(std::move(nodes));
}

control_dependencies::~control_dependencies() { state_.control().pop_back(); }

}  // namespace varscope
