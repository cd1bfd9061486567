// ssp: stale synchronous parallel. A worker's clock counts its pushes; each applies at once. A
// worker whose clock is more than the bound ahead of the slowest worker's waits before it reads
// again. Ho et al. 2013, "More Effective Distributed ML via a Stale Synchronous Parallel Parameter
// Server".
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <map>
#include <new>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
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
    if (result.ok()) Applied(worker_id, incarnation);
    s.done(std::move(result));
  }

  void AwaitRead(const std::string& worker_id, uint64_t incarnation, Time until,
                 ReadDone done) override {
    {
      Clocks::Readers reader;
      MutexLock lock(mutex_);
      if (!stopping_ && !clocks_.MayRead(worker_id, incarnation)) {
        const Time now = context_.env.Now();
        const Time due = std::min(until, now + options_.deadline);
        reader.push_back({now, until, {}});
        clocks_.Wait(worker_id, reader).done = std::move(done);
        if (due < next_) {
          next_ = due;
          context_.wake();
        }
        return;
      }
    }
    done(stopping_ ? StoppingError() : absl::OkStatus());
  }

  void WorkerLost(const WorkerRecord& worker) noexcept override {
    Released released;
    MutexLock lock(mutex_);
    // Who has come back meanwhile is another incarnation.
    if (clocks_.IncarnationOf(worker.worker_id).value_or(UINT64_MAX) <= worker.incarnation) {
      released.Add(clocks_.Remove(worker.worker_id),
                   Said([&] { return LostError(worker.worker_id); }));
    }
    const auto left = left_behind_.find(worker.worker_id);
    if (left != left_behind_.end() && left->second <= worker.incarnation) {
      left_behind_.erase(left);
    }
    released.Add(clocks_.TakeReady(), absl::OkStatus());
  }

  // Whoever held the others up for the whole deadline is left behind.
  Time Tick() override {
    Released released;
    Time next = kNever;
    {
      MutexLock lock(mutex_);
      // Nobody waits for a worker whose pushes are refused.
      released.Add(clocks_.RemoveIf([this](const std::string& worker_id) {
        return !Said([&] { return context_.workers.CheckMayPush(worker_id); }).ok();
      }),
                   absl::OkStatus());
      released.Add(clocks_.TakeReady(), absl::OkStatus());
      const Time now = context_.env.Now();
      bool expired = false;
      clocks_.ForEachReader([&](const std::string&, const Clocks::Reader& r) {
        expired = expired || r.since + options_.deadline <= now;
      });
      if (expired) {
        spdlog::warn(absl::StrCat(Text(), ": goes on without, after its deadline"));
        LeaveSlowestBehind();
        released.Add(clocks_.TakeReady(), absl::OkStatus());
      }
      LetGo(now, released);
      clocks_.ForEachReader([&](const std::string&, const Clocks::Reader& r) {
        next = std::min({next, r.until, r.since + options_.deadline});
      });
      next_ = next;
    }
    return next;
  }

  void Stop() override {
    Released released;
    {
      MutexLock lock(mutex_);
      stopping_ = true;
      released.Add(clocks_.TakeIf([](const Clocks::Reader&) { return true; }), Said(StoppingError));
    }
  }

  Waits waits() const override {
    Waits waits;
    MutexLock lock(mutex_);
    waits.workers = clocks_.size();
    if (clocks_.somebody_waits()) waits.text = Text();
    return waits;
  }

 private:
  // Reads that wait no longer: the end of this, without the lock, tells them.
  class Released {
   public:
    Released() = default;
    ~Released() {
      for (Clocks::Reader& reader : all_) reader.done.Tell(std::move(reader.answer));
    }
    Released(const Released&) = delete;
    Released& operator=(const Released&) = delete;

    void Add(Clocks::Readers readers, const absl::Status& answer) noexcept {
      for (Clocks::Reader& reader : readers) reader.answer = answer;
      all_.splice(all_.end(), readers);
    }

   private:
    Clocks::Readers all_;
  };

  static absl::Status LostError(const std::string& worker_id) {
    return absl::AbortedError(absl::StrCat("worker '", worker_id, "': its incarnation ended"));
  }

  // Its push was applied. Without memory nobody waits for the worker until its next one.
  void Applied(const std::string& worker_id, uint64_t incarnation) noexcept {
    Released released;
    MutexLock lock(mutex_);
    try {
      // Who is lost, or in quarantine, meanwhile is not waited for.
      if (!context_.workers.IsLive(worker_id, incarnation) ||
          !context_.workers.CheckMayPush(worker_id).ok()) {
        return;
      }
      if (clocks_.IncarnationOf(worker_id).value_or(incarnation) != incarnation) {
        released.Add(clocks_.Remove(worker_id), Said([&] { return LostError(worker_id); }));
      }
      clocks_.Advance(worker_id, incarnation);
    } catch (const std::bad_alloc&) {
      released.Add(clocks_.Remove(worker_id), absl::OkStatus());
    }
    released.Add(clocks_.TakeReady(), absl::OkStatus());
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
    released.Add(clocks_.TakeIf([now](const Clocks::Reader& r) { return r.until <= now; }), error);
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
    return fmt::format("reads of group {} by {}, more than {} steps ahead, wait for {}",
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
