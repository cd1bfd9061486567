// One push as a value: what a worker asks the store to change, and what came of it.
#ifndef VARSCOPE_SERVER_STORE_PUSH_H_
#define VARSCOPE_SERVER_STORE_PUSH_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "proto/core/definer.h"
#include "varscope/tensor.h"

namespace varscope::server {

// The names that a worker proposes for slots, in the rule's order; empty: the store's own.
using SlotNames = std::vector<std::string>;

// An optimizer's state for some variables.
struct OptimizerStateRequest {
  std::string optimizer;
  std::map<std::string, double> hyperparameters;
  std::string name;  // "Adam"
  uint32_t instance = 0;
  std::string group;  // whose scalars; the optimizer's first variable
  SlotNames scalars = {};
};

// A variable that gets slots without being updated.
struct SlotRequest {
  std::string variable;
  SlotNames slots = {};
};

struct GradientUpdate {
  std::string variable;
  Tensor gradient;             // dense: the variable's shape; sparse: [rows, variable's other dims]
  std::optional<Tensor> rows;  // int32 or int64 [rows]
  // The variable's version that the gradient was computed from, when the worker told it.
  std::optional<uint64_t> base_version;
  SlotNames slots = {};
};

struct OptimizerStep {
  OptimizerStateRequest state;
  double clip_norm = 0;   // over all gradients of the step together; 0: none
  double clip_value = 0;  // each element to [-clip_value, clip_value]; 0: none
  double weight_decay = 0;
  Definer definer;  // of slots that this step is the first to need
  std::vector<GradientUpdate> updates;
  std::vector<SlotRequest> bind;
};

enum class AssignOp : uint8_t {
  kAssign,
  kAdd,
  kSub,
  kScatterUpdate,
  kScatterAdd,
  kScatterSub,
  kInitialize,  // only while the variable has no value
};

struct Assignment {
  std::string variable;
  AssignOp op = AssignOp::kAssign;
  Tensor value;
  std::optional<Tensor> rows;  // for the scatters
};

// What makes a push the same push when it is sent again.
struct PushId {
  std::string worker_id;
  uint64_t incarnation = 0;
  uint64_t sequence = 0;  // from 1, in the order of the worker's pushes; 0: never sent again
};

struct Push {
  PushId id;
  std::vector<PushId> others;  // the further pushes that were merged into this one
  std::vector<OptimizerStep> steps;
  std::vector<Assignment> assignments;
  bool allow_nonfinite = false;
  // It has no NaN and no infinity: whoever read it has looked already.
  bool known_finite = false;
  // The group whose step it advances, when that counts steps (server/sync); else empty.
  std::string group;
  // More updates than this since the gradients' base versions: nothing is applied.
  std::optional<uint64_t> max_staleness;
};

// What became of a push that was not refused.
enum class Outcome : uint8_t {
  kApplied = 0,
  kStale = 1,      // nothing was changed: its gradients were computed from values too old
  kNonfinite = 2,  // nothing was changed: it had a NaN or an infinity, which its group skips
};

struct Applied {
  uint64_t global_step = 0;
  uint64_t group_step = 0;  // of the push's group
  Outcome outcome = Outcome::kApplied;
  uint64_t staleness = 0;  // the most updates that any variable had since its base version
  // Of the variables of its updates, then of its assignments; of a merged push, of the whole.
  std::vector<uint64_t> versions;
  friend bool operator==(const Applied&, const Applied&) = default;
};

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_STORE_PUSH_H_
