// The optimizer that applies the differences of a local group.
#ifndef VARSCOPE_SERVER_SYNC_OUTER_H_
#define VARSCOPE_SERVER_SYNC_OUTER_H_

#include "absl/status/status.h"
#include "server/store/push.h"
#include "server/sync/group_options.h"

namespace varscope::server {

// Nesterov momentum, as DiLoCo's (arXiv:2311.08105): momentum' = outer_momentum * momentum +
// difference; variable -= outer_learning_rate * (difference + outer_momentum * momentum').
OptimizerStateRequest OuterOptimizer(const GroupOptions& options);

// Sets the group's hyperparameters in every step. InvalidArgument for a push with another
// optimizer: those are gradients, not differences.
absl::Status UseOuterOptimizer(const GroupOptions& options, Push& push);

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_SYNC_OUTER_H_
