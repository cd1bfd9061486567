#include "client/graph/variable_scopes.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "varscope/variables.h"

namespace varscope::internal {
namespace {

// reuse=False says nothing: it never undoes the surrounding scope's.
bool Overrides(const std::optional<Reuse>& reuse) { return reuse && *reuse != Reuse::kFalse; }

// The inner getter is called with the outer one as its getter.
CustomGetter Wrap(CustomGetter inner, CustomGetter outer) {
  if (!outer) return inner;
  return
      [inner, outer](const Getter& getter, const std::string& name, const GetVariableArgs& args) {
        const Getter wrapped = [&](const std::string& n, const GetVariableArgs& a) {
          return outer(getter, n, a);
        };
        return inner(wrapped, name, args);
      };
}

void Apply(const ScopeOptions& options, ScopeState& scope) {
  if (options.initializer) scope.initializer = options.initializer;
  if (options.regularizer) scope.regularizer = options.regularizer;
  if (options.dtype) scope.dtype = *options.dtype;
  if (options.partitioner) scope.partitioner = options.partitioner;
  if (options.custom_getter) {
    scope.custom_getter = Wrap(options.custom_getter, scope.custom_getter);
  }
}

}  // namespace

VariableScopes::Entered VariableScopes::EnterNamed(const std::string& name,
                                                   const std::string& name_scope,
                                                   const ScopeOptions& options) {
  Entered entered{.previous = current_};
  entered.opened = std::make_shared<ScopeState>(*current_);
  ScopeState& scope = *entered.opened;
  scope.name = current_->name.empty() ? name : absl::StrCat(current_->name, "/", name);
  scope.original_name_scope = name_scope;
  if (Overrides(options.reuse)) scope.reuse = *options.reuse;
  Apply(options, scope);
  ++counts_[scope.name];
  current_ = entered.opened;
  return entered;
}

VariableScopes::Entered VariableScopes::EnterCaptured(const ScopeState& captured,
                                                      const ScopeOptions& options) {
  Entered entered{.previous = current_};
  entered.opened = std::make_shared<ScopeState>(captured);
  if (Overrides(options.reuse)) entered.opened->reuse = *options.reuse;
  Apply(options, *entered.opened);
  ++counts_[captured.name];
  entered.counts = counts_;
  current_ = entered.opened;
  return entered;
}

void VariableScopes::Leave(const Entered& entered) {
  if (entered.counts) {
    counts_ = *entered.counts;
  } else {
    const std::string prefix = entered.opened->name + "/";
    for (auto& [name, count] : counts_) {
      if (absl::StartsWith(name, prefix)) count = 0;
    }
  }
  current_ = entered.previous;
}

int VariableScopes::CountOf(const std::string& name) const {
  const auto it = counts_.find(name);
  return it == counts_.end() ? 0 : it->second;
}

std::string VariableScopes::UniqueDefaultName(const std::string& prefix) const {
  const std::string full =
      current_->name.empty() ? prefix : absl::StrCat(current_->name, "/", prefix);
  if (CountOf(full) == 0) return prefix;
  int i = 1;
  while (CountOf(absl::StrCat(full, "_", i)) > 0) ++i;
  return absl::StrCat(prefix, "_", i);
}

}  // namespace varscope::internal
