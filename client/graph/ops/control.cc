// Conditions and loops, and their gradients.
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "client/graph/control_flow.h"
#include "client/graph/differentiate.h"
#include "client/graph/handles.h"
#include "client/graph/ops/build.h"
#include "client/graph/ops/table.h"
#include "proto/tensor/elements.h"
#include "varscope/control_flow.h"
#include "varscope/ops.h"

namespace varscope {
namespace internal {
namespace {

using Grads = std::vector<Gradient>;

bool HasGradient(const NodeOutput& output) {
  return TakesGradients(SpecOf(output).dtype) || IsList(output);
}

NodeOutput AddOp(GraphState& graph, absl::string_view op, std::vector<Output> inputs,
                 Attrs attrs = {}) {
  return {graph.AddNode({.op = op,
                         .name = std::string(op),
                         .inputs = std::move(inputs),
                         .attrs = std::move(attrs)}),
          0};
}

NodeOutput WholeNumber(GraphState& graph, int32_t number) {
  return AddOp(graph, "Const", {}, {{"value", Tensor::Scalar(number)}});
}

// Of the op whose gradient is built. `like` may be called for one that stands for it.
template <typename Like>
NodeOutput NoGradient(GraphState& graph, const NodeOutput& of, Like like) {
  if (IsList(of)) return AddOp(graph, "ListEmpty", {});
  const OutputSpec& spec = SpecOf(of);
  if (!spec.shape.IsFullyDefined()) return AddOp(graph, "ZerosLike", {like()});
  Tensor zeros(spec.dtype, spec.shape);
  Fill(zeros, 0);
  return AddOp(graph, "Const", {}, {{"value", zeros}});
}

// What of a branch its gradient needs becomes further outputs of If.
class BranchValues : public ForwardValues {
 public:
  BranchValues(const GradContext& c, size_t branch)
      : c_(c), node_(const_cast<Node&>(c.node)), branch_(branch) {}

  Output Of(const Output& output) override {
    const NodeOutput own = Unwrap(output);
    if (own.node->body != node_.bodies[branch_]) return c_.ValueOf(output);
    if (own.node->def->name == "Const") {
      return Wrap(AddOp(*node_.graph, "Const", {}, own.node->attrs));
    }
    return c_.ValueOf(Wrap(NodeOutput{&node_, AddOutput(node_, branch_, own)}));
  }

 private:
  const GradContext& c_;
  Node& node_;
  const size_t branch_;
};

// The gradients of one branch for all of `xs`, of which it may have captured some.
Body* BranchGradients(const GradContext& c, size_t branch, const std::vector<NodeOutput>& xs) {
  GraphState& graph = *c.node.graph;
  const Body& forward = *c.node.bodies[branch];
  Body* const body = graph.NewBody();
  const BodyGuard inside(graph, body);
  BranchValues values(c, branch);
  std::vector<Output> ys, seeds, wanted;
  for (size_t i = 0; i < c.dys.size(); ++i) {
    if (!c.dys[i].defined() || forward.results[i].node == nullptr) continue;
    ys.push_back(Wrap(forward.results[i]));
    seeds.push_back(c.dys[i]);
  }
  for (const NodeOutput& x : xs) wanted.push_back(Wrap(x));
  const std::vector<Output> gradients = Differentiate(ys, seeds, wanted, forward, values);
  std::vector<NodeOutput> results;
  for (size_t i = 0; i < xs.size(); ++i) {
    results.push_back(gradients[i].defined() ? Unwrap(gradients[i]) : NoGradient(graph, xs[i], [&] {
      return values.Of(wanted[i]);
    }));
  }
  Finish(graph, *body, std::move(results));
  return body;
}

Grads IfGrad(const GradContext& c) {
  std::vector<NodeOutput> xs;
  std::map<NodeOutput, size_t> number;
  for (const Body* branch : c.node.bodies) {
    for (const NodeOutput& capture : branch->captures) {
      if (HasGradient(capture) && number.try_emplace(capture, xs.size()).second) {
        xs.push_back(capture);
      }
    }
  }
  Grads grads(c.node.inputs.size());
  if (xs.empty()) return grads;
  GraphState& graph = *c.node.graph;
  const NameScopeGuard scope(graph, "cond_grad");
  Body* const then = BranchGradients(c, 0, xs);
  Body* const otherwise = BranchGradients(c, 1, xs);
  Node* const node = MakeIf(graph, Unwrap(c.x(0)), then, otherwise);
  size_t input = 1;
  std::set<NodeOutput> given;
  for (const Body* branch : c.node.bodies) {
    for (const NodeOutput& capture : branch->captures) {
      const auto x = number.find(capture);
      if (x != number.end() && given.insert(capture).second) {
        grads[input] = Dense(Wrap(NodeOutput{node, static_cast<int>(x->second)}));
      }
      ++input;
    }
  }
  return grads;
}

// What of a round the gradient needs, the loop keeps in lists, from which the loop that goes
// backwards takes it.
class LoopValues : public ForwardValues {
 public:
  LoopValues(const GradContext& c, Body* backward)
      : c_(c), node_(const_cast<Node&>(c.node)), backward_(backward) {}

