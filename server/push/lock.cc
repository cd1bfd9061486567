#include "server/push/lock.h"

#include <algorithm>
#include <new>

#include "absl/container/flat_hash_set.h"
#include "proto/concurrency/blocking_region.h"
#include "proto/tensor/allocate.h"

namespace varscope::server {
namespace {

// Updates of a variable since a gradient's base version.
uint64_t UpdatesSince(const PushUpdate& update)
    ABSL_EXCLUSIVE_LOCKS_REQUIRED(update.variable->mutex) {
  const uint64_t version = update.variable->version;
  const bool behind = update.base_version && *update.base_version < version;
  return behind ? version - *update.base_version : 0;
}

std::vector<VariablePtr> WriteSet(const PushContents& push) {
  std::vector<VariablePtr> all;
  for (const PushStep& step : push.steps) {
    all.insert(all.end(), step.non_slots.begin(), step.non_slots.end());
    for (const PushUpdate& update : step.updates) {
      all.push_back(update.variable);
      all.insert(all.end(), update.slots.begin(), update.slots.end());
    }
  }
  for (const PushAssignment& a : push.assignments) all.push_back(a.variable);
  return all;
}

size_t CountVersions(const PushContents& push) {
  size_t count = push.assignments.size();
  for (const PushStep& step : push.steps) count += step.updates.size();
  return count;
}

}  // namespace

class Locker {
 public:
  static absl::StatusOr<LockedPush> Run(
      Store& store, ValidPush push, std::vector<CompletionRecords::InFlightPush> in_flight_pushes) {
    const bool replayed = push.replayed_;
    if (absl::Status status = store.MayPush(push); !status.ok()) return status;
    if (absl::Status status = replayed ? absl::OkStatus() : Bind(store, push.contents_);
        !status.ok()) {
      return status;
    }
    LockedPush locked(store);
    locked.entry_ = store.PreparePush(push);
    locked.push_ = std::move(push.contents_);
    locked.in_flight_pushes_ = std::move(in_flight_pushes);
    const size_t versions = CountVersions(locked.push_);
    locked.result_.versions.reserve(versions);
    for (CompletionRecords::InFlightPush& in_flight_push : locked.in_flight_pushes_)
      in_flight_push.Reserve(versions);
    if (!locked.push_.group.empty()) locked.group_step_ = store.GroupStep(locked.push_.group);
    locked.locks_ = LockedVariables(WriteSet(locked.push_));
    for (const PushStep& step : locked.push_.steps) {
      for (const PushUpdate& u : step.updates) {
        u.variable->mutex.AssertHeld();  // by locks_
        locked.result_.staleness = std::max(locked.result_.staleness, UpdatesSince(u));
      }
    }
    if (absl::Status status = Reserve(locked); !status.ok()) return status;
    return locked;
  }

 private:
  // All steps' slots at once: all are there then, or none was made.
  static absl::Status Bind(Store& store, PushContents& push) {
    std::vector<StateRequest> requests;
    requests.reserve(push.steps.size());
    for (const PushStep& step : push.steps) {
      StateRequest& request = requests.emplace_back(
          StateRequest{*step.optimizer, step.hyperparameters, step.spec, step.creator, {}});
      for (const PushUpdate& u : step.updates) {
        request.owners.push_back({*u.variable, u.slot_names});
      }
      for (const SlotCreation& b : step.slot_creations) {
        request.owners.push_back({*b.variable, b.slot_names});
      }
    }
    absl::StatusOr<std::vector<OptimizerState>> states = store.GetOrCreateSlots(requests);
    if (!states.ok()) return states.status();
    for (size_t i = 0; i < push.steps.size(); ++i) {
      PushStep& step = push.steps[i];
      step.non_slots = std::move((*states)[i].non_slots);
      for (size_t k = 0; k < step.updates.size(); ++k) {
        step.updates[k].slots = std::move((*states)[i].slots[k]);
      }
    }
    std::erase_if(push.steps, [](const PushStep& step) { return step.updates.empty(); });
    return absl::OkStatus();
  }

  // Room for all that Commit changes: nothing is written before all of it is there. `locked` holds
  // the locks, which clang does not follow.
  static absl::Status Reserve(LockedPush& locked) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    for (PushStep& step : locked.push_.steps) {
      absl::Status status;
      for (const VariablePtr& scalar : step.non_slots) status.Update(scalar->MakeWritable());
      for (PushUpdate& update : step.updates) {
        status.Update(Reserve(step, update, locked.scratch_.emplace_back()));
      }
      if (!status.ok()) return status;
    }
    // Of variables that are written in place later: what replaces their value before must be
    // theirs.
    absl::flat_hash_set<const Variable*> written;
    std::vector<PushAssignment>& assignments = locked.push_.assignments;
    for (auto a = assignments.rbegin(); a != assignments.rend(); ++a) {
      absl::Status status;
      if (a->op != AssignOp::kAssign && a->op != AssignOp::kInitialize) {
        written.insert(a->variable.get());
        status = a->variable->MakeWritable();
      } else if (written.contains(a->variable.get())) {
        status = TryMakeUnique(a->value.value);
      }
      if (!status.ok()) return status;
    }
    return absl::OkStatus();
  }

  static absl::Status Reserve(const PushStep& step, PushUpdate& update,
                              Tensor& scratch) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    absl::Status status = update.variable->MakeWritable();
    for (const VariablePtr& slot : update.slots) status.Update(slot->MakeWritable());
    const bool sparse = update.indices.has_value();
    if (step.weight_decay != 0 && !sparse) status.Update(TryMakeUnique(update.gradient.value));
    if (!status.ok() || !step.optimizer->NeedsScratch(sparse)) return status;
    const VariableDefinition& def = update.variable->def;
    absl::StatusOr<Tensor> room = TryAllocate(def.dtype, def.shape);
    if (!room.ok()) return room.status();
    scratch = *std::move(room);
    return absl::OkStatus();
  }
};

absl::StatusOr<LockedPush> Lock(Store& store, ValidPush push,
                                std::vector<CompletionRecords::InFlightPush> in_flight_pushes) {
  try {
    return Locker::Run(store, std::move(push), std::move(in_flight_pushes));
  } catch (const std::bad_alloc&) {
    return absl::ResourceExhaustedError(
        "there is no memory to apply the push; nothing was applied");
  }
}

uint64_t StalenessOf(const ValidPush& push) {
  uint64_t staleness = 0;
  for (const PushStep& step : push.contents().steps) {
    for (const PushUpdate& update : step.updates) {
      if (!update.base_version) continue;
      const BlockingLock lock(update.variable->mutex);
      staleness = std::max(staleness, UpdatesSince(update));
    }
  }
  return staleness;
}

}  // namespace varscope::server
