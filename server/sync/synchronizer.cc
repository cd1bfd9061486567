#include "server/sync/synchronizer.h"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "proto/core/names.h"
#include "server/store/check.h"
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

}  // namespace

Synchronizer::Synchronizer(Store& store, Workers& workers, std::vector<GroupOptions> groups)
    : store_(store), workers_(workers) {
  const bool has_rest = std::any_of(groups.begin(), groups.end(),
                                    [](const GroupOptions& g) { return g.prefix.empty(); });
  if (!has_rest) groups.emplace_back();
  for (GroupOptions& options : groups) {
    reads_wait_ = reads_wait_ || options.mode == SyncMode::kSsp;
    auto member = std::make_unique<Member>();
    member->group = Make({store_, workers_, options, [this] { timer_->Wake(); }});
    member->options = std::move(options);
    members_.push_back(std::move(member));
  }
  timer_ = std::make_unique<Timer>([this] { return Tick(); });
}

Synchronizer::Member& Synchronizer::GroupOf(const std::string& variable) const {
  // There is one for the empty prefix.
  return **FindLongestPrefix(
      members_,
      [](const std::unique_ptr<Member>& member) -> absl::string_view {
        return member->options.prefix;
      },
      variable);
}

absl::StatusOr<Synchronizer::Member*> Synchronizer::GroupOf(const Push& push) const {
  Member* group = nullptr;
  const std::string* first = nullptr;
  for (const OptimizerStep& step : push.steps) {
    for (const GradientUpdate& update : step.updates) {
      Member& own = GroupOf(update.variable);
      if (group != nullptr && group != &own) {
        return absl::InvalidArgumentError(
            absl::StrCat("worker '", push.id.worker_id, "': one push updates ", Printable(*first),
                         " of group ", NameOf(group->options), " (", group->options.spec, ") and ",
                         Printable(update.variable), " of group ", NameOf(own.options), " (",
                         own.options.spec, "); send one push for each group"));
      }
      group = &own;
      first = &update.variable;
    }
  }
  return group;
}

absl::Status Synchronizer::Guard(Member& member, Push& push) {
  const GroupOptions& options = member.options;
  if (options.nonfinite == NonfinitePolicy::kRefuse) push.allow_nonfinite = false;
  if (options.clip_norm > 0) {
    for (OptimizerStep& step : push.steps) {
      step.clip_norm =
          step.clip_norm > 0 ? std::min(step.clip_norm, options.clip_norm) : options.clip_norm;
    }
  }
  return options.mode == SyncMode::kLocal ? UseOuterOptimizer(options, push) : absl::OkStatus();
}

std::optional<absl::StatusOr<Applied>> Synchronizer::Judge(Member& member, Push& push) {
  absl::Status status = Guard(member, push);
  if (status.ok()) status = CheckFit(store_, push);
  if (!status.ok()) return status;
  const GroupOptions& options = member.options;
  const bool guarded =
      options.nonfinite != NonfinitePolicy::kAsPushed || options.quarantine_after > 0;
  if (guarded && HasNonfinite(push)) {
    CountNonfinite(member, push.id.worker_id);
    if (options.nonfinite == NonfinitePolicy::kSkip) {
      return Applied{.global_step = store_.global_step(), .outcome = Outcome::kNonfinite};
    }
  }
  status = CheckFiniteAndClip(push);
  if (status.ok()) return std::nullopt;
  return status;
}

std::optional<absl::StatusOr<Applied>> Synchronizer::Begin(Push& push, Member*& member,
                                                           Ledger::Admission& admission) {
  if (admission.earlier()) return *admission.earlier();
  const absl::StatusOr<Member*> group = GroupOf(push);
  if (!group.ok()) return group.status();
  absl::Status status = workers_.CheckMayPush(push.id.worker_id);
  if (!status.ok()) return status;
  member = *group;
  if (member != nullptr) return Judge(*member, push);
  status = Check(store_, push);
  if (!status.ok()) return status;
  return ApplyChecked(store_, push, std::move(admission));
}

void Synchronizer::Submit(Push push, PushDone done) {
  ChangesLock changes = store_.LockChanges();
  absl::StatusOr<Ledger::Admission> admission = store_.ledger().Begin(push.id);
  if (!admission.ok()) return changes.unlock(), done(admission.status());
  Member* member = nullptr;
  if (auto answer = Begin(push, member, *admission)) {
    admission->Abandon();
    changes.unlock();
    return done(*std::move(answer));
  }
  const auto counted = [this, member, done = std::move(done)](absl::StatusOr<Applied> applied) {
    if (applied.ok()) Count(*member, *applied);
    done(std::move(applied));
  };
  member->group->Submit({std::move(push), *std::move(admission), counted}, std::move(changes));
}

void Synchronizer::CountNonfinite(Member& member, const std::string& worker_id) {
  uint32_t count = 0;
  {
    std::lock_guard lock(mutex_);
    ++member.counts.nonfinite;
    count = ++member.nonfinite_by_worker[worker_id];
    if (member.options.quarantine_after == 0 || count < member.options.quarantine_after) return;
    member.nonfinite_by_worker.erase(worker_id);
  }
  const std::string reason = absl::StrCat(count, " of its pushes to group ", NameOf(member.options),
                                          " had a NaN or an infinity");
  spdlog::warn(absl::StrCat("worker '", worker_id, "' put in quarantine: ", reason));
  workers_.Quarantine(worker_id, reason).IgnoreError();
}

void Synchronizer::Count(Member& member, const Applied& applied) {
  std::lock_guard lock(mutex_);
  if (applied.outcome == Outcome::kStale) {
    ++member.counts.stale;
    return;
  }
  ++member.counts.applied;
  member.staleness_sum += applied.staleness;
  member.counts.max_staleness = std::max(member.counts.max_staleness, applied.staleness);
}

void Synchronizer::AwaitRead(const std::string& worker_id, std::span<const std::string> variables,
                             ReadDone done) {
  if (!reads_wait_) return done(absl::OkStatus());
  std::vector<Group*> groups;
  for (const std::string& variable : variables) {
    Group* const group = GroupOf(variable).group.get();
    if (std::find(groups.begin(), groups.end(), group) == groups.end()) groups.push_back(group);
  }
  // One after the other.
  for (Group* group : groups) {
    done = [group, worker_id, next = std::move(done)](const absl::Status& status) mutable {
      if (!status.ok()) return next(status);
      group->AwaitRead(worker_id, std::move(next));
    };
  }
  done(absl::OkStatus());
}

void Synchronizer::Gone(const WorkerRecord& worker) {
  for (const std::unique_ptr<Member>& member : members_) member->group->Gone(worker);
}

void Synchronizer::Stop() {
  timer_->Stop();
  for (const std::unique_ptr<Member>& member : members_) member->group->Stop();
}

Timer::Clock::time_point Synchronizer::Tick() {
  Timer::Clock::time_point next = Timer::Clock::time_point::max();
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
      std::lock_guard lock(mutex_);
      status = member->counts;
      status.mean_staleness = status.applied == 0 ? 0
                                                  : static_cast<double>(member->staleness_sum) /
                                                        static_cast<double>(status.applied);
    }
    status.options = member->options;
    status.step = store_.group_step(NameOf(member->options));
    status.waits = member->group->waits();
    all.push_back(std::move(status));
  }
  return all;
}

}  // namespace varscope::server
