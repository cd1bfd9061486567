#include "server/catalog/name_table.h"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "proto/naming/names.h"
#include "proto/tensor/shape_rules.h"

namespace varscope::server {
namespace {

// Room for more, so that adding one by one stays cheap.
template <typename T>
void ReserveMore(std::vector<T>& all, size_t more) {
  if (all.capacity() - all.size() < more) {
    all.reserve(std::max(all.size() + more, 2 * all.capacity()));
  }
}

template <typename Key, typename Value>
void ReserveMore(NameTable::Map<Key, Value>& all, size_t more) {
  const size_t needed = all.size() + more;
  // The load factor is 1. One that never had any has no room for the first, either.
  if (!all.empty() && needed <= all.bucket_count()) return;
  all.reserve(std::max(needed, 2 * all.size()));
}

// Of those that have some already.
template <typename Map>
void ReserveMoreOfEach(Map& all, const Map& added) {
  for (const auto& [key, values] : added) {
    if (const auto it = all.find(key); it != all.end()) ReserveMore(it->second, values.size());
  }
}

template <typename T>
void Append(std::vector<T>& all, std::vector<T>& added) {
  all.insert(all.end(), std::make_move_iterator(added.begin()),
             std::make_move_iterator(added.end()));
}

// What is added takes the place of what has its key.
template <typename Map>
void Overwrite(Map& all, Map& added) {
  for (const auto& [key, value] : added) all.erase(key);
  all.merge(added);
}

}  // namespace

std::optional<SuffixedName> SplitSuffix(const std::string& name) {
  const size_t cut = name.rfind('_');
  if (cut == std::string::npos || cut == 0) return std::nullopt;
  const absl::string_view digits = absl::string_view(name).substr(cut + 1);
  if (digits.empty() || digits[0] == '0' ||
      !std::all_of(digits.begin(), digits.end(), absl::ascii_isdigit)) {
    return std::nullopt;
  }
  uint64_t suffix = 0;
  if (!absl::SimpleAtoi(digits, &suffix)) return std::nullopt;
  return SuffixedName{name.substr(0, cut), suffix};
}

const VariablePtr* NameTable::FindName(const std::string& name) const {
  const auto it = by_name_.find(name);
  if (it != by_name_.end()) return &it->second;
  return older_ == nullptr ? nullptr : older_->FindName(name);
}

absl::StatusOr<VariablePtr> NameTable::Find(const std::string& name) const {
  if (const VariablePtr* const found = FindName(name)) return *found;
  // All names are looked at for the hint, and others wait meanwhile.
  constexpr size_t kMostLookedAt = 1000;
  std::string hint;
  const size_t slash = name.rfind('/');
  if (slash != std::string::npos && variables_.size() <= kMostLookedAt) {
    const absl::string_view scope = absl::string_view(name).substr(0, slash + 1);
    const bool has_some =
        std::any_of(variables_.begin(), variables_.end(),
                    [&](const VariablePtr& v) { return absl::StartsWith(v->def.name, scope); });
    if (!has_some)
      hint = absl::StrCat("; the scope '", Printable(name.substr(0, slash)), "' has none");
  }
  return absl::NotFoundError(absl::StrCat("variable '", Printable(name),
                                          "' is not in the store, which has ", variables_.size(),
                                          " variables", hint));
}

absl::StatusOr<std::vector<VariablePtr>> NameTable::FindAll(
    const std::vector<std::string>& names) const {
  std::vector<VariablePtr> found;
  for (const std::string& name : names) {
    const VariablePtr* const one = FindName(name);
    if (one == nullptr) {
      return absl::DataLossError(absl::StrCat("variable ", name, " is missing"));
    }
    found.push_back(*one);
  }
  return found;
}

uint64_t NameTable::FreeSuffix(const std::string& name) const {
  const auto next = next_suffix_.find(name);
  if (next != next_suffix_.end()) return next->second;
  return older_ == nullptr ? 1 : older_->FreeSuffix(name);
}

VariablePtr NameTable::FirstUnique(const UniqueRequest& request, uint64_t incarnation) const {
  const auto it = uniques_.find(request);
  if (it == uniques_.end()) return nullptr;
  const std::vector<MadeUnique>& all = it->second;
  const size_t own = all.back().incarnation == incarnation ? 1 : 0;
  return all.size() == own ? nullptr : all[all.size() - own - 1].smallest;
}

VariablePtr NameTable::FindRequest(uint64_t incarnation, uint64_t number) const {
  const auto it = requests_.find({incarnation, number});
  return it == requests_.end() ? nullptr : it->second;
}

const std::vector<VariablePtr>& NameTable::SlotsOf(const std::string& primary) const {
  static const auto* const none = new std::vector<VariablePtr>;
  const auto it = by_primary_.find(primary);
  return it == by_primary_.end() ? *none : it->second;
}

void NameTable::Count(std::vector<MadeUnique>& all, MadeUnique made) {
  if (!all.empty() && all.back().smallest_suffix < made.smallest_suffix) {
    made.smallest_suffix = all.back().smallest_suffix;
    made.smallest = all.back().smallest;
  }
  if (!all.empty() && all.back().incarnation == made.incarnation) {
    all.back() = std::move(made);
  } else {
    all.push_back(std::move(made));
  }
}

void NameTable::CountName(const VariablePtr& variable) {
  const VariableDefinition& def = variable->def;
  const bool unique = def.kind == VariableKind::kUnique;
  if (unique && def.creator_request > 0) {
    requests_.try_emplace({def.creator_incarnation, def.creator_request}, variable);
  }
  const std::optional<SuffixedName> name = SplitSuffix(def.name);
  if (!name) return;
  if (unique) {
    Count(uniques_[{def.creator.worker_id, name->base, def.dtype, def.shape}],
          {def.creator_incarnation, name->suffix, variable});
  }
  uint64_t& next = next_suffix_.try_emplace(name->base, FreeSuffix(name->base)).first->second;
  while (Has(absl::StrCat(name->base, "_", next))) ++next;
}

VariablePtr NameTable::FindKey(const std::string& key) const {
  const auto it = by_key_.find(key);
  return it == by_key_.end() ? nullptr : it->second;
}

std::optional<KnownVariable> NameTable::FindVariable(const std::string& key) const {
  const VariablePtr found = FindKey(key);
  if (found == nullptr) return std::nullopt;
  return KnownVariable{found->def.dtype, found->def.shape};
}

std::optional<KnownPartitioned> NameTable::FindPartitioned(const std::string& key) const {
  const auto it = partitioned_.find(key);
  if (it == partitioned_.end()) return std::nullopt;
  return it->second.known;
}

std::vector<PartitionedNames> NameTable::partitioned() const {
  std::vector<PartitionedNames> all;
  for (const auto& [key, partitioned] : partitioned_) {
    all.push_back({key, partitioned.known, NamesOf(partitioned.parts)});
  }
  return all;
}

absl::Status NameTable::Add(VariablePtr variable) {
  const VariableDefinition& def = variable->def;
  const absl::StatusOr<uint64_t> bytes = ByteSize(def.dtype, def.shape);
  if (!bytes.ok()) {
    return absl::DataLossError(absl::StrCat("variable ", def.name, ": ", bytes.status().message()));
  }
  if (Has(def.name)) {
    return absl::DataLossError(absl::StrCat("variable ", def.name, " comes twice"));
  }
  by_name_.emplace(def.name, variable);
  if (!def.key.empty()) by_key_.emplace(def.key, variable);
  if (!def.primary.empty()) by_primary_[def.primary].push_back(variable);
  CountName(variable);
  bytes_ += *bytes;
  overhead_ += OverheadOf(def);
  variables_.push_back(std::move(variable));
  return absl::OkStatus();
}

absl::Status NameTable::AddPartitioned(const PartitionedNames& names) {
  absl::StatusOr<std::vector<VariablePtr>> parts = FindAll(names.parts);
  if (!parts.ok()) return parts.status();
  partitioned_[names.key] = {names.known, *std::move(parts)};
  return absl::OkStatus();
}

absl::Status NameTable::AddStates(const std::vector<StateNames>& all, bool non_slots) {
  States& states = non_slots ? non_slots_ : slots_;
  for (const StateNames& names : all) {
    absl::StatusOr<std::vector<VariablePtr>> variables = FindAll(names.variables);
    if (!variables.ok()) return variables.status();
    const auto state = states.try_emplace(names.key).first;
    Displace(state->second);
    state->second = *std::move(variables);
    for (size_t i = 0; i < state->second.size(); ++i) {
      places_[state->second[i].get()] = {&state->first, i, non_slots};
    }
  }
  return absl::OkStatus();
}

void NameTable::Displace(const std::vector<VariablePtr>& state) noexcept {
  for (const VariablePtr& variable : state) places_.erase(variable.get());
}

NameTable::StatePlace NameTable::PlaceOf(const Variable& variable) const {
  const auto it = places_.find(&variable);
  return it == places_.end() ? StatePlace{} : it->second;
}

absl::StatusOr<NameTable> NameTable::Prepare(const CreationBatch& batch,
                                             const std::vector<VariablePtr>& variables) const {
  NameTable added;
  added.older_ = this;
  absl::Status status;
  for (const VariablePtr& variable : variables) status.Update(added.Add(variable));
  if (batch.partitioned) status.Update(added.AddPartitioned(*batch.partitioned));
  status.Update(added.AddSlots(batch.slots));
  status.Update(added.AddNonSlots(batch.non_slots));
  if (!status.ok()) return status;
  return added;
}

void NameTable::Join(NameTable added, absl::FunctionRef<void()> happens) {
  ReserveFor(added);
  happens();
  Merge(added);
}

void NameTable::ReserveFor(const NameTable& added) {
  ReserveMore(variables_, added.variables_.size());
  ReserveMore(by_name_, added.by_name_.size());
  ReserveMore(by_key_, added.by_key_.size());
  ReserveMore(partitioned_, added.partitioned_.size());
  ReserveMore(next_suffix_, added.next_suffix_.size());
  ReserveMore(uniques_, added.uniques_.size());
  ReserveMore(requests_, added.requests_.size());
  ReserveMore(by_primary_, added.by_primary_.size());
  ReserveMore(slots_, added.slots_.size());
  ReserveMore(non_slots_, added.non_slots_.size());
  ReserveMore(places_, added.places_.size());
  ReserveMoreOfEach(uniques_, added.uniques_);
  ReserveMoreOfEach(by_primary_, added.by_primary_);
}

// Nodes move from one map to the other, where there is room.
void NameTable::Merge(NameTable& added) noexcept {
  bytes_ += added.bytes_;
  overhead_ += added.overhead_;
  Append(variables_, added.variables_);
  by_name_.merge(added.by_name_);
  by_key_.merge(added.by_key_);
  Overwrite(partitioned_, added.partitioned_);
  Overwrite(next_suffix_, added.next_suffix_);
  for (auto& [request, made] : added.uniques_) {
    const auto it = uniques_.find(request);
    if (it == uniques_.end()) continue;
    for (MadeUnique& one : made) Count(it->second, std::move(one));
  }
  uniques_.merge(added.uniques_);
  requests_.merge(added.requests_);
  for (auto& [primary, slots] : added.by_primary_) {
    const auto it = by_primary_.find(primary);
    if (it != by_primary_.end()) Append(it->second, slots);
  }
  by_primary_.merge(added.by_primary_);
  for (States NameTable::*const states : {&NameTable::slots_, &NameTable::non_slots_}) {
    for (const auto& [key, variables] : added.*states) {
      if (const auto it = (this->*states).find(key); it != (this->*states).end()) {
        Displace(it->second);
      }
    }
    Overwrite(this->*states, added.*states);
  }
  Overwrite(places_, added.places_);
}

namespace {

template <typename Variables>
std::vector<std::string> NamesOfEach(const Variables& variables) {
  std::vector<std::string> names;
  names.reserve(variables.size());
  for (const auto& variable : variables) names.push_back(variable->def.name);
  return names;
}

}  // namespace

std::vector<std::string> NamesOf(const std::vector<VariablePtr>& variables) {
  return NamesOfEach(variables);
}

std::vector<std::string> NamesOf(std::span<Variable* const> variables) {
  return NamesOfEach(variables);
}

}  // namespace varscope::server
