#include "client/session/executor.h"

#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/session/pull.h"
#include "client/session/push.h"
#include "client/session/run_kernel.h"
#include "client/session/shapes.h"
#include "varscope/errors.h"

namespace varscope::internal {
namespace {

class Run {
 public:
  Run(const Plan& plan, RemoteStore& store, LocalTraining& local, StoredSlots& stored,
      RandomStreams& streams, Device& device)
      : plan_(plan),
        store_(store),
        local_(local),
        stored_(stored),
        device_(device),
        values_{std::vector<Tensor>(plan.slots), {}, &streams} {}

  RunOutcome Execute(const std::vector<Tensor>& feeds) {
    for (size_t i = 0; i < feeds.size(); ++i) values_.tensors[plan_.feeds[i]] = feeds[i];
    shapes_.emplace(*plan_.shapes, feeds, plan_.kernels);
    for (const auto& [slot, value] : plan_.constants) values_.tensors[slot] = value;
    try {
      for (const Plan::Stage& stage : plan_.stages) Execute(stage);
    } catch (Error& error) {
      if (!applied_.empty()) {
        error.Add(
            absl::StrCat("; applied before, in the same run: ", absl::StrJoin(applied_, ", ")));
      }
      throw;
    }
    shapes_->Keep();
    for (int slot : plan_.results) {
      outcome_.results.push_back(slot >= 0 ? values_.tensors[slot] : Tensor());
    }
    return std::move(outcome_);
  }

 private:
  void Execute(const Plan::Stage& stage) {
    for (const Plan::Kernel& kernel : stage.early_kernels)
      RunKernel(kernel, values_, *shapes_, device_);
    Pull(stage);
    for (const Plan::Kernel& kernel : stage.kernels) RunKernel(kernel, values_, *shapes_, device_);
    MakeSlots(stage);
    PushRequest push =
        CollectPush(stage, values_.tensors, pulled_, stored_, [this](const std::string& variable) {
          return applied_.contains(variable) ? std::nullopt : store_.LastVersion(variable);
        });
    if (!push.empty()) PushAll(stage, std::move(push));
  }

  void Pull(const Plan::Stage& stage) {
    if (!come_) return PullAll(stage, store_, local_, stored_, values_.tensors, pulled_);
    TakeAll(stage, *std::move(come_), stored_, values_.tensors, pulled_);
    come_.reset();
  }

  // Those that the stage initializes or assigns.
  void MakeSlots(const Plan::Stage& stage) {
    for (const Plan::Effect& effect : stage.effects) {
      if (effect.guard >= 0 && !values_.tensors[effect.guard].scalar<bool>()) continue;
      stored_.Make(effect.node->initializes);
      VariableState* const assigned = effect.node->variable;
      if (assigned != nullptr && assigned->slot) stored_.Make({assigned});
    }
  }

  // One push for each group: to the server, or to the worker's own copies. The last one brings what
  // the next stage pulls.
  void PushAll(const Plan::Stage& stage, PushRequest push) {
    const Plan::Stage* const next = &stage == &plan_.stages.back() ? nullptr : &stage + 1;
    std::vector<PushRequest> parts = SplitByGroup(std::move(push), *store_.groups());
    for (PushRequest& part : parts) {
      const bool last = &part == &parts.back();
      part.more_to_come = !last || (next != nullptr && !next->effects.empty());
      const std::optional<PushAnswer> answer = Push(part, last ? next : nullptr);
      if (answer) outcome_.global_step = answer->global_step;
      const bool dropped = answer && !answer->applied;
      if (dropped) ++outcome_.dropped;
      if (!dropped) local_.Follow(part.assignments);
      // Whoever comes last needs no account of what was done.
      if (!dropped && (!last || next != nullptr)) NoteApplied(part);
    }
  }

  // Nothing for a local step without a synchronization.
  std::optional<PushAnswer> Push(PushRequest& part, const Plan::Stage* next) {
    const std::optional<SyncGroup> group =
        part.steps.empty() ? std::nullopt : local_.GroupOf(part.steps[0].updates[0].variable);
    if (group) {
      const std::optional<PushAnswer> answer = local_.Step(*group, part, pulled_);
      if (part.assignments.empty()) return answer;
      NoteApplied(part.steps);
      part.steps.clear();
      store_.Push(part);
      return answer;
    }
    const std::vector<std::string> names =
        next == nullptr ? std::vector<std::string>() : NamesToPullWithPush(*next, local_, stored_);
    if (names.empty()) return store_.Push(part);
    RemoteStore::PushedAndPulled both = store_.PushAndPull(part, names);
    come_ = std::move(both.values);
    return both.answer;
  }

  void NoteApplied(const PushRequest& push) {
    NoteApplied(push.steps);
    for (const PushRequest::Assignment& assignment : push.assignments) {
      NoteApplied(assignment.variable);
    }
  }
  void NoteApplied(const std::vector<PushRequest::Step>& steps) {
    for (const PushRequest::Step& step : steps) {
      for (const PushRequest::Update& update : step.updates) NoteApplied(update.variable);
    }
  }
  void NoteApplied(const std::string& variable) {
    pulled_.erase(variable);
    applied_.insert(variable);
  }

  const Plan& plan_;
  RemoteStore& store_;
  LocalTraining& local_;
  StoredSlots& stored_;
  Device& device_;
  Values values_;
  std::optional<RunShapes> shapes_;
  PulledValues pulled_;
  std::optional<PullResult> come_;  // with a push, for the stage after it
  std::set<std::string> applied_;   // variables that this run has changed
  RunOutcome outcome_;
};

}  // namespace

RunOutcome Execute(const Plan& plan, const std::vector<Tensor>& feeds, RemoteStore& store,
                   LocalTraining& local, StoredSlots& stored, RandomStreams& streams,
                   Device& device) {
  return Run(plan, store, local, stored, streams, device).Execute(feeds);
}

}  // namespace varscope::internal
