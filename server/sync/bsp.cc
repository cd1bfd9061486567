// bsp: bulk-synchronous steps. The pushes of all workers become one update. local is the same, with
// workers whose pushes are the differences that many steps of their own have made.
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <exception>
#include <map>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "proto/concurrency/mutex.h"
#include "server/membership/some_names.h"
#include "server/push/commit.h"
#include "server/sync/aggregate.h"
#include "server/sync/group.h"
#include "server/sync/waiting_pushes.h"

namespace varscope::server {
namespace {

class BspGroup final : public Group {
 public:
  explicit BspGroup(const GroupContext& context)
      : context_(context),
        options_(context_.options),
        maker_(context.env.StartTimer("steps", [this] {
          MakeSteps();
          return kNever;
        })) {}

  void Submit(Submission submission, ChangesLock changes) override {
    changes.unlock();
    const std::string worker_id = submission.push.contents().id.worker_id;
    WaitingPushes own;
    own.emplace(worker_id, WaitingPush(std::move(submission)));
    if (TakeAndClose(own)) MakeSteps();
  }

  void WorkerLost(const WorkerRecord& worker) noexcept override {
    PushAnswers answers;
    MutexLock lock(mutex_);
    // It may have come back meanwhile.
    const auto member = members_.find(worker.worker_id);
    if (member != members_.end() && member->second <= worker.incarnation) members_.erase(member);
    const auto lost = [&](const WaitingPush& entry) {
      return entry.id().worker_id == worker.worker_id &&
             entry.id().incarnation <= worker.incarnation;
    };
    const auto why = [&](const WaitingPush&) { return LostError(worker.worker_id); };
    answers.AddIf(waiting_, lost, why);
    answers.AddIf(next_, lost, why);
    if (IsComplete()) HandOver();
    BeginAnewWithoutMembers();
  }

  Time Tick() override {
    PushAnswers answers;
    Time next = kNever;
    MutexLock lock(mutex_);
    LeaveOutQuarantined(answers);
    if (IsComplete()) HandOver();
    if (!waiting_.empty() && context_.env.Now() >= Deadline()) Expire(answers);
    LetGo(answers);
    if (!waiting_.empty()) next = Deadline();
    for (const WaitingPushes* all : {&waiting_, &next_}) {
      for (const auto& [worker, entry] : *all) next = std::min(next, entry.submission.until);
    }
    return next;
  }

  void Stop() override {
    maker_->Stop();
    const absl::Status stopping = Said(StoppingError);
    PushAnswers answers;
    MutexLock lock(mutex_);
    stopping_ = true;
    for (WaitingPushes* all : {&waiting_, &due_, &next_}) answers.AddAll(*all, stopping);
  }

  Waits waits() const override {
    MutexLock lock(mutex_);
    Waits waits;
    if (!waiting_.empty()) waits.text = Text();
    waits.workers = members_.size();
    return waits;
  }

 private:
  static absl::Status LostError(const std::string& worker_id) {
    return absl::AbortedError(
        absl::StrCat("worker '", worker_id, "': its incarnation ended; its push was not applied"));
  }

  // Whether the step is closed with the push, which is one: then its thread makes it. Others have
  // their answers.
  bool TakeAndClose(WaitingPushes& own) noexcept ABSL_LOCKS_EXCLUDED(mutex_) {
    PushAnswers answers;
    MutexLock lock(mutex_);
    Take(own, answers);
    return CloseIfComplete();
  }

  // The first of `from` becomes part of the step, waits for the next one, or is answered.
  void Take(WaitingPushes& from, PushAnswers& answers) noexcept
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    try {
      TakeFirst(from, answers);
    } catch (const std::exception&) {
      answers.Add(from, from.begin(), *kNobodyAnswered);
    }
  }

  // What throws leaves it in `from`.
  void TakeFirst(WaitingPushes& from, PushAnswers& answers) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    const auto first = from.begin();
    const Submission& submission = first->second.submission;
    const PushId& id = first->second.id();
    const auto answer = [&](absl::StatusOr<PushResult> result) {
      answers.Add(from, first, std::move(result));
    };
    if (stopping_) return answer(StoppingError());
    if (!context_.workers.IsLive(id.worker_id, id.incarnation)) {
      return answer(LostError(id.worker_id));
    }
    if (closing_) {
      if (submission.until != kNever) context_.wake();
      next_.insert(from.extract(first));
      return;
    }
    if (absl::Status status = TakePlace(id); !status.ok()) return answer(status);
    members_[id.worker_id] = id.incarnation;
    if (const Staleness staleness = StalenessOf(submission.push); staleness != 0) {
      return answer(PushResult{.global_step = context_.store.changes.global_step(),
                               .group_step = Step(),
                               .outcome = Outcome::kStale,
                               .staleness = staleness.value_or(0)});
    }
    const auto earlier = waiting_.find(id.worker_id);
    if (earlier != waiting_.end() && earlier->second.id().incarnation < id.incarnation) {
      // The worker has come back before this group was told that it had gone.
      answers.Add(waiting_, earlier, Said([&] { return LostError(id.worker_id); }));
    } else if (earlier != waiting_.end()) {
      return answer(absl::FailedPreconditionError(
          absl::StrCat("worker '", id.worker_id, "' has pushed to step ", Step() + 1, " of ",
                       Name(), " already, and waits for it: one push a step")));
    }
    if (waiting_.empty()) since_ = context_.env.Now();
    if (waiting_.empty() || submission.until < Deadline()) context_.wake();
    waiting_.insert(from.extract(first));
  }

