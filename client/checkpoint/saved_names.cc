#include "client/checkpoint/saved_names.h"

#include <algorithm>
#include <utility>

#include "client/graph/handles.h"

namespace varscope::checkpoint {
namespace {

using internal::VariableState;

struct Part {
  const VariableState* whole;
  size_t index;
};

std::map<const VariableState*, Part> PartsOf(internal::GraphState& graph) {
  std::map<const VariableState*, Part> parts;
  for (const VariableState* whole : graph.variables().defined()) {
    for (size_t i = 0; i < whole->parts.size(); ++i) parts[whole->parts[i]] = {whole, i};
  }
  return parts;
}

// "w/part_0/Adam" of the part "w/part_0" of "w" is "w/Adam".
std::string NameOfWhole(const VariableState& slot, const VariableState& part,
                        const VariableState& whole) {
  std::string name = slot.name;
  return name.replace(name.find(part.name), part.name.size(), whole.name);
}

}  // namespace

std::vector<SavedName> SavedNames(internal::GraphState& graph,
                                  const std::map<std::string, Variable>& variables,
                                  const std::function<bool(const std::string& name)>& joins) {
  const std::map<const VariableState*, Part> parts = PartsOf(graph);
  std::vector<SavedName> saved;
  std::map<std::string, SavedName> joined;
  for (const auto& [name, variable] : variables) {
    VariableState* const state = graph.Own(variable);
    const bool is_slot = state->slot && state->slot->primary != nullptr;
    const VariableState* const own = is_slot ? state->slot->primary : state;
    const auto part = parts.find(own);
    if (part == parts.end() || name != state->name) {
      SavedName one{.name = name, .parts = state->parts, .partitions = state->partitions};
      if (one.parts.empty()) one.parts = {state};
      saved.push_back(std::move(one));
      continue;
    }
    const auto& [whole, index] = part->second;
    SavedName& one = joined[NameOfWhole(*state, *own, *whole)];
    one.partitions = whole->partitions;
    one.parts.resize(whole->parts.size());
    one.parts[index] = state;
  }
  for (auto& [name, one] : joined) {
    one.name = name;
    if (joins(name) && std::count(one.parts.begin(), one.parts.end(), nullptr) == 0) {
      saved.push_back(std::move(one));
      continue;
    }
    for (VariableState* part : one.parts) {
      if (part != nullptr) saved.push_back({part->name, {part}, {}});
    }
  }
  return saved;
}

}  // namespace varscope::checkpoint
