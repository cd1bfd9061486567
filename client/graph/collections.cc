// What a graph has collected: variables, losses, and the op that initializes.
#include "varscope/collections.h"

#include <set>

#include "client/graph/handles.h"
#include "client/graph/scope_filter.h"
#include "client/graph/state.h"
#include "varscope/variables.h"

namespace varscope {

namespace {

std::string NameOf(const CollectionItem& item) {
  return std::visit([](const auto& handle) { return handle.name(); }, item);
}

// Those of `name`, before a scope's filter.
std::vector<CollectionItem> ItemsOf(internal::GraphState& graph, const std::string& name) {
  std::vector<CollectionItem> items;
  const bool trainable = name == GraphKeys::TRAINABLE_VARIABLES;
  if (trainable || name == GraphKeys::GLOBAL_VARIABLES) {
    for (internal::VariableState* state : graph.variables().all()) {
      if (state->trainable || !trainable) items.emplace_back(internal::Wrap(state));
    }
  }
  const auto added = graph.collections().find(name);
  if (added == graph.collections().end()) return items;
  for (const auto& item : added->second) {
    std::visit([&](auto own) { items.emplace_back(internal::Wrap(own)); }, item);
  }
  return items;
}

template <typename T>
std::vector<T> HandlesIn(const std::string& name, const std::string& scope) {
  std::vector<T> handles;
  for (const CollectionItem& item : get_collection(name, scope)) {
    if (const auto* const handle = std::get_if<T>(&item)) handles.push_back(*handle);
  }
  return handles;
}

}  // namespace

void add_to_collection(const std::string& name, const CollectionItem& item) {
  internal::GraphState& graph = internal::Current();
  std::visit([&](const auto& handle) { graph.collections()[name].emplace_back(graph.Own(handle)); },
             item);
}

std::vector<CollectionItem> get_collection(const std::string& name, const std::string& scope) {
  const internal::ScopeFilter filter(scope);
  std::vector<CollectionItem> items;
  for (CollectionItem& item : ItemsOf(internal::Current(), name)) {
    if (filter.Matches(NameOf(item))) items.push_back(std::move(item));
  }
  return items;
}

std::vector<std::string> get_all_collection_keys() {
  internal::GraphState& graph = internal::Current();
  std::set<std::string> names = {GraphKeys::GLOBAL_VARIABLES, GraphKeys::TRAINABLE_VARIABLES};
  for (const auto& [name, items] : graph.collections()) names.insert(name);
  std::erase_if(names, [&](const std::string& name) { return ItemsOf(graph, name).empty(); });
  return {names.begin(), names.end()};
}

std::vector<Variable> global_variables(const std::string& scope) {
  return HandlesIn<Variable>(GraphKeys::GLOBAL_VARIABLES, scope);
}

std::vector<Variable> trainable_variables(const std::string& scope) {
  return HandlesIn<Variable>(GraphKeys::TRAINABLE_VARIABLES, scope);
}

std::vector<Output> regularization_losses(const std::string& scope) {
  return HandlesIn<Output>(GraphKeys::REGULARIZATION_LOSSES, scope);
}

Operation global_variables_initializer() {
  internal::GraphState& graph = internal::Current();
  std::vector<Output> values;
  std::vector<internal::VariableState*> computed;
  std::vector<internal::VariableState*> given;
  for (internal::VariableState* state : graph.variables().all()) {
    if (state->initial_output) {
      values.push_back(internal::Wrap(*state->initial_output));
      computed.push_back(state);
    }
    if (state->initial_tensor || state->slot) given.push_back(state);
  }
  internal::Node* const node =
      graph.AddNode({.op = "InitializeVariables", .name = "init", .inputs = std::move(values)});
  node->initializes = std::move(computed);
  node->initializes.insert(node->initializes.end(), given.begin(), given.end());
  return internal::Wrap(node);
}

}  // namespace varscope
