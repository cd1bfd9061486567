#include "server/membership/workers.h"

#include <fmt/format.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "proto/naming/names.h"
#include "proto/wire/push_window.h"
#include "proto/wire/retry_info.h"
#include "server/failpoint.h"
#include "server/limited_log.h"

namespace varscope::server {
namespace {

// The timer for evictions looks so often.
Time::duration BetweenLooks(std::chrono::milliseconds lease) { return Time::duration(lease) / 4; }

double Seconds(Time::duration duration) { return std::chrono::duration<double>(duration).count(); }

// What the server keeps of a worker, here, among the completion records, and in its groups, in
// bytes. Not less than that.
uint64_t OverheadOf(const std::string& worker_id) {
  constexpr uint64_t kRecord = 2048;
  constexpr uint64_t kAnswer = 128;
  return kRecord + 2 * kPushWindow * kAnswer + 8 * worker_id.size();
}

// Of a worker that connects from there.
absl::StatusOr<IdleMemory::Hold> TakeShare(const std::string& worker_id, const std::string& peer) {
  if (peer.empty()) return IdleMemory::Hold();
  // No worker's id has a blank.
  absl::StatusOr<IdleMemory::Hold> share =
      IdleMemory::Process().Count(absl::StrCat("workers at ", peer), OverheadOf(worker_id));
  if (share.ok()) return share;
  return Prefixed(
      absl::StrCat("worker '", worker_id, "': for the workers at ", peer, " together, "),
      share.status());
}

absl::Status Unknown(const std::string& worker_id) {
  return WithReconnect(
      absl::UnauthenticatedError(absl::StrCat(
          "worker '", worker_id,
          "' is not connected: it never was, it was gone for so long that it is forgotten, or the "
          "server lost its state in a restart (--data-dir keeps it)")),
      Reconnect::kThenReport);
}

}  // namespace

absl::StatusOr<uint64_t> Workers::Connect(const std::string& worker_id, const std::string& host,
                                          int64_t pid, Sharing sharing, uint64_t nonce,
                                          const std::string& peer) {
  if (absl::Status status = ValidateWorkerId(worker_id); !status.ok()) return status;
  std::vector<WorkerRecord> lost;
  uint64_t incarnation = 0;
  {
    MutexLock lock(mutex_);
    ForgetMany();
    const auto it = workers_.find(worker_id);
    if (workers_.size() >= kMaxWorkers && it == workers_.end() && !ForgetOne()) {
      return absl::ResourceExhaustedError(absl::StrCat("worker '", worker_id, "': ", kMaxWorkers,
                                                       " workers are connected, no more may be"));
    }
    if (it != workers_.end() && nonce != 0 && it->second.record.nonce == nonce) {
      return it->second.record.incarnation;
    }
    const bool has_share = it != workers_.end() && it->second.share;
    absl::StatusOr<IdleMemory::Hold> share =
        has_share ? std::move(it->second.share) : TakeShare(worker_id, peer);
    if (!share.ok()) return share.status();
    if (it == workers_.end()) {
      absl::StatusOr<MemoryAccount::Hold> held = Reserve(worker_id);
      if (!held.ok()) return held.status();
      FindOrAdd(worker_id).held = *std::move(held);
    } else if (it->second.live()) {
      lost.push_back(it->second.record);
      End(it->second, WorkerState::kLeft);
    }
    Worker& worker = FindOrAdd(worker_id);
    incarnation = ++last_incarnation_;
    worker.record = {.worker_id = worker_id,
                     .incarnation = incarnation,
                     .sharing = sharing,
                     .host = Printable(host),
                     .pid = pid,
                     .nonce = nonce,
                     .quarantine = std::move(worker.record.quarantine)};
    Settle(worker);
    worker.share = *std::move(share);
    worker.heard = env_.Now();
    worker.held_lease = false;
    Notify(worker);
  }
  NotifyLost(lost);
  return incarnation;
}

void Workers::BeginLife(int64_t wall_micros) {
  // In 2020. 30 bits of seconds reach beyond 2050, and all of it stays below 2^62.
  constexpr int64_t kSeconds = 1'600'000'000;
  constexpr int64_t kMost = (int64_t{1} << 30) - 16;
  constexpr int kCountBits = 32;
  const int64_t seconds = std::clamp<int64_t>(wall_micros / 1'000'000 - kSeconds, 0, kMost);
  MutexLock lock(mutex_);
  // After the last life, whatever the clock says.
  const uint64_t next = (last_incarnation_ >> kCountBits) + 1;
  const uint64_t count = last_incarnation_ & ((uint64_t{1} << kCountBits) - 1);
  last_incarnation_ = std::max(next, static_cast<uint64_t>(seconds)) << kCountBits | count;
}

Workers::Worker* Workers::Find(const std::string& worker_id, uint64_t incarnation) {
  const auto it = workers_.find(worker_id);
  return it == workers_.end() || it->second.record.incarnation != incarnation ? nullptr
                                                                              : &it->second;
}

void Workers::HoldLease(const std::string& worker_id, uint64_t incarnation) {
  MutexLock lock(mutex_);
  if (Worker* const worker = Find(worker_id, incarnation)) worker->held_lease = true;
}

void Workers::StartLease(const std::string& worker_id, uint64_t incarnation) {
  MutexLock lock(mutex_);
  if (Worker* const worker = Find(worker_id, incarnation)) {
    worker->held_lease = false;
    worker->heard = env_.Now();
  }
}

absl::Status Workers::Fenced(const Worker& worker, uint64_t incarnation) const {
  const std::string& id = worker.record.worker_id;
  if (worker.record.incarnation != incarnation) {
    return absl::AbortedError(absl::StrCat("worker '", id, "' connected again (incarnation ",
                                           worker.record.incarnation, "); incarnation ",
                                           incarnation, " is fenced off"));
  }
  if (worker.record.state == WorkerState::kLeft) {
    return absl::AbortedError(absl::StrCat("worker '", id, "' has disconnected"));
  }
  if (worker.record.state == WorkerState::kRolledBack) {
    return WithReconnect(absl::AbortedError(absl::StrCat(
                             "worker '", id,
                             "': the store was rolled back to a snapshot; what this "
                             "run computed was not applied, the next starts from there")),
                         Reconnect::kThenReport);
  }
  return WithReconnect(
      absl::AbortedError(fmt::format("worker '{}' was evicted: it was silent for longer than "
                                     "its lease of {:.1f} s; incarnation {} is fenced off",
                                     id, Seconds(lease_), incarnation)),
      Reconnect::kThenResend);
}

absl::Status Workers::Check(const Caller& caller) {
  if (!caller.is_worker()) {
    return absl::UnauthenticatedError("the call has no session key; Connect gives one");
  }
  MutexLock lock(mutex_);
  const auto it = workers_.find(caller.worker_id);
  if (it == workers_.end()) return Unknown(caller.worker_id);
  Worker& worker = it->second;
  const bool over = worker.record.incarnation != caller.incarnation || !worker.live();
  if (over && !FailpointIsOn(Failpoint::kIgnoreFence)) return Fenced(worker, caller.incarnation);
  worker.heard = env_.Now();
  return absl::OkStatus();
}

bool Workers::IsOfLostState(const Caller& caller) {
  MutexLock lock(mutex_);
  const Worker* const worker = Find(caller.worker_id, caller.incarnation);
  return worker != nullptr && worker->record.nonce != caller.nonce;
}

absl::Status Workers::CheckMayPush(const std::string& worker_id, uint64_t incarnation) const {
  MutexLock lock(mutex_);
  const auto it = workers_.find(worker_id);
  if (it == workers_.end() && incarnation != 0 && incarnation <= last_forgotten_) {
    return Unknown(worker_id);
  }
  if (it == workers_.end() || it->second.record.quarantine.empty()) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("worker '", worker_id, "' is in quarantine, its pushes are refused: ",
                   it->second.record.quarantine, " (varscopectl release ", worker_id, " ends it)"));
}

