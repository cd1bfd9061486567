// A push on its way through the server. Each stage takes what the stage before it made, and nobody
// else can make that:
//
//   Resolve   (resolve.h)   v1::PushHead -> ResolvedPush     numbers are variables, sizes are known
//   Validate  (validate.h)  ResolvedPush -> ValidPush        its values fit, are summed and clipped
//   Lock      (lock.h)      ValidPush    -> LockedPush       slots, locks and all memory are there
//   Commit    (commit.h)    LockedPush   -> PushResult       cannot fail
//
// A group may make one ValidPush of many (sync/aggregate.h). The log holds what a ValidPush says,
// and replay makes a ValidPush of it again, which is not checked a second time
// (durability/push_record.h).
#ifndef VARSCOPE_SERVER_PUSH_PUSH_H_
#define VARSCOPE_SERVER_PUSH_PUSH_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "proto/naming/creator.h"
#include "proto/optimizers/optimizer.h"
#include "proto/tensor/assign_op.h"
#include "server/auth/caller.h"
#include "server/catalog/optimizer_slots.h"
#include "server/catalog/slot_names.h"
#include "server/store/completion_records.h"
#include "server/store/push_result.h"
#include "server/store/variable.h"
#include "varscope/tensor.h"

namespace varscope::v1 {
class PushHead;
}  // namespace varscope::v1
namespace varscope::wire {
struct IncomingTensor;
}  // namespace varscope::wire

namespace varscope::server {

class LockedPush;
class StreamVariables;
class ValidPush;
struct PushPolicy;
struct Store;

// A tensor of a push: its place among them until Validate, its value from then on.
struct PushTensor {
  uint32_t number = 0;
  Tensor value;
};

// One gradient for one variable: dense, or, with `indices`, for some of its rows.
struct PushUpdate {
  Variable* variable = nullptr;
  const SlotNames* slot_names = nullptr;  // that the worker proposes; null: it was replayed
  // The variable's version that the gradient was computed from, when the worker told it.
  std::optional<uint64_t> base_version;
  PushTensor gradient;                // the variable's dtype and shape, or [rows, its other dims]
  std::optional<PushTensor> indices;  // from Validate on int64 and distinct
  StateVariables slots;               // from Lock on
};

// A variable that gets slots without being updated.
struct SlotCreation {
  Variable* variable = nullptr;
  const SlotNames* slot_names = nullptr;
};

// One step of one optimizer.
struct PushStep {
  const optimizers::Optimizer* optimizer = nullptr;
  optimizers::Hyperparameters hyperparameters;  // all of them, in the optimizer's order
  OptimizerSpec spec;
  double clip_norm = 0;   // over all gradients of the step together; 0: none, or done
  double clip_value = 0;  // each element to [-clip_value, clip_value]; 0: none, or done
  double weight_decay = 0;
  Creator creator;  // of slots that this step is the first to need
  std::vector<PushUpdate> updates;
  std::vector<SlotCreation> slot_creations;
  StateVariables non_slots;  // from Lock on
};

struct PushAssignment {
  Variable* variable = nullptr;
  AssignOp op = AssignOp::kAssign;
  PushTensor value;
  std::optional<PushTensor> indices;  // of a scatter; from Validate on int64
};

// What all stages hold.
struct PushContents {
  PushId id;
  std::vector<PushId> others;  // the further pushes that were merged into this one
  // Those of the variables and slot names that its parts point to, once each; none when it is
  // replayed, which the catalog outlives.
  std::vector<std::shared_ptr<const void>> owners;
  std::vector<PushStep> steps;
  std::vector<PushAssignment> assignments;
  bool allow_nonfinite = false;
  // The group whose step it advances, when that counts steps (server/sync); else empty.
  std::string group;
};

// Made by Resolve: its names are variables, and what it announces fits them.
class ResolvedPush {
 public:
  const PushContents& contents() const { return contents_; }
  // All its tensors together will take so many bytes.
  uint64_t bytes() const { return bytes_; }
  // So many bytes have the variables whose every element it may write or copy: rules with a state
  // for the whole variable go over all of it for one row, and a value that is being sent is copied
  // first.
  uint64_t touched_bytes() const { return touched_bytes_; }

 private:
  friend absl::StatusOr<ResolvedPush> Resolve(const StreamVariables&, const v1::PushHead&,
                                              const Caller&, const Creator&, uint64_t,
                                              std::vector<wire::IncomingTensor>&);
  friend absl::StatusOr<ValidPush> Validate(ResolvedPush, std::vector<Tensor>, bool,
                                            const PushPolicy&);
  ResolvedPush(PushContents contents, uint64_t bytes, uint64_t touched_bytes,
               absl::Status hyperparameters)
      : contents_(std::move(contents)),
        bytes_(bytes),
        touched_bytes_(touched_bytes),
        hyperparameters_(std::move(hyperparameters)) {}

  PushContents contents_;
  uint64_t bytes_;
  uint64_t touched_bytes_;
  absl::Status hyperparameters_;  // what is wrong with them, unless its group has its own
};

// What may be applied: its tensors fit their variables, indices are distinct and in range,
// gradients are clipped, and everything is finite unless the push may be otherwise.
class ValidPush {
 public:
  const PushContents& contents() const { return contents_; }

  // Multiplies all gradients. ResourceExhausted without memory for a copy of shared ones.
  absl::Status Scale(double factor);

  // Of valid pushes that became one. InvalidArgument names the first value that is not finite,
  // unless the push may have such.
  static absl::StatusOr<ValidPush> Merged(PushContents contents);
  // Of a push that was applied before, with the slots that it had then: no limit and no rule is
  // asked again. DataLoss when its values would not stay inside the variables.
  static absl::StatusOr<ValidPush> Replayed(PushContents contents);

  // What it holds, to be merged with others.
  PushContents Take() && { return std::move(contents_); }

 private:
  friend absl::StatusOr<ValidPush> Validate(ResolvedPush, std::vector<Tensor>, bool,
                                            const PushPolicy&);
  friend absl::StatusOr<LockedPush> Lock(Store&, ValidPush, CompletionRecords::InFlightPush);
  explicit ValidPush(PushContents contents, bool replayed = false)
      : contents_(std::move(contents)), replayed_(replayed) {}

  PushContents contents_;
  bool replayed_;  // its slots are known
};

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_PUSH_PUSH_H_
