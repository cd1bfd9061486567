#include "server/catalog/name_table.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "proto/naming/names.h"
#include "proto/tensor/shape_rules.h"

namespace varscope::server {

absl::StatusOr<VariablePtr> NameTable::Find(const std::string& name) const {
  if (const auto it = by_name_.find(name); it != by_name_.end()) return it->second;
  std::string hint;
  if (const size_t slash = name.rfind('/'); slash != std::string::npos) {
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
    const auto it = by_name_.find(name);
    if (it == by_name_.end()) {
      return absl::DataLossError(absl::StrCat("variable ", name, " is missing"));
    }
    found.push_back(it->second);
  }
  return found;
}

std::string NameTable::UniqueName(const std::string& name,
                                  const std::set<std::string>& taken) const {
  std::string candidate = name;
  for (uint64_t i = FreeSuffix(name); Has(candidate) || taken.contains(candidate); ++i) {
    candidate = absl::StrCat(name, "_", i);
  }
  return candidate;
}

uint64_t NameTable::FreeSuffix(const std::string& name) const {
  const auto next = next_suffix_.find(name);
  return next == next_suffix_.end() ? 1 : next->second;
}

const std::vector<VariablePtr>& NameTable::UniquesOf(const std::string& worker_id,
                                                     const std::string& name) const {
  static const auto* const none = new std::vector<VariablePtr>;
  const auto it = uniques_.find(std::pair(worker_id, name));
  return it == uniques_.end() ? *none : it->second;
}

void NameTable::CountName(const VariablePtr& variable) {
  const VariableDefinition& def = variable->def;
  const bool unique = def.kind == VariableKind::kUnique;
  if (unique) uniques_[{def.creator.worker_id, def.name}].push_back(variable);
  const size_t cut = def.name.rfind('_');
  const bool has_suffix = cut != std::string::npos && cut > 0 && cut + 1 < def.name.size() &&
                          def.name[cut + 1] != '0' &&
                          std::all_of(def.name.begin() + static_cast<std::ptrdiff_t>(cut) + 1,
                                      def.name.end(), absl::ascii_isdigit);
  if (!has_suffix) return;
  const std::string base = def.name.substr(0, cut);
  if (unique) uniques_[{def.creator.worker_id, base}].push_back(variable);
  uint64_t& next = next_suffix_.try_emplace(base, 1).first->second;
  while (Has(absl::StrCat(base, "_", next))) ++next;
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
  if (!by_name_.emplace(def.name, variable).second) {
    return absl::DataLossError(absl::StrCat("variable ", def.name, " comes twice"));
  }
  if (!def.key.empty()) by_key_.emplace(def.key, variable);
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

absl::Status NameTable::AddStates(const std::vector<StateNames>& all, States& states) const {
  for (const StateNames& names : all) {
    absl::StatusOr<std::vector<VariablePtr>> variables = FindAll(names.variables);
    if (!variables.ok()) return variables.status();
    states[names.key] = *std::move(variables);
  }
  return absl::OkStatus();
}

std::vector<std::string> NamesOf(const std::vector<VariablePtr>& variables) {
  std::vector<std::string> names;
  names.reserve(variables.size());
  for (const VariablePtr& variable : variables) names.push_back(variable->def.name);
  return names;
}

}  // namespace varscope::server
