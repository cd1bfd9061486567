#include "server/membership/workers.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "proto/naming/names.h"
#include "proto/wire/retry_info.h"
#include "server/failpoint.h"

namespace varscope::server {
namespace {

double Seconds(Time::duration duration) { return std::chrono::duration<double>(duration).count(); }

// Of a worker that connects from there, and takes so many bytes.
absl::StatusOr<IdleMemory::Hold> TakeShare(const std::string& worker_id, const std::string& peer,
                                           uint64_t bytes) {
  if (peer.empty()) return IdleMemory::Hold();
  // No worker's id has a blank.
  absl::StatusOr<IdleMemory::Hold> share =
      IdleMemory::Process().Count(absl::StrCat("workers at ", peer), bytes);
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
  uint64_t incarnation = 0;
  {
    MutexLock lock(mutex_);
    ForgetMany();
    const auto it = workers_.find(worker_id);
    const bool is_new = it == workers_.end();
    if (workers_.size() >= kMaxWorkers && is_new && !ForgetOne()) {
      return absl::ResourceExhaustedError(absl::StrCat("worker '", worker_id, "': ", kMaxWorkers,
                                                       " workers are connected, no more may be"));
    }
    if (!is_new && nonce != 0 && it->second.record.nonce == nonce) {
      return it->second.record.incarnation;
    }
    const bool has_share = !is_new && it->second.share;
    absl::StatusOr<IdleMemory::Hold> share =
        TakeShare(worker_id, has_share ? "" : peer, OverheadOf(worker_id));
    if (!share.ok()) return share.status();
    absl::StatusOr<MemoryAccount::Hold> held = MemoryAccount::Hold();
    if (is_new) held = Reserve(worker_id);
    if (!held.ok()) return held.status();
    incarnation = last_incarnation_ + 1;
    WorkerRecord record{.worker_id = worker_id,
                        .incarnation = incarnation,
                        .sharing = sharing,
                        .host = Printable(host),
                        .pid = pid,
                        .nonce = nonce};
    if (!is_new) record.quarantine = it->second.record.quarantine;
    Lost lost = LostOf(record);
    Happens happens = Prepare(record);
    Worker& worker = FindOrAdd(worker_id);
    if (is_new) worker.held = *std::move(held);
    Begin(worker, std::move(record), std::move(lost), *std::move(share));
    happens();
  }
  TellLost();
  return incarnation;
}

void Workers::Begin(Worker& worker, WorkerRecord record, Lost lost,
                    IdleMemory::Hold share) noexcept {
  if (worker.share) share = std::move(worker.share);
  if (!worker.lost.empty()) End(worker, WorkerState::kLeft);
  worker.record = std::move(record);
  last_incarnation_ = worker.record.incarnation;
  Settle(worker);
  worker.lost = std::move(lost);
  worker.share = std::move(share);
  worker.heard = env_.Now();
  worker.held_lease = false;
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
  untold_.splice(untold_.end(), worker.lost);
}

void Workers::EndAndRecord(Worker& worker, WorkerState state) {
  WorkerRecord after = worker.record;
  after.state = state;
  Happens happens = Prepare(after);
  End(worker, state);
  happens();
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

Workers::Lost Workers::LostOf(const WorkerRecord& record) {
  Lost lost;
  lost.push_back({.worker_id = record.worker_id, .incarnation = record.incarnation});
  return lost;
}

Workers::Happens Workers::Prepare(const WorkerRecord& after) const {
  Happens happens = observer_ ? observer_(after) : nullptr;
  return happens ? std::move(happens) : [] {};
}

absl::Status Workers::Disconnect(const Caller& caller) {
  if (absl::Status status = Check(caller); !status.ok()) return status;
  {
    MutexLock lock(mutex_);
    Worker* const worker = Find(caller.worker_id, caller.incarnation);
    // It may have ended otherwise meanwhile.
    if (worker == nullptr || !worker->live()) return absl::OkStatus();
    EndAndRecord(*worker, WorkerState::kLeft);
    ForgetMany();
  }
  TellLost();
  return absl::OkStatus();
}

void Workers::FenceAll(absl::FunctionRef<void()> record) noexcept {
  MutexLock lock(mutex_);
  for (auto& [worker_id, worker] : workers_) End(worker, WorkerState::kRolledBack);
  record();
}

// Without the lock: whoever is told may connect again at once.
void Workers::TellLost() noexcept {
  while (true) {
    Lost next;
    {
      MutexLock lock(mutex_);
      if (untold_.empty()) return;
      next.splice(next.end(), untold_, untold_.begin());
    }
    if (lost_ && !FailpointIsOn(Failpoint::kIgnoreDeath)) lost_(next.front());
  }
}

absl::Status Workers::Quarantine(const std::string& worker_id, const std::string& reason) {
  MutexLock lock(mutex_);
  const auto it = workers_.find(worker_id);
  if (it == workers_.end()) {
    return absl::NotFoundError(
        absl::StrCat("no worker '", Printable(worker_id), "' has ever connected"));
  }
  WorkerRecord after = it->second.record;
  after.quarantine = Printable(reason);
  Happens happens = Prepare(after);
  it->second.record = std::move(after);
  happens();
  return absl::OkStatus();
}

void Workers::Start(std::function<void(const WorkerRecord&)> fence,
                    std::function<void(const WorkerRecord&)> lost,
                    std::function<bool(const std::string&)> collect) {
  {
    MutexLock lock(mutex_);
    fence_ = std::move(fence);
    lost_ = std::move(lost);
    collect_ = std::move(collect);
    untold_.clear();  // in recovery, when nobody waited
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
  known.lost = known.live() ? LostOf(record) : Lost();
  known.heard = env_.Now();
  Settle(known);
}

}  // namespace varscope::server