  // A robust mean counts ids: whoever comes under several of them could outvote the others.
  absl::Status TakePlace(const PushId& id) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (!options_.closed) return absl::OkStatus();
    const size_t most = options_.workers;
    const auto is_full = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
      return places_.size() >= most && !places_.contains(id.worker_id);
    };
    if (is_full()) {
      std::erase_if(places_, [this](const auto& place) {
        return !context_.workers.IsLive(place.first, place.second) ||
               !context_.workers.CheckMayPush(place.first).ok();
      });
    }
    if (is_full()) {
      SomeNames names;
      for (const auto& [worker, incarnation] : places_)
        names.Add([&, &one = worker] { return one; });
      return absl::FailedPreconditionError(absl::StrCat(
          "worker '", id.worker_id, "': group ", Name(), " (", options_.spec, ") has its ", most,
          " workers, as --sync says with workers=", most, ": ", names.Join(", "),
          "; the push was not applied. It may come when one of them has gone"));
    }
    places_[id.worker_id] = id.incarnation;
    return absl::OkStatus();
  }

  // Nobody waits for a worker whose pushes are refused, and what waits of it ends.
  void LeaveOutQuarantined(PushAnswers& answers) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    for (auto member = members_.begin(); member != members_.end();) {
      const absl::Status may_push = context_.workers.CheckMayPush(member->first);
      if (may_push.ok()) {
        ++member;
        continue;
      }
      const auto same = [&](const WaitingPush& entry) {
        return entry.id().worker_id == member->first;
      };
      const auto why = [&](const WaitingPush&) { return may_push; };
      answers.AddIf(waiting_, same, why);
      member = members_.erase(member);
    }
    // These need not be members yet.
    const auto of = [&](const WaitingPush& entry) {
      return context_.workers.CheckMayPush(entry.id().worker_id);
    };
    answers.AddIf(
        next_, [&](const WaitingPush& entry) { return !of(entry).ok(); }, of);
    BeginAnewWithoutMembers();
  }

  // When the last has gone, those who come wait for each other again, as after a start.
  void BeginAnewWithoutMembers() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (members_.empty() && waiting_.empty()) started_ = false;
  }

  size_t Needed() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    const size_t workers =
        started_ ? members_.size() : std::max<size_t>(options_.workers, members_.size());
    const size_t backup = std::min<size_t>(options_.backup, workers > 0 ? workers - 1 : 0);
    return std::max<size_t>(options_.quorum, workers - backup);
  }

  // Who waits, and has not been closed, waits for no step that is being made.
  bool IsComplete() const noexcept ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return !waiting_.empty() && waiting_.size() >= Needed();
  }

  // The step has its pushes. Nothing may come between this and MakeSteps, or who will call it.
  void Close() noexcept ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    started_ = true;
    closing_ = true;
    due_.swap(waiting_);
  }
  bool CloseIfComplete() noexcept ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    const bool complete = IsComplete();
    if (complete) Close();
    return complete;
  }
  // Closes it, and the group's thread makes it.
  void HandOver() noexcept ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    Close();
    maker_->Wake();
  }

  // Makes the step that is closed, unless somebody else does, and those that are complete then.
  // Each of their pushes is answered, or waits for another step.
  void MakeSteps() noexcept {
    bool closed = true;
    while (closed) {
      WaitingPushes step;
      WaitingPushes next;
      PushAnswers answers;
      {
        MutexLock lock(mutex_);
        step.swap(due_);
      }
      if (step.empty()) return;
      const absl::StatusOr<PushResult> result = ApplyAll(step, answers);
      answers.AddAll(step, result);
      MutexLock lock(mutex_);
      closing_ = false;
      next.swap(next_);
      while (!next.empty()) Take(next, answers);
      closed = CloseIfComplete();
    }
  }

  void RemoveLost(WaitingPushes& step, PushAnswers& answers) const {
    answers.AddIf(
        step,
        [&](const WaitingPush& entry) {
          return !context_.workers.IsLive(entry.id().worker_id, entry.id().incarnation);
        },
        [](const WaitingPush& entry) { return LostError(entry.id().worker_id); });
  }

  // In the order of the workers' ids, so that the sum does not depend on time. Those that stay in
  // `step` get the answer. Commit throws nothing.
  absl::StatusOr<PushResult> ApplyAll(WaitingPushes& step, PushAnswers& answers) const noexcept {
    try {
      return Apply(step, answers);
    } catch (const std::exception& why) {
      return Said([&] {
        return absl::ResourceExhaustedError(absl::StrCat("a step of group ", Name(),
                                                         " could not be applied (", why.what(),
                                                         "); nothing was applied"));
      });
    }
  }

  absl::StatusOr<PushResult> Apply(WaitingPushes& step, PushAnswers& answers) const {
    // While a rollback fences them off, they hear that rather than that they are to come again.
    RemoveLost(step, answers);
    if (step.empty()) return PushResult{};
    const absl::StatusOr<ChangesLock> changes = context_.store.changes.Lock();
    if (!changes.ok()) return changes.status();
    RemoveLost(step, answers);
    if (step.empty()) return PushResult{};
    std::vector<ValidPush> pushes;
    pushes.reserve(step.size());
    CompletionRecords::InFlightPush in_flight_push =
        std::move(step.begin()->second.submission.in_flight_push);
    for (auto& [worker_id, entry] : step) {
      pushes.push_back(std::move(entry.submission.push));
      in_flight_push.Merge(std::move(entry.submission.in_flight_push));
    }
    absl::StatusOr<ValidPush> merged =
        Aggregate(std::move(pushes), Name(), options_.aggregation, options_.byzantine);
    if (!merged.ok()) return merged.status();
    return server::Apply(context_.store, *std::move(merged), std::move(in_flight_push));
  }

  Time Deadline() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return since_ + options_.deadline; }

  // The step is closed with those that are there, or they end.
  void Expire(PushAnswers& answers) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (waiting_.size() < options_.quorum) {
      answers.AddAll(
          waiting_,
          absl::DeadlineExceededError(absl::StrCat(
              Text(), "; after ", absl::FormatDuration(absl::FromChrono(options_.deadline)),
              " no quorum of ", options_.quorum, " was there, and nothing was applied")));
      return;
    }
    spdlog::warn(absl::StrCat(Text(), ": goes on without, after its deadline"));
    // Nobody waits for them again until they push.
    std::erase_if(members_, [this](const auto& m) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
      return !waiting_.contains(m.first);
    });
    HandOver();
  }

  // Those whose workers wait no longer.
  void LetGo(PushAnswers& answers) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    const Time now = context_.env.Now();
    const auto over = [now](const WaitingPush& entry) { return entry.submission.until <= now; };
    const auto some_are = [&](const WaitingPushes& all) {
      return std::any_of(all.begin(), all.end(), [&](const auto& one) { return over(one.second); });
    };
    if (!some_are(waiting_) && !some_are(next_)) return;
    const absl::Status late = WithdrawnError(
        closing_ ? absl::StrCat("step ", Step() + 1, " of group ", Name(), " is being made")
                 : Text());
    const auto why = [&](const WaitingPush&) { return late; };
    answers.AddIf(waiting_, over, why);
    answers.AddIf(next_, over, why);
  }

  std::string Name() const { return NameOf(options_); }
  uint64_t Step() const { return context_.store.changes.group_step(Name()); }

  std::string Text() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    SomeNames missing;
    for (const auto& [member, incarnation] : members_) {
      if (waiting_.contains(member)) continue;
      missing.Add([&, &worker = member] { return context_.workers.DescribeWait(worker); });
    }
    const size_t needed = Needed();
    const size_t unknown = needed - std::min(needed, waiting_.size() + missing.size());
    if (unknown > 0) missing.Add([&] { return absl::StrCat(unknown, " more to join"); });
    return fmt::format("step {} of group {} has {} of {} pushes, waits for {}", Step() + 1, Name(),
                       waiting_.size(), needed, missing.Join("; "));
  }

  const GroupContext context_;
  const GroupOptions& options_;
  mutable Mutex mutex_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  bool started_ ABSL_GUARDED_BY(mutex_) = false;  // a step has been complete
  // A step is closed, and being made: nobody is in waiting_, what comes waits in next_.
  bool closing_ ABSL_GUARDED_BY(mutex_) = false;
  // Live workers that push: their incarnations.
  std::map<std::string, uint64_t> members_ ABSL_GUARDED_BY(mutex_);
  // Where only so many may be: who has pushed, and may be gone meanwhile. Whoever missed a deadline
  // keeps its place.
  std::map<std::string, uint64_t> places_ ABSL_GUARDED_BY(mutex_);
  WaitingPushes waiting_ ABSL_GUARDED_BY(mutex_);  // of each worker one
  WaitingPushes due_ ABSL_GUARDED_BY(mutex_);      // of the closed step, until somebody makes it
  WaitingPushes next_ ABSL_GUARDED_BY(mutex_);
  Time since_ ABSL_GUARDED_BY(mutex_);  // of the first that waits
  // Makes the steps that are closed by time, or by somebody's end: on those threads others wait.
  const std::unique_ptr<Timer> maker_;
};

}  // namespace

std::unique_ptr<Group> MakeBspGroup(const GroupContext& context) {
  return std::make_unique<BspGroup>(context);
}

}  // namespace varscope::server
