#include "client/graph/state.h"

#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/graph/creation.h"
#include "client/graph/handles.h"
#include "client/graph/known_numbers.h"
#include "proto/naming/names.h"
#include "varscope/errors.h"

namespace varscope::internal {
namespace {

std::string ShapeList(const Shape& shape) {
  if (!shape.known_rank()) return "<unknown>";
  const auto dim = [](std::string* out, int64_t d) {
    absl::StrAppend(out, d < 0 ? "?" : absl::StrCat(d));
  };
  return absl::StrCat("[", absl::StrJoin(shape.dims(), ",", dim), "]");
}

std::vector<OutputSpec> InferOutputs(const OpDef& def, const NodeArgs& args,
                                     const std::vector<NodeOutput>& inputs,
                                     const std::string& scope) {
  if (def.infer == nullptr) return args.outputs;
  std::vector<OutputSpec> given;
  for (const NodeOutput& input : inputs) given.push_back(input.node->outputs[input.index]);
  std::vector<std::shared_ptr<const Numbers>> known;
  for (size_t i = 0; def.by_values && i < inputs.size(); ++i)
    known.push_back(KnownNumbers(inputs[i]));
  absl::StatusOr<std::vector<OutputSpec>> specs = def.infer({args.attrs, given, known});
  if (specs.ok()) return *std::move(specs);
  std::vector<std::string> shapes;
  for (const OutputSpec& spec : given) {
    shapes.push_back(absl::StrCat(Name(spec.dtype), " ", ShapeList(spec.shape)));
  }
  const std::string where = scope.empty() ? "" : scope + "/";
  throw ValueError(absl::StrCat(specs.status().message(), " for '", where, args.name, "' (op: '",
                                def.name, "') with input shapes: ", absl::StrJoin(shapes, ", "),
                                "."));
}

}  // namespace

Node* GraphState::AddNode(NodeArgs args) {
  Use();
  if (args.op != "ReadVariableOp") CheckOpen(args.name);
  std::vector<NodeOutput> inputs;
  for (const Output& input : args.inputs) {
    if (!input.defined()) {
      throw ValueError(absl::StrCat("'", args.name, "' has an input that is not defined."));
    }
    inputs.push_back(AsInput(Own(input)));
    CheckVisible(*inputs.back().node, args.name);
  }
  for (const Node* before : args.control_inputs) CheckVisible(*before, args.name);
  const OpDef& def = FindOp(args.op);
  auto node = std::make_unique<Node>();
  node->outputs = InferOutputs(def, args, inputs, names_.scope());
  for (const OutputSpec& output : node->outputs) CheckDType(output.dtype);
  node->id = static_cast<int>(nodes_.size());
  node->name = names_.ForOp(args.name);
  if (const absl::Status status = ValidateOpName(node->name); !status.ok()) {
    throw ValueError(std::string(status.message()));
  }
  if (by_name_.contains(node->name)) {
    throw ValueError(absl::StrCat("Duplicate node name in graph: '", node->name, "'"));
  }
  node->def = &def;
  node->attrs = std::move(args.attrs);
  node->inputs = std::move(inputs);
  node->control_inputs = std::move(args.control_inputs);
  for (const std::vector<Node*>& open : control_) {
    node->control_inputs.insert(node->control_inputs.end(), open.begin(), open.end());
  }
  node->variable = args.variable;
  node->apply = std::move(args.apply);
  node->graph = this;
  node->body = body_;
  node->bodies = std::move(args.bodies);
  by_name_.emplace(node->name, node.get());
  nodes_.push_back(std::move(node));
  return nodes_.back().get();
}

void GraphState::CheckOpen(const std::string& name) const {
  if (!finalized_) return;
  throw RuntimeError(absl::StrCat("Graph is finalized and cannot be modified: '", name,
                                  "' cannot be added. Add it before finalize()."));
}

void GraphState::CheckVisible(const Node& node, const std::string& user) const {
  if (IsVisible(node, body_)) return;
  throw ValueError(absl::StrCat("'", user, "' cannot use '", node.name,
                                "', which is inside a branch of a condition or the body of a loop: "
                                "let the branch or body return it."));
}

namespace {

template <typename Handle>
auto OwnIn(const GraphState* graph, const GraphState* of, const Handle& handle) {
  if (graph == of) return Unwrap(handle);
  throw ValueError(absl::StrCat("'", handle.name(), "' belongs to another graph."));
}

}  // namespace

NodeOutput GraphState::Own(const Output& output) const {
  return OwnIn(this, Unwrap(output).node->graph, output);
}
Node* GraphState::Own(const Operation& operation) const {
  return OwnIn(this, Unwrap(operation)->graph, operation);
}
VariableState* GraphState::Own(const Variable& variable) const {
  return OwnIn(this, Unwrap(variable)->graph, variable);
}
std::vector<Node*> GraphState::Own(const std::vector<Operation>& operations) const {
  std::vector<Node*> nodes;
  for (const Operation& operation : operations) nodes.push_back(Own(operation));
  return nodes;
}

void GraphState::Swap(Aside& aside) {
  const std::string scope = names_.scope();
  names_.Leave(aside.name_scope);
  aside.name_scope = scope;
  std::swap(scopes_, aside.scopes);
  open_scopes_.Swap(aside.open_scopes);
  control_.swap(aside.control);
  std::swap(body_, aside.body);
}

void GraphState::UseScopesOf(uint64_t thread) {
  const uint64_t before = std::exchange(in_use_, thread);
  if (before == 0 || before == thread) return;
  Swap(aside_[before]);
  const auto own = aside_.find(thread);
  if (own == aside_.end()) return;
  Swap(own->second);
  aside_.erase(own);
}

Node* GraphState::FindNode(const std::string& name) const {
  const auto it = by_name_.find(name);
  return it == by_name_.end() ? nullptr : it->second;
}

}  // namespace varscope::internal
