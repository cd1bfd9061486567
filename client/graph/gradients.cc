// Reverse-mode differentiation over the graph.
#include "varscope/gradients.h"

#include <algorithm>
#include <map>
#include <set>

#include "absl/strings/str_cat.h"
#include "client/graph/control_flow.h"
#include "client/graph/creation.h"
#include "client/graph/differentiate.h"
#include "client/graph/fits.h"
#include "client/graph/handles.h"
#include "client/graph/ops/build.h"
#include "varscope/errors.h"
#include "varscope/ops.h"

namespace varscope {
namespace internal {
namespace {

using Sums = std::map<Output, std::vector<Gradient>>;

// What is differentiated: the ops of a body, or whatever there is.
struct Differentiated {
  const Body* body = nullptr;
  ForwardValues* values = nullptr;

  bool Has(const Node& node) const { return body == nullptr || node.body == body; }
  Output ValueOf(const Output& output) const {
    return values == nullptr ? output : values->Of(output);
  }
};

Output ToDense(const Gradient& gradient, const Output& x, const Differentiated& scope) {
  return gradient.is_sparse() ? internal::ToDense(gradient, scope.ValueOf(x)) : gradient.values;
}

Gradient Add(const Output& x, std::vector<Gradient> terms, const Differentiated& scope = {}) {
  if (terms.size() == 1) return terms[0];
  if (IsList(Unwrap(x))) {
    Output sum = terms[0].values;
    for (size_t i = 1; i < terms.size(); ++i) {
      sum = MakeOp("ListAdd", "ListAdd", {sum, terms[i].values});
    }
    return Dense(sum);
  }
  bool all_sparse = true;
  for (const Gradient& term : terms) all_sparse &= term.is_sparse();
  bool int32_rows = true;
  for (const Gradient& term : terms) {
    int32_rows &= !term.is_sparse() || term.indices.dtype() == DType::kInt32;
  }
  std::vector<Input> values;
  std::vector<Input> indices;
  for (const Gradient& term : terms) {
    if (all_sparse) {
      values.emplace_back(term.values);
      indices.emplace_back(int32_rows ? term.indices : cast(term.indices, DType::kInt64));
    } else {
      values.emplace_back(ToDense(term, x, scope));
    }
  }
  if (all_sparse) return {concat(values, 0), concat(indices, 0)};
  return Dense(add_n(values));
}

// The nodes on a way from some x to some y, last first. No way goes through an op of `stopped`, but
// one may begin there.
std::vector<Node*> Between(const std::vector<Output>& ys, const std::vector<Output>& xs,
                           const Differentiated& scope = {}, const std::set<Node*>& stopped = {}) {
  std::set<Node*> reach_y;
  std::vector<Node*> stack;
  stack.reserve(ys.size());
  for (const Output& y : ys) stack.push_back(Unwrap(y).node);
  while (!stack.empty()) {
    Node* const node = stack.back();
    stack.pop_back();
    if (!scope.Has(*node) || !reach_y.insert(node).second) continue;
    for (const NodeOutput& input : node->inputs) stack.push_back(input.node);
  }
  std::set<Node*> from_x;
  for (const Output& x : xs) from_x.insert(Unwrap(x).node);
  const auto by_id = [](const Node* a, const Node* b) { return a->id < b->id; };
  std::vector<Node*> ordered(reach_y.begin(), reach_y.end());
  std::sort(ordered.begin(), ordered.end(), by_id);
  std::vector<Node*> between;
  for (Node* node : ordered) {
    bool depends = from_x.contains(node);
    if (!stopped.contains(node)) {
      for (const NodeOutput& input : node->inputs) depends |= from_x.contains(input.node);
    }
    if (!depends) continue;
    from_x.insert(node);
    between.push_back(node);
  }
  return {between.rbegin(), between.rend()};
}

// What y, the one of this number, changes by with itself: of a known scalar, as losses are, without
// computing y.
Output Ones(const Output& y, size_t number) {
  const std::string name = absl::StrCat("grad_ys_", number);
  if (!y.shape().known_rank() || y.shape().rank() > 0) return ones_like(y, name);
  const Tensor one = CastTensor(Tensor::Scalar(1.0), y.dtype());
  GraphState& graph = *Unwrap(y).node->graph;
  return Wrap(
      NodeOutput{graph.AddNode({.op = "Const", .name = name, .attrs = {{"value", one}}}), 0});
}

Gradient Take(Sums& sums, const Output& x, const Differentiated& scope = {}) {
  const auto it = sums.find(x);
  if (it == sums.end()) return None();
  Gradient sum = Add(x, std::move(it->second), scope);
  sums[x] = {sum};
  return sum;
}

[[noreturn]] void ThrowNoGradient(const Node& node) {
  throw LookupError(absl::StrCat("No gradient defined for operation '", node.name,
                                 "' (op type: ", node.def->name, ")."));
}

std::vector<Output> AllDense(Node& node, std::span<const Gradient> of_outputs,
                             const Differentiated& scope) {
  std::vector<Output> dys;
  for (size_t i = 0; i < of_outputs.size(); ++i) {
    const Output y = Wrap(NodeOutput{&node, static_cast<int>(i)});
    dys.push_back(of_outputs[i].defined() ? ToDense(of_outputs[i], y, scope) : Output());
  }
  return dys;
}

// Those that the program gives. ValueError when they are not as many as the inputs.
std::vector<Gradient> GivenGradients(Node& node, std::span<const Gradient> of_outputs,
                                     const Differentiated& scope) {
  const std::vector<Output> given = (*node.gradient)(AllDense(node, of_outputs, scope));
  if (given.size() != node.inputs.size()) {
    throw ValueError(absl::StrCat("Num gradients ", given.size(), " generated for op ", node.name,
                                  " do not match num inputs ", node.inputs.size()));
  }
  std::vector<Gradient> grads;
  for (const Output& gradient : given) grads.push_back({.values = gradient, .indices = {}});
  return grads;
}

// Of the node's inputs; none when no gradient has come to its outputs.
std::vector<Gradient> GradientsOfInputs(Node& node, std::span<const Gradient> of_outputs,
                                        const Differentiated& scope) {
  const auto defined = [](const Gradient& gradient) { return gradient.defined(); };
  if (node.inputs.empty() || std::none_of(of_outputs.begin(), of_outputs.end(), defined)) return {};
  const NameScopeGuard of_node(*node.graph, absl::StrCat(node.name, "_grad"));
  if (node.gradient != nullptr) return GivenGradients(node, of_outputs, scope);
  if (node.def->gradient == nullptr) ThrowNoGradient(node);
  if (of_outputs[0].is_sparse() && node.def->rows_gradient != nullptr) {
    std::vector<Gradient> grads = node.def->rows_gradient({node, {}, scope.values}, of_outputs[0]);
    if (!grads.empty()) return grads;
  }
  return node.def->gradient({node, AllDense(node, of_outputs, scope), scope.values});
}

void Backpropagate(Node& node, const std::set<Node*>& wanted, Sums& sums,
                   const Differentiated& scope = {}) {
  std::vector<Gradient> of_outputs;
  for (size_t i = 0; i < node.outputs.size(); ++i) {
    of_outputs.push_back(Take(sums, Wrap(NodeOutput{&node, static_cast<int>(i)}), scope));
  }
  const std::vector<Gradient> grads = GradientsOfInputs(node, of_outputs, scope);
  for (size_t i = 0; i < grads.size(); ++i) {
    if (grads[i].defined() && wanted.contains(node.inputs[i].node)) {
      sums[Wrap(node.inputs[i])].push_back(grads[i]);
    }
  }
}

}  // namespace

std::vector<Output> Differentiate(const std::vector<Output>& ys, const std::vector<Output>& seeds,
                                  const std::vector<Output>& xs, const Body& body,
                                  ForwardValues& values) {
  const Differentiated scope{&body, &values};
  Sums sums;
  for (size_t i = 0; i < ys.size(); ++i) sums[ys[i]].push_back(Dense(seeds[i]));
  const std::vector<Node*> between = Between(ys, xs, scope);
  std::set<Node*> wanted(between.begin(), between.end());
  for (const Output& x : xs) wanted.insert(Unwrap(x).node);
  for (Node* node : between) Backpropagate(*node, wanted, sums, scope);
  std::vector<Output> gradients;
  for (const Output& x : xs) {
    const Gradient gradient = Take(sums, x, scope);
    gradients.push_back(gradient.defined() ? ToDense(gradient, x, scope) : Output());
  }
  return gradients;
}

Output ToDense(const Gradient& gradient, const Output& x) {
  if (!gradient.is_sparse()) return gradient.values;
  return MakeOp("SumRowsLike", "UnsortedSegmentSum", {gradient.values, gradient.indices, x});
}

}  // namespace internal

std::vector<Gradient> gradients(const std::vector<Output>& of, const std::vector<Output>& xs,
                                const OptionalList<Output>& grad_ys,
                                const std::vector<Output>& stop_gradients) {
  if (grad_ys.given() && grad_ys->size() != of.size()) {
    throw ValueError(absl::StrCat("Length mismatch. Passed ", grad_ys->size(), " grad_ys for ",
                                  of.size(), " ys"));
  }
  if (of.empty()) return std::vector<Gradient>(xs.size());
  internal::GraphState& graph = *internal::Unwrap(of[0]).node->graph;
  for (const Output& x : xs) graph.Own(x);
  std::set<internal::Node*> stopped;
  for (const Output& stop : stop_gradients) stopped.insert(graph.Own(stop).node);
  const internal::NameScopeGuard scope(graph, "gradients");
  std::vector<Output> ys;
  ys.reserve(of.size());
  for (const Output& y : of) ys.push_back(internal::Wrap(graph.AsInput(graph.Own(y))));
  internal::Sums sums;
  for (size_t i = 0; i < ys.size(); ++i) {
    if (!TakesGradients(ys[i].dtype())) {
      throw TypeError(absl::StrCat("gradients: ", ys[i].name(), " is ", Name(ys[i].dtype()),
                                   ", expected float32 or float64"));
    }
    const bool given = grad_ys.given() && (*grad_ys)[i].defined();
    const Output seed = given ? (*grad_ys)[i] : internal::Ones(ys[i], i);
    graph.Own(seed);
    if (!seed.shape().IsCompatibleWith(ys[i].shape())) {
      throw ValueError(absl::StrCat("gradients: grad_ys has shape ", seed.shape().ToString(),
                                    " for ", ys[i].name(), " of shape ", ys[i].shape().ToString()));
    }
    sums[ys[i]].push_back(internal::Dense(seed));
  }
  const std::vector<internal::Node*> between = internal::Between(ys, xs, {}, stopped);
  const std::set<internal::Node*> wanted(between.begin(), between.end());
  for (internal::Node* node : between) {
    if (!stopped.contains(node)) internal::Backpropagate(*node, wanted, sums);
  }
  std::vector<Gradient> result;
  result.reserve(xs.size());
  for (const Output& x : xs) result.push_back(internal::Take(sums, x));
  return result;
}

std::vector<Gradient> gradients(const std::vector<Output>& ys, const std::vector<Variable>& xs) {
  std::vector<Output> reads;
  std::vector<size_t> ends;
  for (const Variable& x : xs) {
    internal::CheckWhole(x, "differentiated");
    reads.push_back(x.unordered_value());
    for (const internal::NodeOutput& read : internal::Unwrap(x)->ordered_reads) {
      reads.push_back(internal::Wrap(read));
    }
    ends.push_back(reads.size());
  }
  const std::vector<Gradient> by_read = gradients(ys, reads);
  std::vector<Gradient> result;
  auto next = by_read.begin();
  for (size_t i = 0; i < xs.size(); ++i) {
    std::vector<Gradient> terms;
    std::copy_if(next, by_read.begin() + static_cast<int64_t>(ends[i]), std::back_inserter(terms),
                 [](const Gradient& gradient) { return gradient.defined(); });
    next = by_read.begin() + static_cast<int64_t>(ends[i]);
    result.push_back(terms.empty() ? internal::None()
                                   : internal::Add(xs[i].unordered_value(), std::move(terms)));
  }
  return result;
}

Output global_norm(const std::vector<Gradient>& gradients, const std::string& name) {
  const internal::FunctionScope scope(name, "global_norm");
  std::vector<Input> halves;
  for (const Gradient& gradient : gradients) {
    if (gradient.defined())
      halves.emplace_back(internal::MakeOp("L2Loss", "L2Loss", {gradient.values}));
  }
  if (halves.empty()) return constant(0.0);
  return sqrt(multiply(add_n(halves), 2.0), "global_norm");
}

std::pair<std::vector<Gradient>, Output> clip_by_global_norm(const std::vector<Gradient>& gradients,
                                                             const Input& clip_norm,
                                                             const std::string& name) {
  const Output norm = global_norm(gradients);
  const internal::FunctionScope scope(name, "clip_by_global_norm");
  const Output limit = internal::ToOutput(clip_norm, "clip_norm", norm.dtype());
  const Output share = multiply(limit, minimum(divide(1.0, norm), divide(1.0, limit)));
  // NaN when the norm is infinite, for all gradients alike.
  const Output scale = add(share, subtract(norm, norm));
  std::vector<Gradient> clipped;
  for (const Gradient& gradient : gradients) {
    Gradient scaled = gradient;
    if (gradient.defined()) scaled.values = multiply(gradient.values, scale);
    clipped.push_back(scaled);
  }
  return {clipped, norm};
}

}  // namespace varscope
