#include "varscope/variables.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "client/graph/creation.h"
#include "client/graph/scope_guards.h"
#include "client/graph/state.h"
#include "varscope/errors.h"
#include "varscope/ops.h"

namespace varscope {

using internal::StatePtr;

Variable::Variable(const Initializer& initial_value, VariableOptions options,
                   const SourceLocation& where) {
  internal::GraphState& graph = internal::Current();
  if (initial_value.spec() != nullptr) {
    throw ValueError(
        "Variable() takes a value; an initializer without a shape belongs to get_variable().");
  }
  const std::string name = options.name.empty() ? "Variable" : options.name;
  internal::FirstValue first;
  if (const Output* output = initial_value.output()) {
    first = internal::FromOutput(options.dtype ? cast(*output, *options.dtype) : *output);
  } else {
    const Tensor& value = *initial_value.value();
    first =
        internal::FromTensor(internal::CastTensor(value, options.dtype.value_or(value.dtype())));
  }
  const internal::NameScopeGuard scope(graph, name);
  internal::Definition definition = internal::Define("", graph.names().scope(), first);
  definition.trainable = options.trainable;
  definition.definer = internal::DefinerAt(where);
  state_ = internal::AddNew(graph, std::move(definition), first);
}

std::string Variable::name() const {
  return is_partitioned() ? state_->name : absl::StrCat(state_->name, ":0");
}
Operation Variable::op() const { return state_->handle; }
DType Variable::dtype() const { return state_->dtype; }
const Shape& Variable::shape() const { return state_->shape; }
bool Variable::trainable() const { return state_->trainable; }
bool Variable::is_partitioned() const { return !state_->parts.empty(); }

std::vector<Variable> Variable::parts() const {
  if (!is_partitioned()) return {*this};
  std::vector<Variable> parts;
  for (const StatePtr& part : state_->parts) parts.emplace_back(part);
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
  internal::GraphState& graph = *state_->graph;
  if (!graph.controlled()) return unordered_value();
  if (!is_partitioned()) return graph.AddRead(state_);
  std::vector<Input> values;
  for (const StatePtr& part : state_->parts) values.emplace_back(graph.AddRead(part));
  state_->ordered_reads.push_back(Concat(*state_, values));
  return state_->ordered_reads.back();
}

Output Variable::unordered_value() const {
  if (state_->read.defined()) return state_->read;
  const internal::NoControlGuard at_once(*state_->graph);
  std::vector<Input> values;
  for (const StatePtr& part : state_->parts) values.emplace_back(part->read);
  state_->read = Concat(*state_, values);
  return state_->read;
}

}  // namespace varscope
