#include "client/graph/control_flow.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/graph/handles.h"
#include "client/graph/ops/build.h"
#include "client/graph/scope_guards.h"
#include "varscope/control_flow.h"
#include "varscope/errors.h"
#include "varscope/ops.h"

namespace varscope {
namespace internal {
namespace {

// What both shapes have in common.
Shape Common(const Shape& a, const Shape& b) {
  if (!a.known_rank() || !b.known_rank() || a.rank() != b.rank()) return Shape::Unknown();
  std::vector<int64_t> dims = a.dims();
  for (int i = 0; i < a.rank(); ++i) {
    if (dims[i] != b.dim(i)) dims[i] = Shape::kUnknownDim;
  }
  return Shape(dims);
}

void AddCaptures(const Body& body, std::vector<Output>& inputs, std::vector<Node*>& waits_for) {
  for (const NodeOutput& capture : body.captures) inputs.push_back(Wrap(capture));
  waits_for.insert(waits_for.end(), body.waits_for.begin(), body.waits_for.end());
}

// A change in a branch becomes one beside If, which is done where the run took the branch: an input
// more says so.
Node* Hoist(GraphState& graph, Node& node, size_t branch, const Node& effect) {
  Body* const body = node.bodies[branch];
  NodeOutput taken;
  {
    const BodyGuard inside(graph, body);
    taken = {
        graph.AddNode({.op = "Const", .name = "taken", .attrs = {{"value", Tensor::Scalar(true)}}}),
        0};
  }
  NodeArgs args{.op = effect.def->name, .name = "effect", .attrs = effect.attrs};
  const auto add = [&](const NodeOutput& input) {
    args.inputs.push_back(Wrap(NodeOutput{&node, AddOutput(node, branch, input)}));
  };
  const bool guarded = effect.attrs.has("guarded");
  for (const NodeOutput& input : effect.inputs) add(input);
  if (!guarded) add(taken);
  args.attrs.Set("guarded", true);
  args.outputs = effect.outputs;
  args.variable = effect.variable;
  args.apply = effect.apply;
  Node* const hoisted = graph.AddNode(std::move(args));
  hoisted->initializes = effect.initializes;
  return hoisted;
}

// The op's outputs under TensorFlow's names, after what else it does.
std::vector<Output> Named(GraphState& graph, Node* node, size_t count, const char* name,
                          const std::vector<Node*>& after) {
  std::vector<Output> outputs;
  for (size_t i = 0; i < count; ++i) {
    const NodeOutput output{node, static_cast<int>(i)};
    Node* const named = graph.AddNode(
        {.op = "Identity", .name = name, .inputs = {Wrap(output)}, .control_inputs = after});
    outputs.push_back(Wrap(NodeOutput{named, 0}));
  }
  return outputs;
}

}  // namespace

bool IsList(const NodeOutput& output) {
  const Node& node = *output.node;
  const absl::string_view op = node.def->name;
  if (op == "ListEmpty" || op == "ListPush" || op == "ListOfRows" || op == "ListAdd") {
    return true;
  }
  if (op == "ListPop") return output.index == 0 || node.attrs.flag("of_lists");
  if (op == "BodyArg") return node.attrs.flag("list");
  if (op == "Identity") return IsList(node.inputs[0]);
  if (op == "While") {
    const std::vector<Node*>& args = node.bodies[1]->args;
    return IsList({args[output.index], 0});
  }
  if (op != "If") return false;
  return std::any_of(node.bodies.begin(), node.bodies.end(), [&](const Body* branch) {
    const NodeOutput& result = branch->results[output.index];
    return result.node != nullptr && IsList(result);
  });
}

Node* AddArg(GraphState& graph, const OutputSpec& spec, bool list, const std::string& name) {
  Node* const arg =
      graph.AddNode({.op = "BodyArg", .name = name, .attrs = {{"list", list}}, .outputs = {spec}});
  graph.body()->args.push_back(arg);
  return arg;
}

Node* MakeIf(GraphState& graph, const NodeOutput& condition, Body* then, Body* otherwise) {
  if (SpecOf(condition).dtype != DType::kBool) {
    throw TypeError(absl::StrCat("pred must be a bool, is ", Name(SpecOf(condition).dtype), "."));
  }
  if (then->results.size() != otherwise->results.size()) {
    throw ValueError(absl::StrCat("true_fn and false_fn must return as many outputs: they return ",
                                  then->results.size(), " and ", otherwise->results.size(), "."));
  }
  NodeArgs args{.op = "If", .name = "If", .inputs = {Wrap(condition)}};
  for (size_t i = 0; i < then->results.size(); ++i) {
    const OutputSpec& a = SpecOf(then->results[i]);
    const OutputSpec& b = SpecOf(otherwise->results[i]);
    if (a.dtype != b.dtype) {
      throw ValueError(absl::StrCat("Outputs of true_fn and false_fn must have the same type: ",
                                    Name(a.dtype), ", ", Name(b.dtype)));
    }
    args.outputs.push_back({a.dtype, Common(a.shape, b.shape)});
  }
  args.bodies = {then, otherwise};
  for (const Body* body : args.bodies) AddCaptures(*body, args.inputs, args.control_inputs);
  return graph.AddNode(std::move(args));
}

Node* MakeWhile(GraphState& graph, const std::vector<NodeOutput>& first, Body* condition,
                Body* body) {
  for (const Body* part : {condition, body}) {
    if (part->effects.empty()) continue;
    throw ValueError(absl::StrCat("'", part->effects[0]->name, "' (", part->effects[0]->def->name,
                                  ") changes a variable in a loop, which is not possible: let the "
                                  "loop return what to assign."));
  }
  const auto made = [&](const char* op, const char* name, Attrs attrs) {
    return NodeOutput{graph.AddNode({.op = op, .name = name, .attrs = std::move(attrs)}), 0};
  };
  {
    const NoControlGuard at_once(graph);
    body->empty_list = made("ListEmpty", "kept", {});
    body->zero = made("Const", "rounds", {{"value", Tensor::Scalar(int32_t{0})}});
  }
  NodeArgs args{.op = "While", .name = "While"};
  for (const NodeOutput& variable : first) args.inputs.push_back(Wrap(variable));
  for (const Node* arg : body->args) args.outputs.push_back(arg->outputs[0]);
  args.bodies = {condition, body};
  for (const Body* part : args.bodies) AddCaptures(*part, args.inputs, args.control_inputs);
  return graph.AddNode(std::move(args));
}

int AddOutput(Node& node, size_t branch, const NodeOutput& result) {
  const std::vector<NodeOutput>& results = node.bodies[branch]->results;
  const auto there = std::find(results.begin(), results.end(), result);
  // One that both branches have may have a shape that is less known.
  if (there != results.end()) {
    const auto index = there - results.begin();
    if (node.outputs[index].shape == SpecOf(result).shape) return static_cast<int>(index);
  }
  for (size_t b = 0; b < node.bodies.size(); ++b) {
    node.bodies[b]->results.push_back(b == branch ? result : NodeOutput{});
  }
  node.outputs.push_back(SpecOf(result));
  return static_cast<int>(node.outputs.size()) - 1;
}

int AddVariable(Node& node, const NodeOutput& first, Node* arg, const NodeOutput& result) {
  Body& body = *node.bodies[1];
  const auto number = static_cast<int>(body.args.size()) - 1;
  body.results.push_back(result);
  node.inputs.insert(node.inputs.begin() + number, first);
  node.outputs.push_back(arg->outputs[0]);
  return number;
}

BodyToken BeginBranch() {
  GraphState& graph = Current();
  graph.Use();
  Body* const body = graph.NewBody();
  return {Graph::get_default(), body, OpenBody(graph, body)};
}

std::pair<BodyToken, LoopVariables> BeginLoopPart(const std::vector<Output>& first,
                                                  const OptionalList<Shape>& shape_invariants,
                                                  const std::string& name) {
  if (shape_invariants.given() && shape_invariants->size() != first.size()) {
    throw ValueError(absl::StrCat("while_loop: ", shape_invariants->size(),
                                  " shape_invariants for ", first.size(), " loop_vars."));
  }
  GraphState& graph = Current();
  for (size_t i = 0; i < first.size(); ++i) {
    const NodeOutput variable = graph.Own(first[i]);
    if (!shape_invariants.given() ||
        SpecOf(variable).shape.IsCompatibleWith((*shape_invariants)[i]))
      continue;
    throw ValueError(absl::StrCat("The shape invariant specified for ", first[i].name(),
                                  " is not compatible with the initial shape of the loop variable. "
                                  "It enters the loop with shape ",
                                  SpecOf(variable).shape.ToString(),
                                  ", but the specified shape "
                                  "invariant is ",
                                  (*shape_invariants)[i].ToString(), "."));
  }
  BodyToken token = BeginBranch();
  LoopVariables args;
  for (size_t i = 0; i < first.size(); ++i) {
    const NodeOutput variable = Unwrap(first[i]);
    const bool list = IsList(variable);
    OutputSpec spec = SpecOf(variable);
    if (shape_invariants.given()) spec.shape = (*shape_invariants)[i];
    if (list) spec.shape = Shape{Shape::kUnknownDim};
    args.push_back(Wrap(NodeOutput{AddArg(graph, spec, list, name), 0}));
  }
  return {std::move(token), std::move(args)};
}

void EndBody(const BodyToken& token, const std::vector<Output>& results) {
  GraphState& graph = *Unwrap(token.graph());
  std::vector<NodeOutput> own;
  for (const Output& result : results) own.push_back(graph.Own(result));
  Finish(graph, *token.body(), std::move(own));
  graph.open_scopes().Close(token.scope());
}

void AbandonBody(const BodyToken& token) {
  Unwrap(token.graph())->open_scopes().Abandon(token.scope());
}

std::vector<Output> MakeCond(const Input& pred, const BodyToken& true_branch,
                             const BodyToken& false_branch) {
  GraphState& graph = *Unwrap(true_branch.graph());
  const Output condition = ToOutput(pred, "pred");
  const size_t count = true_branch.body()->results.size();
  Node* const node = MakeIf(graph, Unwrap(condition), true_branch.body(), false_branch.body());
  std::vector<Node*> after;
  for (size_t branch = 0; branch < 2; ++branch) {
    const std::vector<Node*> effects = node->bodies[branch]->effects;
    for (const Node* effect : effects) after.push_back(Hoist(graph, *node, branch, *effect));
  }
  return Named(graph, node, count, "Merge", after);
}

LoopVariables MakeLoop(const std::vector<Output>& first, const BodyToken& condition,
                       const BodyToken& body) {
  GraphState& graph = *Unwrap(body.graph());
  const Body& next = *body.body();
  const Body& whether = *condition.body();
  if (whether.results.size() != 1 || SpecOf(whether.results[0]).dtype != DType::kBool) {
    throw TypeError("while_loop: cond must return a bool.");
  }
  if (next.results.size() != first.size()) {
    throw ValueError(absl::StrCat("while_loop: body returned ", next.results.size(), " values for ",
                                  first.size(), " loop_vars."));
  }
  std::vector<NodeOutput> own;
  for (size_t i = 0; i < first.size(); ++i) {
    own.push_back(graph.AsInput(graph.Own(first[i])));
    const OutputSpec& arg = next.args[i]->outputs[0];
    const OutputSpec& result = SpecOf(next.results[i]);
    if (arg.dtype != result.dtype || IsList({next.args[i], 0}) != IsList(next.results[i])) {
      throw TypeError(absl::StrCat("while_loop: body returned ", Name(result.dtype), " for ",
                                   first[i].name(), ", which is ", Name(arg.dtype), "."));
    }
    if (!arg.shape.IsCompatibleWith(result.shape)) {
      throw ValueError(absl::StrCat(
          "Input tensor '", first[i].name(), "' enters the loop with shape ", arg.shape.ToString(),
          ", but has shape ", result.shape.ToString(),
          " after one iteration. To allow the shape to vary across iterations, use the "
          "`shape_invariants` argument of tf.while_loop to specify a less-specific shape."));
    }
  }
  Node* const node = MakeWhile(graph, own, condition.body(), body.body());
  return Named(graph, node, first.size(), "Exit", {});
}

namespace {

// Ends what a function's exception leaves open.
class OpenToken {
 public:
  explicit OpenToken(BodyToken token) : token_(std::move(token)) {}
  ~OpenToken() {
    if (open_) AbandonBody(token_);
  }
  OpenToken(const OpenToken&) = delete;
  OpenToken& operator=(const OpenToken&) = delete;