bool Workers::IsLive(const std::string& worker_id, uint64_t incarnation) const {
  MutexLock lock(mutex_);
  const auto it = workers_.find(worker_id);
  return it != workers_.end() && it->second.record.incarnation == incarnation && it->second.live();
}

Workers::Worker& Workers::FindOrAdd(const std::string& worker_id) {
  const auto known = workers_.find(worker_id);
  if (known != workers_.end()) return known->second;
  Gone place{{0, nullptr}};
  if (fence_) fence_({.worker_id = worker_id});
  const auto it = workers_.try_emplace(worker_id).first;
  it->second.place = place.extract(place.begin());
  it->second.place.mapped() = &it->first;
  return it->second;
}

void Workers::End(Worker& worker, WorkerState state) noexcept {
  if (fence_ && !FailpointIsOn(Failpoint::kIgnoreFence)) fence_(worker.record);
  worker.record.state = state;
  Settle(worker);
}

void Workers::Settle(Worker& worker) noexcept {
  const bool gone = !worker.live();
  if (gone == (worker.end != 0)) return;
  const std::string& worker_id = worker.record.worker_id;
  if (gone) {
    worker.share = {};
    worker.end = ++last_end_;
    worker.place.key() = worker.end;
    gone_.insert(std::move(worker.place));
    gone_bytes_ += OverheadOf(worker_id);
  } else {
    worker.place = gone_.extract(std::exchange(worker.end, 0));
    gone_bytes_ -= OverheadOf(worker_id);
  }
}