  Output Of(const Output& output) override {
    const NodeOutput own = Unwrap(output);
    if (own.node->body != node_.bodies[1]) return c_.ValueOf(output);
    const auto known = known_.find(own);
    if (known != known_.end()) return Wrap(known->second);
    const NodeOutput value = Make(own);
    known_.emplace(own, value);
    return Wrap(value);
  }

  // The lists, and what is left of them after a round.
  std::vector<NodeOutput> first, rest;

 private:
  NodeOutput Make(const NodeOutput& own) {
    GraphState& graph = *node_.graph;
    if (own.node->def->name == "Const") {
      const BodyGuard inside(graph, backward_);
      return AddOp(graph, "Const", {}, own.node->attrs);
    }
    const NodeOutput list{&node_, Keep(own)};
    Body* const current = graph.body();
    graph.SetBody(backward_->parent);
    first.push_back(Unwrap(c_.ValueOf(Wrap(list))));
    graph.SetBody(current);
    const BodyGuard inside(graph, backward_);
    Node* const arg = AddArg(graph, {DType::kUint8, Shape{Shape::kUnknownDim}}, true, "kept");
    const NodeOutput pop = AddOp(
        graph, "ListPop", {Wrap(NodeOutput{arg, 0})},
        {{"dtype", SpecOf(own).dtype}, {"shape", SpecOf(own).shape}, {"of_lists", IsList(own)}});
    rest.push_back(pop);
    return {pop.node, 1};
  }

  int Keep(const NodeOutput& own) {
    Body& body = *node_.bodies[1];
    const auto kept = body.kept.find(own);
    if (kept != body.kept.end()) return kept->second;
    GraphState& graph = *node_.graph;
    const BodyGuard inside(graph, &body);
    Node* const arg = AddArg(graph, {DType::kUint8, Shape{Shape::kUnknownDim}}, true, "kept");
    const NodeOutput push = AddOp(graph, "ListPush", {Wrap(NodeOutput{arg, 0}), Wrap(own)},
                                  {{"of_lists", IsList(own)}});
    return body.kept[own] = AddVariable(node_, body.empty_list, arg, push);
  }

  const GradContext& c_;
  Node& node_;
  Body* const backward_;
  std::map<NodeOutput, NodeOutput> known_;
};

// The number of the variable that counts rounds.
int Counter(Node& node) {
  Body& body = *node.bodies[1];
  if (body.counter >= 0) return body.counter;
  GraphState& graph = *node.graph;
  const BodyGuard inside(graph, &body);
  Node* const arg = AddArg(graph, {DType::kInt32, Shape{}}, false, "rounds");
  const NodeOutput more =
      AddOp(graph, "Add", {Wrap(NodeOutput{arg, 0}), Wrap(WholeNumber(graph, 1))});
  return body.counter = AddVariable(node, body.zero, arg, more);
}

// Variables and captures of a loop that its outputs depend on, for those that have a gradient.
struct Dependencies {
  std::set<int> variables;
  std::vector<NodeOutput> captures;
};

Dependencies FindDependencies(const Node& node, std::span<const Output> dys) {
  const Body& body = *node.bodies[1];
  Dependencies found;
  std::map<const Node*, int> args;
  for (size_t i = 0; i < body.args.size(); ++i) args[body.args[i]] = static_cast<int>(i);
  std::set<const Node*> seen;
  std::set<NodeOutput> captures;
  std::vector<int> open;
  for (size_t i = 0; i < dys.size(); ++i) {
    if (dys[i].defined() && found.variables.insert(static_cast<int>(i)).second) {
      open.push_back(static_cast<int>(i));
    }
  }
  while (!open.empty()) {
    std::vector<NodeOutput> stack = {body.results[open.back()]};
    open.pop_back();
    while (!stack.empty()) {
      const NodeOutput output = stack.back();
      stack.pop_back();
      if (output.node->body != &body) {
        if (HasGradient(output)) captures.insert(output);
        continue;
      }
      if (!seen.insert(output.node).second) continue;
      const auto arg = args.find(output.node);
      if (arg == args.end()) {
        stack.insert(stack.end(), output.node->inputs.begin(), output.node->inputs.end());
      } else if (HasGradient(output) && found.variables.insert(arg->second).second) {
        open.push_back(arg->second);
      }
    }
  }
  for (const NodeOutput& capture : body.captures) {
    if (captures.contains(capture)) found.captures.push_back(capture);
  }
  return found;
}

// The loop that goes backwards: of the gradients of the variables, and the sums of those of the
// captures.
class LoopGradient {
 public:
  explicit LoopGradient(const GradContext& c)
      : c_(c), node_(const_cast<Node&>(c.node)), graph_(*c.node.graph) {}