  const BodyToken& End(const std::vector<Output>& results) {
    EndBody(token_, results);
    open_ = false;
    return token_;
  }

 private:
  BodyToken token_;
  bool open_ = true;
};

BodyToken Branch(const std::function<std::vector<Output>()>& fn) {
  OpenToken open(BeginBranch());
  return open.End(fn());
}

}  // namespace
}  // namespace internal

std::vector<Output> cond(const Input& pred, const std::function<std::vector<Output>()>& true_fn,
                         const std::function<std::vector<Output>()>& false_fn,
                         const std::string& name) {
  const internal::FunctionScope scope(name, "cond", {&pred});
  const internal::BodyToken then = internal::Branch(true_fn);
  const internal::BodyToken otherwise = internal::Branch(false_fn);
  return internal::MakeCond(pred, then, otherwise);
}

LoopVariables while_loop(const std::function<Output(const LoopVariables&)>& condition,
                         const std::function<LoopVariables(const LoopVariables&)>& body,
                         const std::vector<Input>& loop_vars,
                         const OptionalList<Shape>& shape_invariants, const std::string& name) {
  if (loop_vars.empty()) throw ValueError("No loop variables provided");
  const internal::FunctionScope scope(name, "while", {&loop_vars[0]});
  std::vector<Output> first;
  for (const Input& variable : loop_vars) first.push_back(internal::ToOutput(variable, "Const"));
  auto [whether, given] = internal::BeginLoopPart(first, shape_invariants, "Merge");
  internal::OpenToken open_condition(whether);
  whether = open_condition.End({condition(given)});
  auto [next, variables] = internal::BeginLoopPart(first, shape_invariants, "Identity");
  internal::OpenToken open_body(next);
  next = open_body.End(body(variables));
  return internal::MakeLoop(first, whether, next);
}

}  // namespace varscope
