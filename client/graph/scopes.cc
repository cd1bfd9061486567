#include "varscope/scopes.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "client/graph/handles.h"
#include "client/graph/scope_guards.h"
#include "client/graph/state.h"
#include "varscope/errors.h"

namespace varscope {
namespace internal {

NameScopeGuard::NameScopeGuard(GraphState& graph, const std::string& name) : graph_(graph) {
  if (absl::Status status = graph.names().Validate(name); !status.ok()) {
    throw ValueError(std::string(status.message()));
  }
  previous_ = graph.names().Enter(name);
  const std::string& entered = graph.names().scope();
  name_ = entered.empty() ? "" : entered + "/";
}

NameScopeGuard::~NameScopeGuard() { graph_.names().Leave(previous_); }

}  // namespace internal

const std::string& VariableScope::name() const { return state_->name; }
const std::string& VariableScope::original_name_scope() const {
  return state_->original_name_scope;
}
Reuse VariableScope::reuse() const { return state_->reuse; }
DType VariableScope::dtype() const { return state_->dtype; }
void VariableScope::reuse_variables() { state_->reuse = Reuse::kTrue; }

// Closed in the reverse order of its members: the variable scope, then the name scope.
struct variable_scope::Impl {
  internal::GraphState& graph;
  std::unique_ptr<internal::NameScopeGuard> name_scope;
  internal::VariableScopes::Entered entered;
  VariableScope scope;

  Impl(internal::GraphState& graph, std::unique_ptr<internal::NameScopeGuard> name_scope,
       internal::VariableScopes::Entered entered)
      : graph(graph),
        name_scope(std::move(name_scope)),
        entered(std::move(entered)),
        scope(internal::Wrap(this->entered.opened)) {}
  ~Impl() { graph.scopes().Leave(entered); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  static std::unique_ptr<Impl> Named(const std::string& name, const ScopeOptions& options);
  static std::unique_ptr<Impl> Captured(const VariableScope& scope, const ScopeOptions& options);
  static std::unique_ptr<Impl> Default(const std::string& name, const ScopeOptions& options);
};

namespace {

std::string LastComponent(const std::string& name) { return name.substr(name.rfind('/') + 1); }

// Without an auxiliary name scope the current one is entered again.
std::unique_ptr<internal::NameScopeGuard> OpenNameScope(internal::GraphState& graph,
                                                        const std::string& name, bool auxiliary) {
  if (auxiliary) return std::make_unique<internal::NameScopeGuard>(graph, name);
  const std::string& current = graph.names().scope();
  return std::make_unique<internal::NameScopeGuard>(graph, current.empty() ? "" : current + "/");
}

}  // namespace

std::unique_ptr<variable_scope::Impl> variable_scope::Impl::Named(const std::string& name,
                                                                  const ScopeOptions& options) {
  internal::GraphState& graph = internal::Current();
  std::unique_ptr<internal::NameScopeGuard> guard;
  std::string name_scope = name;
  if (!name.empty() || !options.auxiliary_name_scope) {
    guard = OpenNameScope(graph, name, options.auxiliary_name_scope);
    name_scope = guard->name();
  }
  internal::VariableScopes::Entered entered = graph.scopes().EnterNamed(name, name_scope, options);
  return std::make_unique<Impl>(graph, std::move(guard), std::move(entered));
}

std::unique_ptr<variable_scope::Impl> variable_scope::Impl::Captured(const VariableScope& scope,
                                                                     const ScopeOptions& options) {
  internal::GraphState& graph = internal::Current();
  std::unique_ptr<internal::NameScopeGuard> guard;
  const std::string last = LastComponent(scope.name());
  if (!last.empty() || !options.auxiliary_name_scope) {
    guard = OpenNameScope(graph, last, options.auxiliary_name_scope);
  }
  internal::VariableScopes::Entered entered =
      graph.scopes().EnterCaptured(*internal::Unwrap(scope), options);
  return std::make_unique<Impl>(graph, std::move(guard), std::move(entered));
}

std::unique_ptr<variable_scope::Impl> variable_scope::Impl::Default(const std::string& name,
                                                                    const ScopeOptions& options) {
  if (options.reuse && *options.reuse != Reuse::kFalse) {
    throw ValueError(std::string(kReuseWithoutNameText));
  }
  internal::GraphState& graph = internal::Current();
  auto guard = OpenNameScope(graph, name, options.auxiliary_name_scope);
  const std::string unique = graph.scopes().UniqueDefaultName(name);
  internal::VariableScopes::Entered entered =
      graph.scopes().EnterNamed(unique, guard->name(), options);
  return std::make_unique<Impl>(graph, std::move(guard), std::move(entered));
}

variable_scope::variable_scope(const std::string& name, ScopeOptions options)
    : impl_(Impl::Named(name, options)) {}
variable_scope::variable_scope(const VariableScope& scope, ScopeOptions options)
    : impl_(Impl::Captured(scope, options)) {}
variable_scope::variable_scope(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
variable_scope variable_scope::with_default_name(const std::string& default_name,
                                                 ScopeOptions options) {
  return variable_scope(Impl::Default(default_name, options));
}
variable_scope::~variable_scope() = default;
void variable_scope::reuse_variables() { impl_->scope.reuse_variables(); }
const VariableScope& variable_scope::scope() const { return impl_->scope; }

VariableScope get_variable_scope() {
  return internal::Wrap(internal::Current().scopes().current());
}

name_scope::name_scope(const std::string& name)
    : guard_(std::make_unique<internal::NameScopeGuard>(internal::Current(), name)) {}
name_scope::~name_scope() = default;
const std::string& name_scope::name() const { return guard_->name(); }

Partitioner fixed_size_partitioner(int64_t num_shards, int axis) {
  return [num_shards, axis](const Shape& shape, DType) {
    std::vector<int64_t> partitions(shape.rank(), 1);
    if (axis < shape.rank()) partitions[axis] = std::min(num_shards, shape.dim(axis));
    return partitions;
  };
}

}  // namespace varscope