  Grads Make() {
    const Dependencies of = FindDependencies(node_, c_.dys);
    const int counter = Counter(node_);
    const NameScopeGuard scope(graph_, "while_grad");
    std::vector<NodeOutput> first = {Unwrap(c_.ValueOf(Wrap(NodeOutput{&node_, counter})))};
    for (int variable : of.variables) first.push_back(FirstGradient(variable));
    for (const NodeOutput& capture : of.captures) {
      first.push_back(NoGradient(graph_, capture, [&] { return c_.ValueOf(Wrap(capture)); }));
    }
    Body* const condition = Condition(first);
    Body* const body = Backward(of, first);
    Node* const node = MakeWhile(graph_, first, condition, body);
    Grads grads(node_.inputs.size());
    int next = 1;
    for (int variable : of.variables) grads[variable] = Dense(Wrap(NodeOutput{node, next++}));
    for (size_t i = 0; i < of.captures.size(); ++i) {
      grads[InputOf(of.captures[i])] = Dense(Wrap(NodeOutput{node, next++}));
    }
    return grads;
  }

 private:
  NodeOutput FirstGradient(int variable) {
    const auto i = static_cast<size_t>(variable);
    if (i < c_.dys.size() && c_.dys[i].defined()) return Unwrap(c_.dys[i]);
    return NoGradient(graph_, {&node_, variable}, [&] { return c_.y(variable); });
  }

  // Its arguments are as many as the other part's before it takes anything from lists.
  Body* Condition(const std::vector<NodeOutput>& first) {
    Body* const body = graph_.NewBody();
    const BodyGuard inside(graph_, body);
    AddArgs(first);
    const NodeOutput any = AddOp(
        graph_, "Greater", {Wrap(NodeOutput{body->args[0], 0}), Wrap(WholeNumber(graph_, 0))});
    Finish(graph_, *body, {any});
    return body;
  }

  void AddArgs(const std::vector<NodeOutput>& first) {
    for (const NodeOutput& variable : first) {
      const bool list = IsList(variable);
      OutputSpec spec = SpecOf(variable);
      if (list) spec.shape = Shape{Shape::kUnknownDim};
      AddArg(graph_, spec, list, "grad");
    }
  }

  // Adds the lists to `first`.
  Body* Backward(const Dependencies& of, std::vector<NodeOutput>& first) {
    Body* const body = graph_.NewBody();
    const BodyGuard inside(graph_, body);
    AddArgs(first);
    const Body& forward = *node_.bodies[1];
    LoopValues values(c_, body);
    std::vector<Output> ys, seeds, xs;
    size_t next = 1;
    for (int variable : of.variables) {
      ys.push_back(Wrap(forward.results[variable]));
      seeds.push_back(Wrap(NodeOutput{body->args[next++], 0}));
      xs.push_back(Wrap(NodeOutput{forward.args[variable], 0}));
    }
    for (const NodeOutput& capture : of.captures) xs.push_back(Wrap(capture));
    const std::vector<Output> gradients = Differentiate(ys, seeds, xs, forward, values);
    std::vector<NodeOutput> results = {
        AddOp(graph_, "Sub", {Wrap(NodeOutput{body->args[0], 0}), Wrap(WholeNumber(graph_, 1))})};
    for (size_t i = 0; i < xs.size(); ++i) {
      const Output sum = Wrap(NodeOutput{body->args[i + 1], 0});
      const bool variable = i < of.variables.size();
      if (!gradients[i].defined()) {
        results.push_back(variable
                              ? NoGradient(graph_, Unwrap(xs[i]), [&] { return values.Of(xs[i]); })
                              : Unwrap(sum));
      } else {
        results.push_back(variable ? Unwrap(gradients[i])
                                   : AddOp(graph_, "AddN", {sum, gradients[i]}));
      }
    }
    results.insert(results.end(), values.rest.begin(), values.rest.end());
    first.insert(first.end(), values.first.begin(), values.first.end());
    Finish(graph_, *body, std::move(results));
    return body;
  }

  size_t InputOf(const NodeOutput& capture) const {
    const Body& body = *node_.bodies[1];
    size_t input = body.args.size() + node_.bodies[0]->captures.size();
    for (const NodeOutput& other : body.captures) {
      if (other == capture) break;
      ++input;
    }
    return input;
  }

  const GradContext& c_;
  Node& node_;
  GraphState& graph_;
};

Grads WhileGrad(const GradContext& c) { return LoopGradient(c).Make(); }

}  // namespace

std::vector<OpDef> ControlOps() {
  return {
      {.name = "BodyArg", .gradient = NotDifferentiable, .stateful = true},
      {.name = "If", .gradient = IfGrad, .stateful = true},
      {.name = "While", .gradient = WhileGrad, .stateful = true},
  };
}

}  // namespace internal
}  // namespace varscope
