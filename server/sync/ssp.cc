// ssp: stale synchronous parallel. A worker's clock counts its pushes; each applies at once. A
// worker whose clock is more than the bound ahead of the slowest worker's waits before it reads
// again. Ho et al. 2013, "More Effective Distributed ML via a Stale Synchronous Parallel Parameter
// Server".
#include <spdlog/spdlog.h>

#include <algorithm>
#include <map>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "proto/concurrency/mutex.h"
#include "server/membership/some_names.h"
#include "server/push/commit.h"
#include "server/sync/group.h"

namespace varscope::server {
namespace {

class SspGroup final : public Group {
 public:
  explicit SspGroup(const GroupContext& context) : context_(context), options_(context_.options) {}

  void Submit(Submission s, ChangesLock changes) override {
    const std::string worker_id = s.push.contents().id.worker_id;
    const uint64_t incarnation = s.push.contents().id.incarnation;
    if (Overdue(worker_id, incarnation)) {
      changes.unlock();
      // What it read is older than the bound allows; it takes part again from its next read on.
      const PushResult stale{.global_step = context_.store.changes.global_step(),
                             .outcome = Outcome::kStale,
                             .staleness = StalenessOf(s.push)};
      s.in_flight_push.Abandon();
      return s.done(stale);
    }
    absl::StatusOr<PushResult> result =
        Apply(context_.store, std::move(s.push), std::move(s.in_flight_push));
    changes.unlock();
    Released released;
    {
      MutexLock lock(mutex_);
      if (result.ok() && context_.workers.IsLive(worker_id, incarnation)) {
        Advance(worker_id, incarnation);
        ReleaseReady(released);
      }
    }
    Send(released);
    s.done(std::move(result));
  }

  void AwaitRead(const std::string& worker_id, uint64_t incarnation, Time until,
                 ReadDone done) override {
    {
      MutexLock lock(mutex_);
      if (!stopping_ && !MayRead(worker_id, incarnation)) {
        const Time now = context_.env.Now();
        waiting_.push_back({worker_id, incarnation, now, until, std::move(done)});
        lock.unlock();
        context_.wake();
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
      const auto clock = clocks_.find(worker.worker_id);
      if (clock != clocks_.end() && clock->second.incarnation <= worker.incarnation) {
        clocks_.erase(clock);
      }
      const auto overdue = overdue_.find(worker.worker_id);
      if (overdue != overdue_.end() && overdue->second <= worker.incarnation) {
        overdue_.erase(overdue);
      }
      for (auto it = waiting_.begin(); it != waiting_.end();) {
        if (it->worker_id != worker.worker_id || it->incarnation > worker.incarnation) {
          ++it;
          continue;
        }
        released.emplace_back(std::move(it->done),
                              absl::AbortedError(absl::StrCat("worker '", worker.worker_id,
                                                              "': its incarnation ended")));
        it = waiting_.erase(it);
      }
      ReleaseReady(released);
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
      std::erase_if(clocks_, [this](const auto& clock) {
        return !context_.workers.CheckMayPush(clock.first).ok();
      });
      ReleaseReady(released);
      const Time now = context_.env.Now();
      const bool expired = std::any_of(waiting_.begin(), waiting_.end(), [&](const Reader& r) {
        return r.since + options_.deadline <= now;
      });
      if (expired) {
        spdlog::warn(absl::StrCat(Text(), ": goes on without, after its deadline"));
        LeaveSlowestBehind();
        ReleaseReady(released);
      }
      LetGo(now, released);
      for (const Reader& r : waiting_) {
        next = std::min({next, r.until, r.since + options_.deadline});
      }
    }
    Send(released);
    return next;
  }

  void Stop() override {
    Released released;
    {
      MutexLock lock(mutex_);
      stopping_ = true;
      for (Reader& r : waiting_) released.emplace_back(std::move(r.done), StoppingError());
      waiting_.clear();
    }
    Send(released);
  }

  Waits waits() const override {
    Waits waits;
    MutexLock lock(mutex_);
    waits.workers = clocks_.size();
    if (!waiting_.empty()) waits.text = Text();
    return waits;
  }

 private:
  struct Clock {
    uint64_t incarnation;
    uint64_t pushes;
  };
  struct Reader {
    std::string worker_id;
    uint64_t incarnation;
    Time since;
    Time until;  // the worker waits
    ReadDone done;
  };
  using Released = std::vector<std::pair<ReadDone, absl::Status>>;

  static void Send(Released& released) {
    for (auto& [done, status] : released) done(status);
  }

  bool Overdue(const std::string& worker_id, uint64_t incarnation) {
    MutexLock lock(mutex_);
    const auto it = overdue_.find(worker_id);
    if (it == overdue_.end()) return false;
    const bool overdue = it->second == incarnation;
    overdue_.erase(it);
    return overdue;
  }

  // Who joins with this push is then as far as the slowest.
  void Advance(const std::string& worker_id, uint64_t incarnation)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    const auto it = clocks_.find(worker_id);
    if (it != clocks_.end() && it->second.incarnation != incarnation) clocks_.erase(it);
    const uint64_t before = clocks_.empty() ? 0 : Slowest() - 1;
    ++clocks_.try_emplace(worker_id, Clock{incarnation, before}).first->second.pushes;
  }

