// ssp: stale synchronous parallel. A worker's clock counts its pushes; each applies at once. A
// worker whose clock is more than the bound ahead of the slowest worker's waits before it reads
// again. Ho et al. 2013, "More Effective Distributed ML via a Stale Synchronous Parallel Parameter
// Server".
#include <spdlog/spdlog.h>

#include <algorithm>
#include <map>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "proto/concurrency/mutex.h"
#include "server/membership/some_names.h"
#include "server/push/commit.h"
#include "server/sync/clocks.h"
#include "server/sync/group.h"

namespace varscope::server {
namespace {

class SspGroup final : public Group {
 public:
  explicit SspGroup(const GroupContext& context)
      : context_(context), options_(context_.options), clocks_(options_.bound) {}

  void Submit(Submission s, ChangesLock changes) override {
    const std::string worker_id = s.push.contents().id.worker_id;
    const uint64_t incarnation = s.push.contents().id.incarnation;
    if (IsOverdue(s.push.contents().id)) {
      // What it read is older than the bound allows; it takes part again from its next read on.
      const PushResult stale =
          s.in_flight_push.Drop({.global_step = context_.store.changes.global_step(),
                                 .outcome = Outcome::kStale,
                                 .staleness = StalenessOf(s.push).value_or(0)});
      changes.unlock();
      return s.done(stale);
    }
    absl::StatusOr<PushResult> result =
        Apply(context_.store, std::move(s.push), std::move(s.in_flight_push));
    changes.unlock();
    Released released;
    {
      MutexLock lock(mutex_);
      // Who is lost, or in quarantine, meanwhile is not waited for.
      if (result.ok() && context_.workers.IsLive(worker_id, incarnation) &&
          context_.workers.CheckMayPush(worker_id).ok()) {
        if (clocks_.IncarnationOf(worker_id).value_or(incarnation) != incarnation) {
          Release(clocks_.Remove(worker_id), LostError(worker_id), released);
        }
        clocks_.Advance(worker_id, incarnation);
        Release(clocks_.TakeReady(), absl::OkStatus(), released);
      }
    }
    Send(released);
    s.done(std::move(result));
  }

  void AwaitRead(const std::string& worker_id, uint64_t incarnation, Time until,
                 ReadDone done) override {
    {
      MutexLock lock(mutex_);
      if (!stopping_ && !clocks_.MayRead(worker_id, incarnation)) {
        const Time now = context_.env.Now();
        const Time due = std::min(until, now + options_.deadline);
        const bool first = due < next_;
        if (first) next_ = due;
        clocks_.Wait(worker_id, {now, until, std::move(done)});
        lock.unlock();
        if (first) context_.wake();
        return;
      }
    }
    done(stopping_ ? StoppingError() : absl::OkStatus());
  }

  void WorkerLost(const WorkerRecord& worker) override {
    Released released;
    {
      MutexLock lock(mutex_);
      // Who has come back meanwhile is another incarnation.
      if (clocks_.IncarnationOf(worker.worker_id).value_or(UINT64_MAX) <= worker.incarnation) {
        Release(clocks_.Remove(worker.worker_id), LostError(worker.worker_id), released);
      }
      const auto left = left_behind_.find(worker.worker_id);
      if (left != left_behind_.end() && left->second <= worker.incarnation) {
        left_behind_.erase(left);
      }
      Release(clocks_.TakeReady(), absl::OkStatus(), released);
    }
    Send(released);
  }

