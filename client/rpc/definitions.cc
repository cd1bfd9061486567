#include "client/rpc/definitions.h"

#include <algorithm>
#include <utility>

namespace varscope::internal {
namespace {

Defined Remembered(const Definition& asked, const Resolved& resolved) {
  Defined out{asked, {}};
  for (const ResolvedVariable& variable : resolved.variables) {
    out.variables.push_back(variable.name);
  }
  // A worker's graph has its names already: nothing may be made unique again.
  Definition& again = out.definition;
  again.reuse = Reuse::kAuto;
  again.trainable = resolved.variables.front().trainable;
  if (resolved.partitioning) {
    again.shape = resolved.partitioning->full_shape;
    again.partitions = resolved.partitioning->partitions;
    again.part_names = out.variables;
  } else {
    again.shape = resolved.variables.front().shape;
    again.name = out.variables.front();
  }
  return out;
}

}  // namespace

void Definitions::Add(const std::vector<Definition>& definitions,
                      const std::vector<Resolved>& resolved) {
  MutexLock lock(mutex_);
  for (size_t i = 0; i < definitions.size(); ++i) {
    const Definition& definition = definitions[i];
    if (!definition.initializer && !definition.worker_initialized) continue;
    if (resolved[i].variables.empty()) continue;
    if (!names_.insert(resolved[i].variables.front().name).second) continue;
    all_.push_back(Remembered(definition, resolved[i]));
  }
}

std::vector<Defined> Definitions::ForStoreWith(
    const absl::flat_hash_set<std::string>& present) const {
  const auto is_present = [&](const std::string& name) { return present.contains(name); };
  std::vector<Defined> out;
  MutexLock lock(mutex_);
  for (const Defined& one : all_) {
    const bool shared = !one.definition.key.empty();
    if (shared || !std::ranges::all_of(one.variables, is_present)) out.push_back(one);
  }
  return out;
}

}  // namespace varscope::internal
