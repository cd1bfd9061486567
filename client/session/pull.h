// A stage's pull: what its ops read of variables.
#ifndef VARSCOPE_CLIENT_SESSION_PULL_H_
#define VARSCOPE_CLIENT_SESSION_PULL_H_

#include <map>
#include <string>
#include <vector>

#include "client/graph/remote_store.h"
#include "client/session/local_training.h"
#include "client/session/plan.h"
#include "client/session/stored_slots.h"

namespace varscope::internal {

// What one run has read from the server last and has not changed since, by variable. Where nobody
// needs the value again, only its version is there.
using PulledValues = std::map<std::string, PulledValue>;

// Fills the slots of the stage's pulls and lookups: from the worker's copies where it trains on
// them, the rest from the server in one request. Of a variable that is only looked up in it asks
// for the rows alone, each once, unless they are most of it. Throws InvalidArgumentError for a row
// that the variable does not have, naming the op, and what the store throws.
void PullAll(const Plan::Stage& stage, RemoteStore& store, LocalTraining& local,
             StoredSlots& stored, std::vector<Tensor>& slots, PulledValues& pulled);

// The variables of the stage's pull when it may come with the push before it: whole values of the
// server's. Else empty.
std::vector<std::string> NamesToPullWithPush(const Plan::Stage& stage, const LocalTraining& local,
                                             StoredSlots& stored);
// As PullAll, of values that have come, in the order of those names.
void TakeAll(const Plan::Stage& stage, PullResult values, StoredSlots& stored,
             std::vector<Tensor>& slots, PulledValues& pulled);

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_SESSION_PULL_H_
