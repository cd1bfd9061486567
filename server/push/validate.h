// The second stage of a push: its tensors have come.
#ifndef VARSCOPE_SERVER_PUSH_VALIDATE_H_
#define VARSCOPE_SERVER_PUSH_VALIDATE_H_

#include <functional>
#include <vector>

#include "absl/status/statusor.h"
#include "proto/optimizers/optimizer.h"
#include "server/push/push.h"

namespace varscope::server {

// What a group asks of its pushes beyond what they ask for themselves.
struct PushPolicy {
  // Also of a push that may have a NaN or an infinity.
  bool refuse_nonfinite = false;
  // Called for each variable for which the push has one, even where it may have them; empty: where
  // they may be, nobody looks.
  std::function<void(const Variable&)> found_nonfinite;
  // At most this norm for all gradients of all steps together, after each step was clipped as the
  // push says; 0: any.
  double clip_norm = 0;
  // Those of every step, instead of the push's own; null: none.
  const optimizers::Hyperparameters* hyperparameters = nullptr;
};

// Gives the push its tensors, which are those that its head announced, by number. Duplicate indices
// are summed, gradients clipped. `verified_finite`: whoever read the tensors saw no NaN and no
// infinity in them. InvalidArgument for a hyperparameter that the optimizer does not have, an index
// out of range and for a value that is not finite (see IsNonfinite); FailedPrecondition for a
// variable without a value, Unavailable while its first one is being computed, Aborted for one that
// a rollback has taken away; ResourceExhausted without memory. Each names the variable and the
// worker.
absl::StatusOr<ValidPush> Validate(ResolvedPush push, std::vector<Tensor> tensors,
                                   bool verified_finite, const PushPolicy& policy);

// Whether Validate refused a push because of a NaN or an infinity, and for nothing else.
bool IsNonfinite(const absl::Status& status);

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_PUSH_VALIDATE_H_
