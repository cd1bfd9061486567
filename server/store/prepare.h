// A checked push with everything that it touches, ready to run.
#ifndef VARSCOPE_SERVER_STORE_PREPARE_H_
#define VARSCOPE_SERVER_STORE_PREPARE_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "server/store/push.h"
#include "server/store/store.h"

namespace varscope::server {

struct PreparedUpdate {
  VariablePtr variable;
  std::vector<VariablePtr> slots;
  Tensor gradient;
  std::vector<int64_t> rows;
  bool sparse = false;
  std::optional<uint64_t> base_version;
  Tensor scratch;  // where the rule needs it
};

struct PreparedStep {
  OptimizerState state;
  double weight_decay = 0;
  std::vector<PreparedUpdate> updates;
};

struct PreparedAssignment {
  VariablePtr variable;
  AssignOp op;
  Tensor value;
  std::vector<int64_t> rows;
};

struct PreparedPush {
  std::vector<PreparedStep> steps;  // those with updates
  std::vector<PreparedAssignment> assignments;

  // Every variable, slot and scalar that it changes, perhaps more than once.
  std::vector<VariablePtr> Concerned() const;
};

// Finds the variables of a push that passed Check, finds or creates the optimizers' slots.
// ResourceExhausted when slots do not fit.
absl::StatusOr<PreparedPush> Prepare(Store& store, const Push& push);
// The same of a push that was applied before, with the slots that it had then. DataLoss when the
// store is not the one that it was applied to.
absl::StatusOr<PreparedPush> PrepareAgain(const Store& store, const Push& push);

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_STORE_PREPARE_H_
