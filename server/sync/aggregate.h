// Many workers' pushes of one step as one push.
#ifndef VARSCOPE_SERVER_SYNC_AGGREGATE_H_
#define VARSCOPE_SERVER_SYNC_AGGREGATE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "server/push/push.h"
#include "server/sync/group_options.h"

namespace varscope::server {

// Steps of the same optimizer state become one, with the median of their hyperparameters (of an
// even number the lower one) and of their weight decay; each variable's gradients become one as
// `aggregation` says. A push with several steps of one state has them aggregated each with the
// others' of the same turn: no push counts twice. Assignments follow each other. The result
// advances the step of `group`, unless that is empty. It depends on the order of `pushes` alone,
// never on time.
//
// kMean: of those pushes that have a gradient for the variable; of finite gradients it is finite.
//
// The others promise that `byzantine` pushes, the papers' f (for kMedian: all but half of the
// pushes), decide nothing, whatever they send, as long as the others have the same optimizer steps:
// - each element of a gradient is between the smallest and the largest of the honest pushes' (who
//   does not have it, has zero); with kKrum all gradients are those of one push that has some of
//   what is not left out, an honest one, or one that is as close to honest ones as they are to each
//   other: within sqrt((n - f - 2) / (n - 2 f - 1)) times the largest distance of two honest ones;
// - each hyperparameter is one between the honest ones';
// - what at most `byzantine` pushes have is left out: a variable, a row, a step of an optimizer,
//   other names of slots. A step of an optimizer must be in 2 f + 1 pushes, or in all but f.
// Who pushes what is left out, or other hyperparameters than the median, is logged.
//
// InvalidArgument when no step remains, and as ValidPush::Merged; Unavailable for fewer pushes than
// LeastPushes; ResourceExhausted without memory.
absl::StatusOr<ValidPush> Aggregate(std::vector<ValidPush> pushes, std::string group,
                                    Aggregation aggregation, uint32_t byzantine);

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_SYNC_AGGREGATE_H_