  // Whoever held the others up for the whole deadline is left behind.
  Time Tick() override {
    Released released;
    Time next = kNever;
    {
      MutexLock lock(mutex_);
      // Nobody waits for a worker whose pushes are refused.
      Release(clocks_.RemoveIf([this](const std::string& worker_id) {
        return !context_.workers.CheckMayPush(worker_id).ok();
      }),
              absl::OkStatus(), released);
      Release(clocks_.TakeReady(), absl::OkStatus(), released);
      const Time now = context_.env.Now();
      bool expired = false;
      clocks_.ForEachReader([&](const std::string&, const Clocks::Reader& r) {
        expired = expired || r.since + options_.deadline <= now;
      });
      if (expired) {
        spdlog::warn(absl::StrCat(Text(), ": goes on without, after its deadline"));
        LeaveSlowestBehind();
        Release(clocks_.TakeReady(), absl::OkStatus(), released);
      }
      LetGo(now, released);
      clocks_.ForEachReader([&](const std::string&, const Clocks::Reader& r) {
        next = std::min({next, r.until, r.since + options_.deadline});
      });
      next_ = next;
    }
    Send(released);
    return next;
  }

  void Stop() override {
    Released released;
    {
      MutexLock lock(mutex_);
      stopping_ = true;
      Release(clocks_.TakeIf([](const Clocks::Reader&) { return true; }), StoppingError(),
              released);
    }
    Send(released);
  }

  Waits waits() const override {
    Waits waits;
    MutexLock lock(mutex_);
    waits.workers = clocks_.size();
    if (clocks_.somebody_waits()) waits.text = Text();
    return waits;
  }

 private:
  using Released = std::vector<std::pair<ReadDone, absl::Status>>;

  static absl::Status LostError(const std::string& worker_id) {
    return absl::AbortedError(absl::StrCat("worker '", worker_id, "': its incarnation ended"));
  }

  static void Release(Clocks::Readers readers, const absl::Status& status, Released& released) {
    for (Clocks::Reader& reader : readers) released.emplace_back(std::move(reader.done), status);
  }
  static void Send(Released& released) {
    for (auto& [done, status] : released) done(status);
  }

  // Once for each time that its worker was left behind.
  bool IsOverdue(const PushId& id) {
    MutexLock lock(mutex_);
    const auto it = left_behind_.find(id.worker_id);
    if (it == left_behind_.end() || it->second != id.incarnation) return false;
    left_behind_.erase(it);
    return true;
  }

  // Those whose workers wait no longer.
  void LetGo(Time now, Released& released) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    bool late = false;
    clocks_.ForEachReader(
        [&](const std::string&, const Clocks::Reader& r) { late = late || r.until <= now; });
    if (!late) return;
    const absl::Status error = WithdrawnError(Text());
    Release(clocks_.TakeIf([now](const Clocks::Reader& r) { return r.until <= now; }), error,
            released);
  }

  void LeaveSlowestBehind() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    std::vector<std::string> slowest;
    clocks_.ForEachSlowest([&](const std::string& worker_id) { slowest.push_back(worker_id); });
    for (const std::string& worker_id : slowest) {
      left_behind_[worker_id] = *clocks_.IncarnationOf(worker_id);
      clocks_.Remove(worker_id);
    }
  }

  std::string Text() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    SomeNames slow;
    SomeNames held;
    clocks_.ForEachSlowest([&](const std::string& worker_id) {
      slow.Add([&] { return context_.workers.DescribeWait(worker_id); });
    });
    clocks_.ForEachReader([&](const std::string& worker_id, const Clocks::Reader&) {
      held.Add([&] { return worker_id; });
    });
    return absl::StrFormat("reads of group %s by %s, more than %d steps ahead, wait for %s",
                           NameOf(options_), held.Join(", "), options_.bound, slow.Join("; "));
  }

  const GroupContext context_;
  const GroupOptions& options_;
  mutable Mutex mutex_;
  std::atomic<bool> stopping_{false};
  Clocks clocks_ ABSL_GUARDED_BY(mutex_);       // of live workers that push
  Time next_ ABSL_GUARDED_BY(mutex_) = kNever;  // when Tick looks again
  // Whose next push is stale, because they held the others up for the whole deadline: their
  // incarnations.
  std::map<std::string, uint64_t> left_behind_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

std::unique_ptr<Group> MakeSspGroup(const GroupContext& context) {
  return std::make_unique<SspGroup>(context);
}

}  // namespace varscope::server
