#include "server/push/lock.h"

#include <algorithm>
#include <new>
#include <ranges>
#include <unordered_set>

#include "proto/concurrency/blocking_region.h"
#include "proto/tensor/allocate.h"

namespace varscope::server {
namespace {

const absl::Status* const kNoMemoryToApply = new absl::Status(
    absl::ResourceExhaustedError("there is no memory to apply the push; nothing was applied"));

// Of a push that was as stale as `before`, and has this update, too.
Staleness With(Staleness before, const PushUpdate& update)
    ABSL_EXCLUSIVE_LOCKS_REQUIRED(update.variable->mutex) {
  const uint64_t version = update.variable->version;
  const uint64_t base = update.base_version.value_or(version);
  if (!before || base > version) return std::nullopt;
  return std::max(*before, version - base);
}

// With an error, some of the slots may have been made.
absl::Status Bind(Catalog& catalog, PushContents& push) {
  std::vector<StateRequest> requests;
  requests.reserve(push.steps.size());
  for (const PushStep& step : push.steps) {
    StateRequest& request = requests.emplace_back(
        StateRequest{*step.optimizer, step.hyperparameters, step.spec, step.creator, {}});
    for (const PushUpdate& u : step.updates) {
      request.owners.push_back({*u.variable, *u.slot_names});
    }
    for (const SlotCreation& b : step.slot_creations) {
      request.owners.push_back({*b.variable, *b.slot_names});
    }
  }
  absl::StatusOr<std::vector<OptimizerState>> states = GetOrCreateSlots(catalog, requests);
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

// The push's locks are held below, which clang does not follow.

// Another push may be making them.
absl::Status CheckSlotsAreThere(const PushContents& push) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  for (const PushStep& step : push.steps) {
    for (const PushUpdate& update : step.updates) {
      for (Variable* const slot : update.slots) {
        if (slot->first_value != nullptr) return IsComing(slot->def);
      }
    }
  }
  return absl::OkStatus();
}

absl::Status ReserveUpdate(const PushStep& step, PushUpdate& update,
                           Tensor& scratch) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  absl::Status status = update.variable->MakeWritable();
  for (Variable* const slot : update.slots) status.Update(slot->MakeWritable());
  const bool sparse = update.indices.has_value();
  if (step.weight_decay != 0 && !sparse) status.Update(TryMakeUnique(update.gradient.value));
  if (!status.ok() || !step.optimizer->NeedsScratch(sparse)) return status;
  const VariableDefinition& def = update.variable->def;
  absl::StatusOr<Tensor> room = TryAllocate(def.dtype, def.shape);
  if (!room.ok()) return room.status();
  scratch = *std::move(room);
  return absl::OkStatus();
}

// Room for all that Commit changes: nothing is written before all of it is there.
absl::Status ReserveAll(PushContents& push,
                        std::vector<Tensor>& scratch) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  for (PushStep& step : push.steps) {
    absl::Status status;
    for (Variable* const scalar : step.non_slots) status.Update(scalar->MakeWritable());
    for (PushUpdate& update : step.updates) {
      status.Update(ReserveUpdate(step, update, scratch.emplace_back()));
    }
    if (!status.ok()) return status;
  }
  // Of variables that are written in place later: what replaces their value before must be theirs.
  std::unordered_set<const Variable*> written;
  for (PushAssignment& a : std::views::reverse(push.assignments)) {
    absl::Status status;
    if (a.op != AssignOp::kAssign && a.op != AssignOp::kInitialize) {
      written.insert(a.variable);
      status = a.variable->MakeWritable();
    } else if (written.contains(a.variable)) {
      status = TryMakeUnique(a.value.value);
    }
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace

std::vector<Variable*> WriteSet(const PushContents& push) {
  std::vector<Variable*> all;
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

absl::StatusOr<LockedPush> Lock(Store& store, ValidPush push,
                                CompletionRecords::InFlightPush in_flight_push) try {
  PushObserver* const observer = store.push_observer;
  absl::Status status;
  if (observer != nullptr && !push.replayed_) status = observer->MayPush(push, 1);
  if (status.ok() && !push.replayed_) status = Bind(store.catalog, push.contents_);
  if (!status.ok()) return status;
  LockedPush locked(store.changes, std::move(in_flight_push));
  std::vector<Variable*> written = WriteSet(push.contents_);
  if (observer != nullptr) {
    absl::StatusOr<std::unique_ptr<PushEntry>> entry = observer->PreparePush(push, written);
    if (!entry.ok()) return entry.status();
    locked.entry_ = *std::move(entry);
  }
  locked.push_ = std::move(push.contents_);
  locked.in_flight_push_.Reserve();
  const std::string& group = locked.push_.group;
  if (!group.empty()) locked.group_step_ = store.changes.GroupStep(group);
  locked.locks_ = LockedVariables(std::move(written));
  for (const PushStep& step : locked.push_.steps) {
    for (const PushUpdate& u : step.updates) {
      u.variable->mutex.AssertHeld();  // by locks_
      const Staleness staleness = With(locked.staleness_, u);
      if (push.replayed_ && !staleness) continue;
      locked.staleness_ = staleness;
    }
  }
  locked.result_.staleness = locked.staleness_.value_or(0);
  status = CheckSlotsAreThere(locked.push_);
  if (status.ok()) status = ReserveAll(locked.push_, locked.scratch_);
  if (!status.ok()) return status;
  return locked;
} catch (const std::bad_alloc&) {
  return *kNoMemoryToApply;
}

Staleness StalenessOf(const ValidPush& push) {
  Staleness staleness = 0;
  for (const PushStep& step : push.contents().steps) {
    for (const PushUpdate& update : step.updates) {
      if (!update.base_version) continue;
      const BlockingLock lock(update.variable->mutex);
      staleness = With(staleness, update);
    }
  }
  return staleness;
}

}  // namespace varscope::server
