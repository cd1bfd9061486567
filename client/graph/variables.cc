#include "varscope/variables.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "client/graph/creation.h"
#include "client/graph/handles.h"
#include "client/graph/scope_guards.h"
#include "client/graph/state.h"
#include "varscope/errors.h"
#include "varscope/ops.h"

namespace varscope {

using internal::Unwrap;
using internal::Wrap;

Variable::Variable(const Initializer& initial_value, VariableOptions options,
                   const SourceLocation& where) {
  internal::GraphState& graph = internal::Current();
  if (initial_value.spec() != nullptr) {
    throw ValueError(
        "Variable() takes a value; an initializer without a shape belongs to get_variable().");
  }
  const std::string name = options.name.empty() ? "Variable" : options.name;
  internal::InitialValue first;
  if (const Output* output = initial_value.output()) {
    first = internal::FromOutput(graph, options.dtype ? cast(*output, *options.dtype) : *output);
  } else {
    first = internal::FromTensor(internal::LiteralTensor(initial_value, options.dtype));
  }
  const internal::NameScopeGuard scope(graph, name);
  internal::Definition definition = internal::Define("", graph.names().scope(), first);
  definition.trainable = options.trainable;
  definition.creator = internal::CreatorAt(where);
  *this = Wrap(internal::AddNew(graph, std::move(definition), first));
}

std::string Variable::name() const {
  const internal::VariableState& state = *Unwrap(*this);
  return state.parts.empty() ? absl::StrCat(state.name, ":0") : state.name;
}
Operation Variable::op() const { return Wrap(Unwrap(*this)->handle); }
Graph Variable::graph() const { return Wrap(Unwrap(*this)->graph->shared_from_this()); }
DType Variable::dtype() const { return Unwrap(*this)->dtype; }
const Shape& Variable::shape() const { return Unwrap(*this)->shape; }
bool Variable::trainable() const { return Unwrap(*this)->trainable; }
bool Variable::is_partitioned() const { return !Unwrap(*this)->parts.empty(); }

std::vector<Variable> Variable::parts() const {
  if (!is_partitioned()) return {*this};
  std::vector<Variable> parts;
  for (internal::VariableState* part : Unwrap(*this)->parts) parts.push_back(Wrap(part));
  return parts;
}

namespace {

Output Concat(const internal::VariableState& whole, const std::vector<Input>& parts) {
  const std::string name = whole.name + "/ConcatPartitions";
  const internal::NameScopeGuard root(*whole.graph, "");
  if (parts.size() == 1) return identity(parts[0], name);
  const auto cut = std::find_if(whole.partitions.begin(), whole.partitions.end(),
                                [](int64_t n) { return n > 1; });
  const auto axis = cut == whole.partitions.end() ? 0 : cut - whole.partitions.begin();
  return concat(parts, static_cast<int>(axis), name);
}

}  // namespace

Output Variable::value() const {
  internal::VariableState& state = *Unwrap(*this);
  internal::GraphState& graph = *state.graph;
  if (!graph.controlled()) return unordered_value();
  if (state.parts.empty()) return Wrap(graph.AddRead(&state));
  std::vector<Input> values;
  values.reserve(state.parts.size());
  bool changed_inside = false;
  for (internal::VariableState* part : state.parts) {
    const internal::NodeOutput value = graph.AddRead(part);
    changed_inside |= value.node->body != nullptr;
    values.emplace_back(Wrap(value));
  }
  if (changed_inside) return Concat(state, values);
  const internal::OutsideGuard outside(graph);
  Output whole = Concat(state, values);
  state.ordered_reads.push_back(Unwrap(whole));
  return whole;
}

Output Variable::unordered_value() const {
  internal::VariableState& state = *Unwrap(*this);
  if (state.read.node == nullptr) {
    const internal::OutsideGuard outside(*state.graph);
    const internal::NoControlGuard at_once(*state.graph);
    std::vector<Input> values;
    values.reserve(state.parts.size());
    for (const internal::VariableState* part : state.parts) values.emplace_back(Wrap(part->read));
    state.read = Unwrap(Concat(state, values));
  }
  return Wrap(state.read);
}

}  // namespace varscope
