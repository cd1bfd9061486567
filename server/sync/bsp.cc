// bsp: bulk-synchronous steps. The pushes of all workers become one update. local is the same, with
// workers whose pushes are the differences that many steps of their own have made.
#include <spdlog/spdlog.h>

#include <algorithm>
#include <exception>
#include <map>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "proto/concurrency/mutex.h"
#include "server/membership/some_names.h"
#include "server/push/commit.h"
#include "server/sync/aggregate.h"
#include "server/sync/group.h"

namespace varscope::server {
namespace {

class BspGroup final : public Group {
 public:
  explicit BspGroup(const GroupContext& context) : context_(context), options_(context_.options) {}

  void Submit(Submission submission, ChangesLock changes) override {
    changes.unlock();
    Answers answers;
    {
      MutexLock lock(mutex_);
      Take(std::move(submission), answers);
      CloseIfComplete(answers);
    }
    answers.Send();
  }

  void WorkerLost(const WorkerRecord& worker) override {
    Answers answers;
    {
      MutexLock lock(mutex_);
      // It may have come back meanwhile.
      const auto member = members_.find(worker.worker_id);
      if (member != members_.end() && member->second <= worker.incarnation) members_.erase(member);
      const auto it = waiting_.find(worker.worker_id);
      if (it != waiting_.end() && it->second.push.contents().id.incarnation <= worker.incarnation) {
        answers.Add(std::move(it->second), LostError(worker.worker_id));
        waiting_.erase(it);
      }
      CloseIfComplete(answers);
      BeginAnewWithoutMembers();
    }
    answers.Send();
  }

  Time Tick() override {
    Answers answers;
    Time next = kNever;
    {
      MutexLock lock(mutex_);
      LeaveOutQuarantined(answers);
      CloseIfComplete(answers);
      if (!waiting_.empty() && !closing_ && context_.env.Now() >= Deadline()) {
        Expire(answers);
      }
      LetGo(answers);
      if (!waiting_.empty() && !closing_) next = Deadline();
      for (const auto& [worker, submission] : waiting_) next = std::min(next, submission.until);
    }
    answers.Send();
    return next;
  }

  void Stop() override {
    Answers answers;
    {
      MutexLock lock(mutex_);
      stopping_ = true;
      for (auto& [worker, submission] : waiting_)
        answers.Add(std::move(submission), StoppingError());
      waiting_.clear();
      for (Submission& submission : next_) answers.Add(std::move(submission), StoppingError());
      next_.clear();
    }
    answers.Send();
  }

  Waits waits() const override {
    MutexLock lock(mutex_);
    Waits waits;
    if (!waiting_.empty()) waits.text = Text();
    waits.workers = members_.size();
    return waits;
  }

 private:
  // What to tell whom once the lock is released.
  class Answers {
   public:
    // The submission ends here, so that the completion records let the push in again before its
    // worker hears.
    void Add(Submission submission, absl::StatusOr<PushResult> answer) {
      if (answer.ok() && answer->outcome != Outcome::kApplied) {
        submission.in_flight_push.Drop(*answer);
      }
      dones_.emplace_back(std::move(submission.done), std::move(answer));
    }
    // No answer is lost later because there is no memory for it.
    void Reserve(size_t more) { dones_.reserve(dones_.size() + more); }
    void Send() {
      for (auto& [done, answer] : dones_) done(std::move(answer));
    }

   private:
    std::vector<std::pair<PushDone, absl::StatusOr<PushResult>>> dones_;
  };

  static absl::Status LostError(const std::string& worker_id) {
    return absl::AbortedError(
        absl::StrCat("worker '", worker_id, "': its incarnation ended; its push was not applied"));
  }

  void Take(Submission submission, Answers& answers) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    const PushId& id = submission.push.contents().id;
    if (stopping_) return answers.Add(std::move(submission), StoppingError());
    if (!context_.workers.IsLive(id.worker_id, id.incarnation)) {
      return answers.Add(std::move(submission), LostError(id.worker_id));
    }
    if (closing_) return next_.push_back(std::move(submission));
    if (absl::Status status = TakePlace(id); !status.ok()) {
      return answers.Add(std::move(submission), status);
    }
    members_[id.worker_id] = id.incarnation;
    if (const Staleness staleness = StalenessOf(submission.push); staleness != 0) {
      return answers.Add(std::move(submission),
                         PushResult{.global_step = context_.store.changes.global_step(),
                                    .group_step = Step(),
                                    .outcome = Outcome::kStale,
                                    .staleness = staleness.value_or(0)});
    }
    const auto earlier = waiting_.find(id.worker_id);
    if (earlier != waiting_.end() &&
        earlier->second.push.contents().id.incarnation < id.incarnation) {
      // The worker has come back before this group was told that it had gone.
      answers.Add(std::move(earlier->second), LostError(id.worker_id));
      waiting_.erase(earlier);
    } else if (earlier != waiting_.end()) {
      return answers.Add(std::move(submission),
                         absl::FailedPreconditionError(absl::StrCat(
                             "worker '", id.worker_id, "' has pushed to step ", Step() + 1, " of ",
                             Name(), " already, and waits for it: one push a step")));
    }
    if (waiting_.empty()) since_ = context_.env.Now();
    if (waiting_.empty() || submission.until < Deadline()) context_.wake();
    waiting_.emplace(id.worker_id, std::move(submission));
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
  void LeaveOutQuarantined(Answers& answers) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    for (auto member = members_.begin(); member != members_.end();) {
      const absl::Status may_push = context_.workers.CheckMayPush(member->first);
      if (may_push.ok()) {
        ++member;
        continue;
      }
      if (const auto it = waiting_.find(member->first); it != waiting_.end()) {
        answers.Add(std::move(it->second), may_push);
        waiting_.erase(it);
      }
      member = members_.erase(member);
    }
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

