// Many workers' pushes of one step as one push.
#ifndef VARSCOPE_SERVER_SYNC_AGGREGATE_H_
#define VARSCOPE_SERVER_SYNC_AGGREGATE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "server/push/push.h"
#include "server/sync/group_options.h"

namespace varscope::server {

// Steps of the same optimizer state become one, with the hyperparameters of the first push that has
// it; each variable's gradients, of those pushes that have one, become one as `aggregation` says.
// Sparse gradients count as zero in rows that they do not have; where one is dense, the result is.
// Of finite gradients it is finite. Assignments follow each other. The result advances the step of
// `group`, unless that is empty. It depends on the order of `pushes` alone, never on time.
// `byzantine` is the papers' f; of fewer than 2 f + 1 gradients kTrimmedMean and kKrum leave out as
// many as they can. ResourceExhausted without memory; InvalidArgument as ValidPush::Merged.
absl::StatusOr<ValidPush> Aggregate(std::vector<ValidPush> pushes, std::string group,
                                    Aggregation aggregation, uint32_t byzantine);

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_SYNC_AGGREGATE_H_