void Workers::Notify(const Worker& worker) const {
  if (observer_) observer_(worker.record);
}

bool Workers::ForgetOne() { return ForgetOne(false) || ForgetOne(true); }

bool Workers::ForgetOne(bool in_quarantine) {
  for (auto it = gone_.begin(); it != gone_.end(); ++it) {
    const auto worker = workers_.find(*it->second);
    if (worker->second.record.quarantine.empty() == in_quarantine || worker->second.untold != 0) {
      continue;
    }
    if (collect_ && !collect_(worker->first)) continue;
    // The log has it, so that a restart forgets the same.
    worker->second.record.state = WorkerState::kForgotten;
    last_forgotten_ = std::max(last_forgotten_, worker->second.record.incarnation);
    Notify(worker->second);
    gone_bytes_ -= OverheadOf(worker->first);
    gone_.erase(it);
    workers_.erase(worker);
    return true;
  }
  return false;
}

void Workers::ForgetMany() {
  while (gone_bytes_ > MemoryAccount::Process().limit() / kGoneShare && ForgetOne()) {
  }
}

absl::StatusOr<MemoryAccount::Hold> Workers::Reserve(const std::string& worker_id) {
  MemoryAccount& memory = MemoryAccount::Process();
  absl::StatusOr<MemoryAccount::Hold> held = memory.Reserve(OverheadOf(worker_id));
  while (!held.ok() && ForgetOne()) held = memory.Reserve(OverheadOf(worker_id));
  if (held.ok()) return held;
  return Prefixed(absl::StrCat("worker '", worker_id, "': "), held.status());
}

void Workers::NotifyLost(const std::vector<WorkerRecord>& lost) const {
  if (!lost_ || FailpointIsOn(Failpoint::kIgnoreDeath)) return;
  for (const WorkerRecord& record : lost) lost_(record);
}

absl::Status Workers::Disconnect(const Caller& caller) {
  if (absl::Status status = Check(caller); !status.ok()) return status;
  std::vector<WorkerRecord> lost;
  {
    MutexLock lock(mutex_);
    Worker* const worker = Find(caller.worker_id, caller.incarnation);
    // It may have ended otherwise meanwhile.
    if (worker == nullptr || !worker->live()) return absl::OkStatus();
    lost.push_back(worker->record);
    End(*worker, WorkerState::kLeft);
    Notify(*worker);
    ForgetMany();
  }
  NotifyLost(lost);
  return absl::OkStatus();
}

void Workers::FenceAll(absl::FunctionRef<void()> record) noexcept {
  MutexLock lock(mutex_);
  for (auto& [worker_id, worker] : workers_) {
    if (worker.live()) worker.untold = worker.record.incarnation;
    End(worker, WorkerState::kRolledBack);
  }
  record();
}

