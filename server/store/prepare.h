// The checks of a push, before anything is changed.
#ifndef VARSCOPE_SERVER_STORE_PREPARE_H_
#define VARSCOPE_SERVER_STORE_PREPARE_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "server/store/push.h"
#include "server/store/store.h"

namespace varscope::server {

// A gradient update after its checks, ready to run.
struct PreparedUpdate {
  VariablePtr variable;
  std::vector<VariablePtr> slots;
  Tensor gradient;
  std::vector<int64_t> rows;
  bool sparse = false;
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
  std::vector<PreparedStep> steps;
  std::vector<PreparedAssignment> assignments;

  // Every variable, slot and scalar that it changes, perhaps more than once.
  std::vector<VariablePtr> Concerned() const;
};

// Checks all of `push` against the store, sums duplicate rows and clips; uses up the push's
// tensors. Then, and only then, finds or creates the optimizers' slots. Errors as Apply's.
absl::StatusOr<PreparedPush> Prepare(Store& store, Push push);

bool IsScatter(AssignOp op);

// Elements of one row; 0 when there are no rows.
int64_t RowSize(const Variable& variable);

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_STORE_PREPARE_H_
