// The state of optimizers: the slots of each variable, and non-slot variables, found or created
// under TensorFlow's names.
#ifndef VARSCOPE_SERVER_CATALOG_OPTIMIZER_SLOTS_H_
#define VARSCOPE_SERVER_CATALOG_OPTIMIZER_SLOTS_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "proto/concurrency/mutex.h"
#include "proto/naming/creator.h"
#include "proto/optimizers/optimizer.h"
#include "server/catalog/catalog.h"
#include "server/catalog/creation.h"
#include "server/catalog/name_table.h"
#include "server/catalog/slot_names.h"
#include "server/store/variable.h"

namespace varscope::server {

// Which state of an optimizer is meant.
struct OptimizerSpec {
  std::string optimizer;
  std::string name;  // "Adam"
  uint32_t instance = 0;
  std::string group;  // whose non-slot variables; the optimizer's first variable
  SlotNames non_slots = {};
};

// A variable that is to have slots, and their names.
struct SlotOwner {
  const Variable& variable;
  const SlotNames& names;
};

// An optimizer's state for some variables. All references outlive it.
struct StateRequest {
  const optimizers::Optimizer& optimizer;
  const optimizers::Hyperparameters& hyperparameters;
  const OptimizerSpec& spec;
  const Creator& creator;  // of what has to be made
  std::vector<SlotOwner> owners;
};

// slots[i] belong to the i-th owner.
struct OptimizerState {
  std::vector<VariablePtr> non_slots;
  std::vector<std::vector<VariablePtr>> slots;
};

// InvalidArgument when `owner` names its slots or non-slot variables, and not as many as the
// optimizer has states.
absl::Status CheckSlotNames(const SlotNames& names, size_t states, const std::string& owner,
                            const std::string& optimizer);

// By variable and by group, then optimizer and names: state already made.
struct StateTables {
  using Map = absl::flat_hash_map<std::string, std::vector<VariablePtr>>;
  Map slots;
  Map non_slots;

  // DataLoss when a variable is missing.
  absl::Status Add(const std::vector<StateNames>& new_slots,
                   const std::vector<StateNames>& new_non_slots, const NameTable& names);
};

// Thread-safe. Whoever creates holds the store's ChangesLock, as with the catalog.
class OptimizerSlots {
 public:
  // `catalog`, which gets the variables, outlives it.
  explicit OptimizerSlots(Catalog& catalog) : catalog_(catalog) {}
  OptimizerSlots(const OptimizerSlots&) = delete;
  OptimizerSlots& operator=(const OptimizerSlots&) = delete;

  // Finds the slots and non-slot variables of all requests, or creates all that are missing at
  // once. InvalidArgument as CheckSlotNames, ResourceExhausted when they do not fit; then none is
  // created. The caller has checked that the names are valid (push/resolve.h).
  absl::StatusOr<std::vector<OptimizerState>> GetOrCreate(std::span<const StateRequest> requests);
  // As GetOrCreate's that once created `batch`, whose variables are in the catalog again. DataLoss
  // when one is missing.
  absl::Status Recreate(const CreationBatch& batch);

  // Calls `meanwhile` while no slot is being created, and returns all.
  StateTables Capture(absl::FunctionRef<void()> meanwhile) const;
  // The caller holds Changes::LockOut.
  void Replace(StateTables states);

 private:
  absl::Status Register(const CreationBatch& batch) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  Catalog& catalog_;
  mutable Mutex mutex_;  // taken before the catalog's
  StateTables states_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_CATALOG_OPTIMIZER_SLOTS_H_
