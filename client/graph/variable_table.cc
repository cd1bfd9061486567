#include "client/graph/variable_table.h"

namespace varscope::internal {

std::optional<KnownVariable> VariableTable::FindVariable(const std::string& key) const {
  const VariableState* const found = Variable(key);
  if (found == nullptr) return std::nullopt;
  return KnownVariable{found->dtype, found->shape};
}

std::optional<KnownPartitioned> VariableTable::FindPartitioned(const std::string& key) const {
  const VariableState* const found = Partitioned(key);
  if (found == nullptr) return std::nullopt;
  return KnownPartitioned{found->dtype, found->shape, found->partitions};
}

VariableState* VariableTable::Variable(const std::string& key) const {
  const MutexLock lock(mutex_);
  const auto it = by_key_.find(key);
  return it == by_key_.end() ? nullptr : it->second;
}

VariableState* VariableTable::Partitioned(const std::string& key) const {
  const MutexLock lock(mutex_);
  const auto it = partitioned_.find(key);
  return it == partitioned_.end() ? nullptr : it->second;
}

std::vector<VariableState*> VariableTable::all() const {
  const MutexLock lock(mutex_);
  return all_;
}

size_t VariableTable::size() const {
  const MutexLock lock(mutex_);
  return all_.size();
}

std::vector<VariableState*> VariableTable::defined() const {
  const MutexLock lock(mutex_);
  std::vector<VariableState*> states = all_;
  for (const auto& [key, state] : partitioned_) states.push_back(state);
  return states;
}

VariableState* VariableTable::Add(std::unique_ptr<VariableState> variable) {
  const MutexLock lock(mutex_);
  owned_.push_back(std::move(variable));
  VariableState* const added = owned_.back().get();
  if (!added->key.empty()) by_key_.emplace(added->key, added);
  all_.push_back(added);
  return added;
}

VariableState* VariableTable::AddPartitioned(std::unique_ptr<VariableState> variable) {
  const MutexLock lock(mutex_);
  owned_.push_back(std::move(variable));
  VariableState* const added = owned_.back().get();
  partitioned_.emplace(added->key, added);
  return added;
}

}  // namespace varscope::internal
