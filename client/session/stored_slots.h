// What the store has of the slots that a graph knows: they are there when somebody has made them,
// under the graph's names, or under others where those were another variable's. The store says
// whose state each is.
#ifndef VARSCOPE_CLIENT_SESSION_STORED_SLOTS_H_
#define VARSCOPE_CLIENT_SESSION_STORED_SLOTS_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "client/graph/optimizer_slots.h"
#include "client/graph/remote_store.h"
#include "proto/concurrency/mutex.h"

namespace varscope::internal {

// Thread-safe. Slots are those of one graph, non-slot variables among them.
class StoredSlots {
 public:
  explicit StoredSlots(RemoteStore& store) : store_(store) {}

  // The variable's name in the store: that of the program's own is what the graph says. Throws
  // FailedPreconditionError for a slot that nobody has made yet.
  std::string NameOf(const VariableState& variable);
  bool Has(const VariableState& variable);
  // Of those of the graph's slots that the store has.
  using Names = std::map<const VariableState*, std::string>;
  Names All(GraphState& graph);

  // Has the server make those slots among the variables that it does not have, with all of their
  // optimizers. Of an optimizer whose pushes the server would refuse none are made, with a warning.
  void Make(const std::vector<VariableState*>& variables);

 private:
  // Calls to the store are made without the lock.
  void Make(const OptimizerSlots& optimizer) ABSL_LOCKS_EXCLUDED(mutex_);
  // Nothing where the store has none.
  std::optional<std::string> Find(const VariableState& slot) ABSL_LOCKS_EXCLUDED(mutex_);
  Names Known() ABSL_LOCKS_EXCLUDED(mutex_);
  void Look(GraphState& graph) ABSL_LOCKS_EXCLUDED(mutex_);
  void NoticeLosses() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  RemoteStore& store_;
  Mutex mutex_;
  Names names_ ABSL_GUARDED_BY(mutex_);                                   // of what was found
  std::map<const OptimizerSlots*, size_t> made_ ABSL_GUARDED_BY(mutex_);  // for so many variables
  uint64_t losses_seen_ ABSL_GUARDED_BY(mutex_) = 0;                      // as RemoteStore::losses
};

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_SESSION_STORED_SLOTS_H_
