// The whole store as a value: one consistent snapshot of variables, slots, steps and completion
// records. What never changes is shared with the variables, so that beside the store it takes
// little memory, all of which is in the account.
#ifndef VARSCOPE_SERVER_STORE_STATE_H_
#define VARSCOPE_SERVER_STORE_STATE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "proto/memory/memory_account.h"
#include "server/catalog/creation.h"
#include "server/catalog/name_table.h"
#include "server/store/changes.h"
#include "server/store/completion_records.h"
#include "server/store/store.h"
#include "server/store/variable.h"

namespace varscope::server {

struct CapturedVariable {
  // A variable's, which lives as long as this; or of a state that was read, which counts itself.
  std::shared_ptr<const VariableDefinition> definition;
  Tensor value;  // pinned
  uint64_t version = 0;
  bool initialized = false;
  uint64_t pulls = 0;
  uint64_t pushes = 0;
  uint64_t bytes_pulled = 0;
  uint64_t bytes_pushed = 0;
  // Not null: there is no value yet, and this is how it is made.
  std::shared_ptr<const FirstValue> first_value = nullptr;
};

// StateNames of what was captured.
struct CapturedNames {
  std::string key;
  std::vector<std::shared_ptr<const std::string>> variables;  // names, as definitions are
};

struct StoreState {
  Steps steps;
  std::vector<CapturedVariable> variables;  // in creation order
  std::vector<PartitionedNames> partitioned;
  std::vector<CapturedNames> slots;
  std::vector<CapturedNames> non_slots;
  std::vector<CompletionRecords::Entry> completion_records;
  // What all this takes, beside values and definitions. Copies share it.
  std::vector<std::shared_ptr<const MemoryAccount::Hold>> held;
};

// Adds what the lists of `part` have to those of `state`, which counts it. The steps stay.
void Append(StoreState part, StoreState& state);

// One consistent snapshot; it waits for no first value. No change is under way while `at_snapshot`
// runs; it must not call the store. No limit of memory refuses it: the server needs its snapshots
// most when it has little.
StoreState Capture(
    const Store& store, absl::FunctionRef<void()> at_snapshot = [] {});

// What takes a store's place, made of what was captured: all that may fail comes before.
class PreparedState {
 public:
  // DataLoss when the state contradicts itself.
  static absl::StatusOr<std::unique_ptr<PreparedState>> Make(StoreState state);
  PreparedState(const PreparedState&) = delete;
  PreparedState& operator=(const PreparedState&) = delete;

  // What it was made of. Before Install.
  StoreState State() const;
  // Makes the store what was captured, at once for all readers. The caller holds Changes::LockOut,
  // or has the store alone, and sees to first values that are not there
  // (Catalog::ComputeFirstValues). Takes no memory. Once.
  void Install(Store& store) noexcept;

 private:
  PreparedState() = default;

  NameTable names_;
  CompletionRecords completion_records_;
  Steps steps_;
};

// Both, for a store that nobody else has.
absl::Status Restore(Store& store, StoreState state);

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_STORE_STATE_H_
