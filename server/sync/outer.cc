#include "server/sync/outer.h"

#include "absl/strings/str_cat.h"
#include "proto/core/names.h"

namespace varscope::server {

OptimizerStateRequest OuterOptimizer(const GroupOptions& options) {
  return {.optimizer = "Momentum",
          .hyperparameters = {{"learning_rate", options.outer_learning_rate},
                              {"momentum", options.outer_momentum},
                              {"use_nesterov", 1}},
          .name = "OuterMomentum"};
}

absl::Status UseOuterOptimizer(const GroupOptions& options, Push& push) {
  const OptimizerStateRequest outer = OuterOptimizer(options);
  for (OptimizerStep& step : push.steps) {
    if (step.state.optimizer != outer.optimizer || step.state.name != outer.name) {
      return absl::InvalidArgumentError(
          absl::StrCat("worker '", push.id.worker_id, "': variable ",
                       step.updates.empty() ? "" : Printable(step.updates[0].variable),
                       " is in group '", options.prefix, "' (", options.spec,
                       "), which takes differences after local steps, not gradients for ",
                       Printable(step.state.optimizer), "; update the client"));
    }
    step.state.hyperparameters = outer.hyperparameters;
  }
  return absl::OkStatus();
}

}  // namespace varscope::server