  void CloseIfComplete(Answers& answers) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    while (!waiting_.empty() && !closing_ && waiting_.size() >= Needed()) Close(answers);
  }

  // Lets mutex_ go meanwhile.
  void Close(Answers& answers) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    started_ = true;
    answers.Reserve(waiting_.size());
    std::map<std::string, Submission> submissions = std::exchange(waiting_, {});
    const absl::StatusOr<PushResult> result = ApplyAll(submissions, answers);
    for (auto& [worker, submission] : submissions) answers.Add(std::move(submission), result);
    std::vector<Submission> next = std::exchange(next_, {});
    for (Submission& submission : next) Take(std::move(submission), answers);
  }

  void RemoveLost(std::map<std::string, Submission>& submissions, Answers& answers) const {
    for (auto it = submissions.begin(); it != submissions.end();) {
      if (context_.workers.IsLive(it->first, it->second.push.contents().id.incarnation)) {
        ++it;
        continue;
      }
      answers.Add(std::move(it->second), LostError(it->first));
      it = submissions.erase(it);
    }
  }

  // Lets mutex_ go meanwhile. In the order of the workers' ids, so that the sum does not depend on
  // time. Those that stay in `submissions` get the answer. Commit throws nothing.
  absl::StatusOr<PushResult> ApplyAll(std::map<std::string, Submission>& submissions,
                                      Answers& answers) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    closing_ = true;
    const absl::Cleanup closed = [this]()
                                     ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { closing_ = false; };
    try {
      MutexUnlock applying(mutex_);
      return ApplyUnlocked(submissions, answers);
    } catch (const std::exception& why) {
      return absl::ResourceExhaustedError(absl::StrCat("a step of group ", Name(),
                                                       " could not be applied (", why.what(),
                                                       "); nothing was applied"));
    }
  }

  absl::StatusOr<PushResult> ApplyUnlocked(std::map<std::string, Submission>& submissions,
                                           Answers& answers) const {
    // While a rollback fences them off, they hear that rather than that they are to come again.
    RemoveLost(submissions, answers);
    if (submissions.empty()) return PushResult{};
    const absl::StatusOr<ChangesLock> changes = context_.store.changes.Lock();
    if (!changes.ok()) return changes.status();
    RemoveLost(submissions, answers);
    if (submissions.empty()) return PushResult{};
    std::vector<ValidPush> pushes;
    CompletionRecords::InFlightPush in_flight_push =
        std::move(submissions.begin()->second.in_flight_push);
    for (auto& [worker_id, submission] : submissions) {
      pushes.push_back(std::move(submission.push));
      in_flight_push.Merge(std::move(submission.in_flight_push));
    }
    absl::StatusOr<ValidPush> merged =
        Aggregate(std::move(pushes), Name(), options_.aggregation, options_.byzantine);
    if (!merged.ok()) return merged.status();
    return Apply(context_.store, *std::move(merged), std::move(in_flight_push));
  }

  Time Deadline() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return since_ + options_.deadline; }

  void Expire(Answers& answers) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (waiting_.size() < options_.quorum) {
      const absl::Status late = absl::DeadlineExceededError(absl::StrCat(
          Text(), "; after ", absl::FormatDuration(absl::FromChrono(options_.deadline)),
          " no quorum of ", options_.quorum, " was there, and nothing was applied"));
      for (auto& [worker, submission] : waiting_) answers.Add(std::move(submission), late);
      waiting_.clear();
      return;
    }
    spdlog::warn(absl::StrCat(Text(), ": goes on without, after its deadline"));
    // Nobody waits for them again until they push.
    std::erase_if(members_, [this](const auto& m) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
      return !waiting_.contains(m.first);
    });
    Close(answers);
    CloseIfComplete(answers);
  }

  // Those whose workers wait no longer.
  void LetGo(Answers& answers) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    const Time now = context_.env.Now();
    const absl::Status late = WithdrawnError(Text());
    for (auto it = waiting_.begin(); it != waiting_.end();) {
      if (it->second.until > now) {
        ++it;
        continue;
      }
      answers.Add(std::move(it->second), late);
      it = waiting_.erase(it);
    }
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
    return absl::StrFormat("step %d of group %s has %d of %d pushes, waits for %s", Step() + 1,
                           Name(), waiting_.size(), needed, missing.Join("; "));
  }

  const GroupContext context_;
  const GroupOptions& options_;
  mutable Mutex mutex_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  bool started_ ABSL_GUARDED_BY(mutex_) = false;  // a step has been complete
  bool closing_ ABSL_GUARDED_BY(mutex_) =
      false;  // a step is being applied; what comes waits in next_
  // Live workers that push: their incarnations.
  std::map<std::string, uint64_t> members_ ABSL_GUARDED_BY(mutex_);
  // Where only so many may be: who has pushed, and may be gone meanwhile. Whoever missed a deadline
  // keeps its place.
  std::map<std::string, uint64_t> places_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, Submission> waiting_ ABSL_GUARDED_BY(mutex_);
  std::vector<Submission> next_ ABSL_GUARDED_BY(mutex_);
  Time since_ ABSL_GUARDED_BY(mutex_);  // of the first that waits
};

}  // namespace

std::unique_ptr<Group> MakeBspGroup(const GroupContext& context) {
  return std::make_unique<BspGroup>(context);
}

}  // namespace varscope::server
