#include "server/sync/synchronizer.h"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "proto/concurrency/blocking_region.h"
#include "proto/naming/names.h"
#include "proto/wire/crc32c.h"
#include "server/push/commit.h"
#include "server/push/validate.h"
#include "server/sync/outer.h"

namespace varscope::server {
namespace {

std::unique_ptr<Group> Make(const GroupContext& context) {
  switch (context.options.mode) {
    case SyncMode::kAsync:
      return MakeAsyncGroup(context);
    case SyncMode::kBsp:
    case SyncMode::kLocal:
      return MakeBspGroup(context);
    case SyncMode::kSsp:
      return MakeSspGroup(context);
  }
  return nullptr;
}

bool IsInitialized(Variable& variable) {
  const BlockingLock lock(variable.mutex);
  return variable.initialized;
}

// Whether no push may have a NaN or an infinity in what changes the group's variables.
bool RefusesNonfinite(const GroupOptions& options) {
  return options.nonfinite != NonfinitePolicy::kPerPush || IsRobust(options.aggregation);
}
bool CountsNonfinite(const GroupOptions& options) {
  return RefusesNonfinite(options) || options.quarantine_after > 0;
}

}  // namespace

Synchronizer::Synchronizer(Store& store, Workers& workers, std::vector<GroupOptions> groups,
                           Env& env)
    : env_(env), store_(store), workers_(workers) {
  const bool has_rest = std::any_of(groups.begin(), groups.end(),
                                    [](const GroupOptions& g) { return g.prefix.empty(); });
  if (!has_rest) groups.emplace_back();
  std::string all;
  for (const GroupOptions& options : groups) {
    absl::StrAppend(&all, options.prefix, "=", options.spec, "\n");
  }
  groups_version_ = (uint64_t{1} << 32) | Crc32c(std::as_bytes(std::span(all)));
  GroupPrefixes prefixes;
  for (GroupOptions& options : groups) {
    prefixes.push_back(options.prefix);
    reads_wait_ = reads_wait_ || options.mode == SyncMode::kSsp;
    pushes_wait_ =
        pushes_wait_ || options.mode == SyncMode::kBsp || options.mode == SyncMode::kLocal;
    auto member = std::make_unique<Member>();
    member->group = Make({env, store_, workers_, options, [this] { timer_->Wake(); }});
    if (options.mode == SyncMode::kLocal) {
      const OuterOptimizer outer = OuterOptimizerOf(options);
      member->outer = optimizers::FillHyperparameters(*optimizers::FindOptimizer(outer.optimizer),
                                                      outer.hyperparameters);
    }
    member->options = std::move(options);
    members_.push_back(std::move(member));
  }
  store_.catalog.SetGroups(std::move(prefixes));
  timer_ = env.StartTimer("groups", [this] { return Tick(); });
}

Synchronizer::Member& Synchronizer::GroupOf(const std::string& variable) const {
  // There is one for the empty prefix, and often no other.
  if (members_.size() == 1) return *members_.front();
  return **FindGroupOf(
      members_,
      [](const std::unique_ptr<Member>& member) -> absl::string_view {
        return member->options.prefix;
      },
      variable);
}

Synchronizer::Member& Synchronizer::GroupOf(const VariableDefinition& variable) const {
  return GroupOf(variable.kind == VariableKind::kSlot ? variable.primary : variable.name);
}

absl::Status Synchronizer::CheckIsNotAlone(const Member* group, const PushContents& push) const {
  const auto refuse = [&](const Member& robust, const std::string& variable,
                          absl::string_view what) {
    return absl::InvalidArgumentError(
        absl::StrCat(About(variable, push.id.worker_id), "group ", NameOf(robust.options), " (",
                     robust.options.spec, ") takes ", what,
                     ", because one worker alone would decide it; nothing was applied"));
  };
  for (const PushAssignment& a : push.assignments) {
    const VariableDefinition& def = a.variable->def;
    const Member& own = GroupOf(def);
    if (!IsRobust(own.options.aggregation)) continue;
    const bool initializes =
        a.op == AssignOp::kInitialize && (def.creator.worker_id == push.id.worker_id ||
                                          IsInitialized(*a.variable));  // nothing happens then
    if (initializes) continue;
    return refuse(own, def.name,
                  a.op == AssignOp::kInitialize
                      ? "a first value from the variable's creator alone"
                      : "no assignments (what is assigned to has to be in another group)");
  }
  for (const PushStep& step : push.steps) {
    for (const SlotCreation& creation : step.slot_creations) {
      const Member& own = GroupOf(creation.variable->def);
      if (!IsRobust(own.options.aggregation)) continue;
      return refuse(own, creation.variable->def.name, "no slots without gradients");
    }
    // Without updates a step makes its non-slot variables all the same.
    const Member& owner = GroupOf(step.spec.group);
    if (step.optimizer->non_slots.empty() || &owner == group) continue;
    const Member* const updated = step.updates.empty() ? nullptr : group;
    for (const Member* const one : {&owner, updated}) {
      if (one == nullptr || !IsRobust(one->options.aggregation)) continue;
      return refuse(*one, step.spec.group, "no optimizer's state that another group changes, too");
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<Synchronizer::Member*> Synchronizer::GroupOf(const PushContents& push) const {
  Member* group = nullptr;
  const std::string* first = nullptr;
  for (const PushStep& step : push.steps) {
    for (const PushUpdate& update : step.updates) {
      const std::string& name = update.variable->def.name;
      Member& own = GroupOf(update.variable->def);
      if (group != nullptr && group != &own) {
        return absl::InvalidArgumentError(absl::StrCat(
            "worker '", push.id.worker_id, "': one push updates ", *first, " of group ",
            NameOf(group->options), " (", group->options.spec, ") and ", name, " of group ",
            NameOf(own.options), " (", own.options.spec, "); send one push for each group"));
      }
      group = &own;
      first = &name;
    }
  }
  return group;
}

absl::StatusOr<ValidPush> Synchronizer::ValidateFor(Member* member, ResolvedPush push,
                                                    std::vector<Tensor> tensors,
                                                    bool verified_finite) {
  PushPolicy policy;
  bool counts = false;
  const auto ask = [&](const GroupOptions& options) {
    policy.refuse_nonfinite |= RefusesNonfinite(options);
    counts |= CountsNonfinite(options);
  };
  for (const PushAssignment& a : push.contents().assignments) ask(GroupOf(a.variable->def).options);
  if (member != nullptr) {
    const GroupOptions& options = member->options;
    ask(options);
    policy.clip_norm = options.clip_norm;
    if (options.mode == SyncMode::kLocal) {
      absl::Status status = CheckOuterOptimizer(options, push.contents());
      if (!status.ok()) return status;
      policy.hyperparameters = &member->outer;
    }
  }
  if (!counts) return Validate(std::move(push), std::move(tensors), verified_finite, policy);
  std::vector<Member*> found;
  policy.found_nonfinite = [&](const Variable& variable) {
    Member& own = GroupOf(variable.def);
    if (!CountsNonfinite(own.options)) return;
    if (std::find(found.begin(), found.end(), &own) == found.end()) found.push_back(&own);
  };
  const PushId id = push.contents().id;
  absl::StatusOr<ValidPush> valid =
      Validate(std::move(push), std::move(tensors), verified_finite, policy);
  for (Member* const own : found) CountNonfinite(*own, id);
  return valid;
}

absl::Status Synchronizer::CheckFitsTheLog(const Member* member, const ValidPush& push) const {
  if (store_.push_observer == nullptr || member == nullptr) return absl::OkStatus();
  const GroupOptions& options = member->options;
  // What is applied alone is asked for when it is (push/lock.cc).
  if (options.mode != SyncMode::kBsp && options.mode != SyncMode::kLocal) return absl::OkStatus();
  constexpr uint64_t kUsualWorkers = 8;
  return store_.push_observer->MayPush(push, std::max<uint64_t>(options.workers, kUsualWorkers));
}

void Synchronizer::Submit(ResolvedPush push, std::vector<Tensor> tensors, bool verified_finite,
                          PushDone done, uint64_t timeout_ms) {
  absl::StatusOr<ChangesLock> changes = store_.changes.Lock();
  if (!changes.ok()) return done(changes.status());
  absl::StatusOr<CompletionRecords::InFlightPush> in_flight_push =
      store_.completion_records.Begin(push.contents().id);
  // Who hears of an answer may send the push again at once.
  const auto answer = [&](absl::StatusOr<PushResult> result) {
    if (in_flight_push.ok()) in_flight_push->Abandon();
    changes->unlock();
    done(std::move(result));
  };
  if (!in_flight_push.ok()) return answer(in_flight_push.status());
  if (in_flight_push->cached_result()) return answer(*in_flight_push->cached_result());
  const absl::StatusOr<Member*> group = GroupOf(push.contents());
  if (!group.ok()) return answer(group.status());
  absl::Status status =
      workers_.CheckMayPush(push.contents().id.worker_id, push.contents().id.incarnation);
  if (status.ok()) status = CheckIsNotAlone(*group, push.contents());
  if (!status.ok()) return answer(status);
  Member* const member = *group;
  absl::StatusOr<ValidPush> valid =
      ValidateFor(member, std::move(push), std::move(tensors), verified_finite);
  if (!valid.ok()) {
    const bool skip = member != nullptr && member->options.nonfinite == NonfinitePolicy::kSkip;
    if (!skip || !IsNonfinite(valid.status())) return answer(valid.status());
    return answer(in_flight_push->Drop(
        {.global_step = store_.changes.global_step(), .outcome = Outcome::kNonfinite}));
  }
  status = CheckFitsTheLog(member, *valid);
  if (!status.ok()) return answer(status);
  if (member == nullptr)
    return answer(Apply(store_, *std::move(valid), *std::move(in_flight_push)));
  PushDone counted = [this, member,
                      done = std::move(done)](absl::StatusOr<PushResult> result) mutable {
    if (result.ok()) Count(*member, *result);
    done(std::move(result));
  };
  member->group->Submit(
      {std::move(counted), *std::move(valid), *std::move(in_flight_push), Until(timeout_ms)},
      *std::move(changes));
}

void Synchronizer::CountNonfinite(Member& member, const PushId& id) {
  const uint32_t most = member.options.quarantine_after;
  const bool too_many = member.nonfinite.Count(id, most);
  // Who is forgotten after this look, WorkerForgotten is called for.
  if (absl::IsUnauthenticated(workers_.CheckMayPush(id.worker_id, id.incarnation))) {
    return member.nonfinite.Forget(id.worker_id);
  }
  if (!too_many) return;
  const std::string reason = absl::StrCat(most, " of its pushes to group ", NameOf(member.options),
                                          " had a NaN or an infinity");
  spdlog::warn(absl::StrCat("worker '", id.worker_id, "' put in quarantine: ", reason));
  Quarantine(id.worker_id, reason).IgnoreError();
  member.nonfinite.Acted(id.worker_id);
}

absl::Status Synchronizer::Quarantine(const std::string& worker_id, const std::string& reason) {
  absl::Status status = workers_.Quarantine(worker_id, reason);
  timer_->Wake();
  return status;
}

void Synchronizer::Count(Member& member, const PushResult& result) {
  MutexLock lock(mutex_);
  if (result.outcome == Outcome::kStale) {
    ++member.counts.stale;
    return;
  }
  ++member.counts.applied;
  member.staleness_sum += result.staleness;
  member.counts.max_staleness = std::max(member.counts.max_staleness, result.staleness);
}

void Synchronizer::AwaitRead(const std::string& worker_id, uint64_t incarnation,
                             std::span<Variable* const> variables, ReadDone done,
                             uint64_t timeout_ms) {
  if (!reads_wait_) return done(absl::OkStatus());
  std::vector<Group*> groups;
  for (const Variable* const variable : variables) {
    Group* const group = GroupOf(variable->def).group.get();
    if (std::find(groups.begin(), groups.end(), group) == groups.end()) groups.push_back(group);
  }
  // One after the other.
  const Time until = Until(timeout_ms);
  for (Group* group : groups) {
    done = [group, worker_id, incarnation, until,
            next = std::move(done)](const absl::Status& status) mutable {
      if (!status.ok()) return next(status);
      group->AwaitRead(worker_id, incarnation, until, std::move(next));
    };
  }
  done(absl::OkStatus());
}

void Synchronizer::WorkerLost(const WorkerRecord& worker) {
  for (const std::unique_ptr<Member>& member : members_) member->group->WorkerLost(worker);
}

void Synchronizer::WorkerForgotten(const std::string& worker_id) {
  for (const std::unique_ptr<Member>& member : members_) member->nonfinite.Forget(worker_id);
}

void Synchronizer::Stop() {
  timer_->Stop();
  for (const std::unique_ptr<Member>& member : members_) member->group->Stop();
}

Time Synchronizer::Until(uint64_t timeout_ms) const {
  constexpr std::chrono::milliseconds kLongest = std::chrono::hours(24);
  if (timeout_ms == 0 || timeout_ms > static_cast<uint64_t>(kLongest.count())) return kNever;
  return env_.Now() + std::chrono::milliseconds(timeout_ms);
}

Time Synchronizer::Tick() {
  Time next = kNever;
  for (const std::unique_ptr<Member>& member : members_) {
    next = std::min(next, member->group->Tick());
  }
  return next;
}

std::vector<GroupStatus> Synchronizer::status() const {
  std::vector<GroupStatus> all;
  for (const std::unique_ptr<Member>& member : members_) {
    GroupStatus status;
    {
      MutexLock lock(mutex_);
      status = member->counts;
      status.mean_staleness = status.applied == 0 ? 0
                                                  : static_cast<double>(member->staleness_sum) /
                                                        static_cast<double>(status.applied);
    }
    status.options = member->options;
    status.nonfinite = member->nonfinite.total();
    status.step = store_.changes.group_step(NameOf(member->options));
    status.waits = member->group->waits();
    all.push_back(std::move(status));
  }
  return all;
}

}  // namespace varscope::server
