#include "client/graph/variable_table.h"

namespace varscope::internal {

std::optional<KnownVariable> VariableTable::FindVariable(const std::string& key) const {
  const StatePtr found = Variable(key);
  if (found == nullptr) return std::nullopt;
  return KnownVariable{found->dtype, found->shape};
}

std::optional<KnownPartitioned> VariableTable::FindPartitioned(const std::string& key) const {
  const StatePtr found = Partitioned(key);
  if (found == nullptr) return std::nullopt;
  return KnownPartitioned{found->dtype, found->shape, found->partitions};
}

VariableTable::StatePtr VariableTable::Variable(const std::string& key) const {
  const auto it = by_key_.find(key);
  return it == by_key_.end() ? nullptr : it->second;
}

VariableTable::StatePtr VariableTable::Partitioned(const std::string& key) const {
  const auto it = partitioned_.find(key);
  return it == partitioned_.end() ? nullptr : it->second;
}

std::vector<VariableTable::StatePtr> VariableTable::defined() const {
  std::vector<StatePtr> states = all_;
  for (const auto& [key, state] : partitioned_) states.push_back(state);
  return states;
}

void VariableTable::Add(StatePtr variable) {
  if (!variable->key.empty()) by_key_.emplace(variable->key, variable);
  all_.push_back(std::move(variable));
}

void VariableTable::AddPartitioned(StatePtr variable) {
  partitioned_.emplace(variable->key, std::move(variable));
}

}  // namespace varscope::internal
