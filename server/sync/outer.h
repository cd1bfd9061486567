// The optimizer that applies the differences of a local group.
#ifndef VARSCOPE_SERVER_SYNC_OUTER_H_
#define VARSCOPE_SERVER_SYNC_OUTER_H_

#include <map>
#include <string>

#include "absl/status/status.h"
#include "server/push/push.h"
#include "server/sync/group_options.h"

namespace varscope::server {

struct OuterOptimizer {
  std::string optimizer;
  std::string name;  // of its slots
  std::map<std::string, double> hyperparameters;
};

// Nesterov momentum, as DiLoCo's (arXiv:2311.08105): momentum' = outer_momentum * momentum +
// difference; variable -= outer_learning_rate * (difference + outer_momentum * momentum').
OuterOptimizer OuterOptimizerOf(const GroupOptions& options);

// InvalidArgument for a push with another optimizer: those are gradients, not differences.
absl::Status CheckOuterOptimizer(const GroupOptions& options, const PushContents& push);

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_SYNC_OUTER_H_
