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
                   std::source_location where) {
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

Output Variable::value() const {
  if (!is_partitioned()) return state_->read;
  if (state_->read.defined()) return state_->read;
  const auto cut = std::find_if(state_->partitions.begin(), state_->partitions.end(),
                                [](int64_t n) { return n > 1; });
  const int axis =
      cut == state_->partitions.end() ? 0 : static_cast<int>(cut - state_->partitions.begin());
  std::vector<Input> values;
  for (const StatePtr& part : state_->parts) values.emplace_back(part->read);
  const internal::NameScopeGuard root(*state_->graph, "");
  state_->read = values.size() == 1 ? identity(values[0], state_->name + "/ConcatPartitions")
                                    : concat(values, axis, state_->name + "/ConcatPartitions");
  return state_->read;
}

}  // namespace varscope