  uint64_t Slowest() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    uint64_t slowest = clocks_.empty() ? 0 : UINT64_MAX;
    for (const auto& [worker, clock] : clocks_) slowest = std::min(slowest, clock.pushes);
    return slowest;
  }

  bool MayRead(const std::string& worker_id, uint64_t incarnation) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    const auto it = clocks_.find(worker_id);
    return it == clocks_.end() || it->second.incarnation != incarnation ||
           it->second.pushes <= Slowest() + options_.bound;
  }

  void ReleaseReady(Released& released) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    for (auto it = waiting_.begin(); it != waiting_.end();) {
      if (!MayRead(it->worker_id, it->incarnation)) {
        ++it;
        continue;
      }
      released.emplace_back(std::move(it->done), absl::OkStatus());
      it = waiting_.erase(it);
    }
  }

  // Those whose workers wait no longer.
  void LetGo(Time now, Released& released) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    const auto waits = [now](const Reader& r) { return r.until > now; };
    const auto gone = std::stable_partition(waiting_.begin(), waiting_.end(), waits);
    if (gone == waiting_.end()) return;
    const absl::Status late = WithdrawnError(Text());
    for (auto it = gone; it != waiting_.end(); ++it)
      released.emplace_back(std::move(it->done), late);
    waiting_.erase(gone, waiting_.end());
  }

  void LeaveSlowestBehind() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    const uint64_t slowest = Slowest();
    for (auto it = clocks_.begin(); it != clocks_.end();) {
      if (it->second.pushes != slowest) {
        ++it;
        continue;
      }
      overdue_[it->first] = it->second.incarnation;
      it = clocks_.erase(it);
    }
  }

  std::string Text() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    const uint64_t slowest = Slowest();
    SomeNames slow;
    SomeNames held;
    for (const auto& [worker, clock] : clocks_) {
      if (clock.pushes != slowest) continue;
      slow.Add([&, &one = worker] { return context_.workers.DescribeWait(one); });
    }
    for (const Reader& r : waiting_) held.Add([&] { return r.worker_id; });
    return absl::StrFormat("reads of group %s by %s, more than %d steps ahead, wait for %s",
                           NameOf(options_), held.Join(", "), options_.bound, slow.Join("; "));
  }

  const GroupContext context_;
  const GroupOptions& options_;
  mutable Mutex mutex_;
  std::atomic<bool> stopping_{false};
  std::map<std::string, Clock> clocks_ ABSL_GUARDED_BY(mutex_);  // of live workers that push
  // Left behind; the next push of that incarnation is stale.
  std::map<std::string, uint64_t> overdue_ ABSL_GUARDED_BY(mutex_);
  std::vector<Reader> waiting_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

std::unique_ptr<Group> MakeSspGroup(const GroupContext& context) {
  return std::make_unique<SspGroup>(context);
}

}  // namespace varscope::server
