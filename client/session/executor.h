// Carries out a plan once.
#ifndef VARSCOPE_CLIENT_SESSION_EXECUTOR_H_
#define VARSCOPE_CLIENT_SESSION_EXECUTOR_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "client/graph/remote_store.h"
#include "client/kernels/device.h"
#include "client/session/local_training.h"
#include "client/session/plan.h"
#include "client/session/random_streams.h"
#include "client/session/stored_slots.h"

namespace varscope::internal {

struct RunOutcome {
  std::vector<Tensor> results;
  std::optional<uint64_t> global_step;  // of the last push, if there was one
  uint64_t dropped = 0;                 // pushes that the server did not apply
};

// `feeds` in the order of the plan's. Throws InvalidArgumentError when a kernel refuses its inputs,
// naming the op, and what the store throws. An error says which variables the run had changed by
// then.
RunOutcome Execute(const Plan& plan, const std::vector<Tensor>& feeds, RemoteStore& store,
                   LocalTraining& local, StoredSlots& stored, RandomStreams& streams,
                   Device& device);

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_SESSION_EXECUTOR_H_
