#include "varscope/scopes.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "client/graph/handles.h"
#include "client/graph/scope_guards.h"
#include "client/graph/state.h"
#include "varscope/errors.h"

namespace varscope {
namespace internal {

namespace {

void EnterNameScope(GraphState& graph, const std::string& name) {
  if (absl::Status status = graph.names().Validate(name); !status.ok()) {
    throw ValueError(std::string(status.message()));
  }
  graph.names().Enter(name);
}

}  // namespace

uint64_t OpenNameScope(GraphState& graph, const std::string& name) {
  const std::string outer = graph.names().scope();
  EnterNameScope(graph, name);
  return graph.open_scopes().Open(absl::StrCat("name_scope '", NameScopeOf(graph), "'"),
                                  [&graph, outer] { graph.names().Leave(outer); });
}

uint64_t OpenControl(GraphState& graph, std::vector<Node*> after) {
  graph.control().push_back(std::move(after));
  return graph.open_scopes().Open("control_dependencies", [&graph] { graph.control().pop_back(); });
}

uint64_t SuspendControl(GraphState& graph) {
  return graph.open_scopes().Open(
      "control_dependencies(None)",
      [&graph, outer = std::exchange(graph.control(), {})] { graph.control() = outer; });
}

}  // namespace internal

const std::string& VariableScope::name() const { return state_->name; }
const std::string& VariableScope::original_name_scope() const {
  return state_->original_name_scope;
}
Reuse VariableScope::reuse() const { return state_->reuse; }
DType VariableScope::dtype() const { return state_->dtype; }
void VariableScope::reuse_variables() { state_->reuse = Reuse::kTrue; }

namespace {

using internal::GraphState;
using Entered = internal::VariableScopes::Entered;

// Enters the name scope of a variable scope; without an auxiliary one the current one again.
void EnterNameOf(GraphState& graph, const std::string& name, bool auxiliary) {
  internal::EnterNameScope(graph, auxiliary ? name : internal::NameScopeOf(graph));
}

Entered EnterNamed(GraphState& graph, const std::string& name, const ScopeOptions& options) {
  const bool own = !name.empty() || !options.auxiliary_name_scope;
  if (own) EnterNameOf(graph, name, options.auxiliary_name_scope);
  return graph.scopes().EnterNamed(name, own ? internal::NameScopeOf(graph) : name, options);
}

Entered EnterCaptured(GraphState& graph, const VariableScope& scope, const ScopeOptions& options) {
  const std::string last = scope.name().substr(scope.name().rfind('/') + 1);
  if (!last.empty() || !options.auxiliary_name_scope) {
    EnterNameOf(graph, last, options.auxiliary_name_scope);
  }
  return graph.scopes().EnterCaptured(*internal::Unwrap(scope), options);
}

Entered EnterDefault(GraphState& graph, const std::string& name, const ScopeOptions& options) {
  if (options.reuse && *options.reuse != Reuse::kFalse) {
    throw ValueError(std::string(kReuseWithoutNameText));
  }
  EnterNameOf(graph, name, options.auxiliary_name_scope);
  const std::string unique = graph.scopes().UniqueDefaultName(name);
  return graph.scopes().EnterNamed(unique, internal::NameScopeOf(graph), options);
}

}  // namespace

ScopeToken variable_scope::Enter(const NameOrScope& name_or_scope,
                                 const std::optional<std::string>& default_name,
                                 const std::vector<Output>& values, const ScopeOptions& options) {
  const auto* const name = std::get_if<std::string>(&name_or_scope);
  const auto* const scope = std::get_if<VariableScope>(&name_or_scope);
  if (name == nullptr && scope == nullptr && !default_name) {
    throw TypeError("If default_name is None then name_or_scope is required");
  }
  // The values' graph is the default one as long as the scope is open.
  std::shared_ptr<ScopeGuard> as_default;
  if (!values.empty()) as_default = std::make_shared<ScopeGuard>(values[0].graph().Enter());
  GraphState& graph = internal::Current();
  for (const Output& value : values) graph.Own(value);
  const std::string outer = graph.names().scope();
  const Entered entered = name != nullptr    ? EnterNamed(graph, *name, options)
                          : scope != nullptr ? EnterCaptured(graph, *scope, options)
                                             : EnterDefault(graph, *default_name, options);
  return graph.TokenOf(
      graph.open_scopes().Open(absl::StrCat("variable_scope '", entered.opened->name, "'"),
                               [&graph, entered, outer, as_default] {
                                 graph.scopes().Leave(entered);
                                 graph.names().Leave(outer);
                               }));
}

variable_scope::variable_scope(ScopeToken token)
    : ScopeGuard(std::move(token)), scope_(get_variable_scope()) {}

VariableScope get_variable_scope() {
  return internal::Wrap(internal::Current().scopes().current());
}

ScopeToken name_scope::Enter(const std::string& name) {
  internal::GraphState& graph = internal::Current();
  return graph.TokenOf(internal::OpenNameScope(graph, name));
}

name_scope::name_scope(const std::string& name)
    : ScopeGuard(Enter(name)), name_(internal::NameScopeOf(internal::Current())) {}

Partitioner fixed_size_partitioner(int64_t num_shards, int axis) {
  return [num_shards, axis](const Shape& shape, DType) {
    const int rank = shape.rank();
    if (axis < -rank || axis >= rank) {
      throw LookupError(absl::StrCat("fixed_size_partitioner: the axis ", axis, " is not in [",
                                     -rank, ", ", rank, ") of a variable of shape ",
                                     shape.ToString()));
    }
    std::vector<int64_t> partitions(rank, 1);
    partitions[axis < 0 ? axis + rank : axis] = std::min(num_shards, shape.dim(axis));
    return partitions;
  };
}

}  // namespace varscope