void Workers::TellLost() {
  std::vector<WorkerRecord> lost;
  {
    MutexLock lock(mutex_);
    for (const auto& [worker_id, worker] : workers_) {
      if (worker.untold == 0) continue;
      lost.emplace_back(worker.record).incarnation = worker.untold;  // it may be back already
    }
    if (lost.empty()) return;
    for (auto& [worker_id, worker] : workers_) worker.untold = 0;
  }
  NotifyLost(lost);
}

absl::Status Workers::Quarantine(const std::string& worker_id, const std::string& reason) {
  MutexLock lock(mutex_);
  const auto it = workers_.find(worker_id);
  if (it == workers_.end()) {
    return absl::NotFoundError(
        absl::StrCat("no worker '", Printable(worker_id), "' has ever connected"));
  }
  it->second.record.quarantine = Printable(reason);
  Notify(it->second);
  return absl::OkStatus();
}

void Workers::ForgivePause(Time now) {
  if (next_look_ == kNever || now - next_look_ < BetweenLooks(lease_)) return;
  const Time::duration pause = now - next_look_;
  for (auto& [worker_id, worker] : workers_) worker.heard = std::min(now, worker.heard + pause);
}

Time Workers::EvictSilent() {
  if (lease_.count() == 0) return kNever;
  std::vector<std::string> said;
  const Time now = env_.Now();
  // Often enough to tell a pause of this process from a worker's silence.
  Time next = now + BetweenLooks(lease_);
  {
    MutexLock lock(mutex_);
    ForgivePause(now);
    for (auto& [worker_id, worker] : workers_) {
      if (!worker.live() || worker.held_lease) continue;
      if (worker.heard + lease_ > now) {
        next = std::min(next, worker.heard + lease_);
        continue;
      }
      said.push_back(fmt::format("worker '{}' evicted: silent for its whole lease of {:.1f} s",
                                 worker.record.worker_id, Seconds(lease_)));
      worker.untold = worker.record.incarnation;
      End(worker, WorkerState::kEvicted);
      Notify(worker);
    }
    ForgetMany();
    next_look_ = next;
  }
  static auto* const log = new LimitedLog;
  for (const std::string& text : said) log->Warn(text);
  TellLost();
  return next;
}

void Workers::Start(std::function<void(const WorkerRecord&)> fence,
                    std::function<void(const WorkerRecord&)> lost,
                    std::function<bool(const std::string&)> collect) {
  {
    MutexLock lock(mutex_);
    fence_ = std::move(fence);
    lost_ = std::move(lost);
    collect_ = std::move(collect);
    for (auto& [worker_id, worker] : workers_) {
      worker.heard = env_.Now();
      const bool is_over = !worker.live() && !FailpointIsOn(Failpoint::kIgnoreFence);
      fence_(is_over ? worker.record : WorkerRecord{.worker_id = worker_id});
    }
  }
  timer_ = env_.StartTimer("leases", [this] { return EvictSilent(); });
}

void Workers::Restore(const WorkerRecord& record) {
  MutexLock lock(mutex_);
  last_incarnation_ = std::max(last_incarnation_, record.incarnation);
  if (record.state == WorkerState::kForgotten) return RestoreForgotten(record);
  Worker& known = FindOrAdd(record.worker_id);
  if (!known.held) {
    known.held = MemoryAccount::Process().HoldAnyway(OverheadOf(record.worker_id));
  }
  if (record.incarnation < known.record.incarnation) return;
  known.record = record;
  known.heard = env_.Now();
  Settle(known);
}

void Workers::RestoreForgotten(const WorkerRecord& record) {
  Worker* const known = Find(record.worker_id, record.incarnation);
  if (known == nullptr) return;
  known->record.state = WorkerState::kForgotten;
  Settle(*known);
  gone_.erase(known->end);
  gone_bytes_ -= OverheadOf(record.worker_id);
  workers_.erase(record.worker_id);
}

}  // namespace varscope::server
