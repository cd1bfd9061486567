// The state of optimizers: the slots of each variable, and non-slot variables, found or created
// under TensorFlow's names.
#ifndef VARSCOPE_SERVER_CATALOG_OPTIMIZER_SLOTS_H_
#define VARSCOPE_SERVER_CATALOG_OPTIMIZER_SLOTS_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "proto/naming/creator.h"
#include "proto/optimizers/optimizer.h"
#include "server/catalog/catalog.h"
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

// In the rule's order. They are in the catalog, and stay there as long as a ChangesLock is held.
using StateVariables = absl::InlinedVector<Variable*, optimizers::kFewStates>;

// slots[i] belong to the i-th owner.
struct OptimizerState {
  StateVariables non_slots;
  std::vector<StateVariables> slots;
};

// InvalidArgument when `owner` names its slots or non-slot variables, and not as many as the
// optimizer has states.
absl::Status CheckSlotNames(const SlotNames& names, size_t states, absl::string_view owner,
                            const std::string& optimizer);

// Finds the slots and non-slot variables of all requests, or creates what is missing: some at a
// time, so that nobody waits for long who creates, or looks for, others. InvalidArgument as
// CheckSlotNames, ResourceExhausted when what is missing does not fit: then none is created, unless
// it was only what others made meanwhile, or memory, that took the room: then some may be. The
// caller has checked that the names are valid (push/resolve.h), and holds the store's ChangesLock.
// Thread-safe.
absl::StatusOr<std::vector<OptimizerState>> GetOrCreateSlots(
    Catalog& catalog, std::span<const StateRequest> requests);

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_CATALOG_OPTIMIZER_SLOTS_H_
