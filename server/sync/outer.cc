#include "server/sync/outer.h"

#include "absl/strings/str_cat.h"
#include "proto/naming/names.h"

namespace varscope::server {

OuterOptimizer OuterOptimizerOf(const GroupOptions& options) {
  return {.optimizer = "Momentum",
          .name = "OuterMomentum",
          .hyperparameters = {{"learning_rate", options.outer_learning_rate},
                              {"momentum", options.outer_momentum},
                              {"use_nesterov", 1}}};
}

absl::Status CheckOuterOptimizer(const GroupOptions& options, const PushContents& push) {
  const OuterOptimizer outer = OuterOptimizerOf(options);
  for (const PushStep& step : push.steps) {
    if (step.spec.optimizer == outer.optimizer && step.spec.name == outer.name) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("worker '", push.id.worker_id, "': variable ",
                     step.updates.empty() ? "" : step.updates[0].variable->def.name,
                     " is in group '", options.prefix, "' (", options.spec,
                     "), which takes differences after local steps, not gradients for ",
                     Printable(step.spec.optimizer), "; update the client"));
  }
  return absl::OkStatus();
}

}  // namespace varscope::server
