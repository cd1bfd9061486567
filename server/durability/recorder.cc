#include "server/durability/recorder.h"

#include <spdlog/spdlog.h>

#include "server/durability/convert.h"
#include "server/planted.h"

namespace varscope::server {

Recorder::Recorder(File lock, RecorderOptions options, Store& store, Workers& workers,
                   uint64_t position)
    : lock_(std::move(lock)),
      options_(std::move(options)),
      store_(store),
      workers_(workers),
      log_({.directory = options_.directory,
            .interval = options_.level == DurabilityLevel::kAsync ? options_.interval
                                                                  : std::chrono::milliseconds(0)},
           position + 1),
      last_snapshot_(position) {
  RemoveUnfinishedSnapshots(options_.directory);
  store_.Observe(this);
  workers_.Observe([this](const WorkerRecord& worker) { Record(ToRecord(worker)); });
  if (options_.snapshot_interval.count() > 0) timer_ = std::thread([this] { RunTimer(); });
}

Recorder::~Recorder() {
  {
    std::lock_guard lock(timer_mutex_);
    stopping_ = true;
  }
  stop_.notify_all();
  if (timer_.joinable()) timer_.join();
  store_.Observe(nullptr);
  workers_.Observe(nullptr);
}

void Recorder::AfterAllSoFar(Done done) {
  const bool wait = options_.level == DurabilityLevel::kSync && !Planted(Plant::kAckEarly);
  if (wait) return OnceOnMedium(std::move(done));
  done(absl::OkStatus());
}

void Recorder::Record(RecordBytes record) {
  if (options_.level != DurabilityLevel::kNone) log_.Append(std::move(record));
}

void Recorder::OnCreated(const CreationBatch& batch) { Record(ToRecord(batch)); }

void Recorder::OnPushed(const Push& push, const Applied& applied) {
  Record(ToRecord(push, applied));
}

uint64_t Recorder::NextPosition() {
  if (options_.level == DurabilityLevel::kNone) return last_snapshot_ + 1;
  return log_.Rotate() + (Planted(Plant::kSnapshotAhead) ? 1 : 0);
}

absl::StatusOr<TakenSnapshot> Recorder::Keep(const Snapshot& snapshot) {
  const absl::StatusOr<std::filesystem::path> path = WriteSnapshot(options_.directory, snapshot);
  if (!path.ok()) return path.status();
  last_snapshot_ = snapshot.position;
  log_.Trim(TrimSnapshots(options_.directory, options_.snapshots_kept));
  return TakenSnapshot{snapshot.name.empty() ? path->filename().string() : snapshot.name, *path};
}

absl::StatusOr<TakenSnapshot> Recorder::TakeSnapshot(const std::string& name) {
  std::lock_guard one(snapshot_mutex_);
  if (absl::Status status = CheckNewName(options_.directory, name); !status.ok()) return status;
  Snapshot snapshot{.name = name};
  snapshot.state = store_.Capture([&] { snapshot.position = NextPosition(); });
  // Workers that connected after the cut are in the log as well, which is harmless.
  snapshot.workers = workers_.records();
  return Keep(snapshot);
}

absl::StatusOr<std::vector<SnapshotInfo>> Recorder::ListSnapshots() {
  return DescribeSnapshots(options_.directory);
}

absl::StatusOr<uint64_t> Recorder::Rollback(const std::string& name) {
  std::lock_guard one(snapshot_mutex_);
  absl::StatusOr<Snapshot> chosen = FindSnapshot(options_.directory, name);
  if (!chosen.ok()) return chosen.status();
  {
    Store trial(store_.limits());
    if (absl::Status status = trial.Restore(chosen->state); !status.ok()) return status;
  }
  const uint64_t global_step = chosen->state.global_step;
  const auto changes = store_.LockOutChanges();
  workers_.FenceAll();
  // Once this is on the medium, a restart starts from it, too.
  const Snapshot now{
      .position = NextPosition(), .state = chosen->state, .workers = workers_.records()};
  if (const auto kept = Keep(now); !kept.ok()) return kept.status();
  absl::Status status = store_.Replace(std::move(chosen->state));
  // Whoever connected meanwhile may have read what is no more.
  workers_.FenceAll();
  if (!status.ok()) return status;
  spdlog::warn("rolled back to snapshot {}, global step {}; every worker is fenced off", name,
               global_step);
  return global_step;
}

void Recorder::RunTimer() {
  std::unique_lock lock(timer_mutex_);
  while (!stop_.wait_for(lock, options_.snapshot_interval, [this] { return stopping_; })) {
    lock.unlock();
    const absl::StatusOr<TakenSnapshot> taken = TakeSnapshot("");
    if (!taken.ok()) spdlog::error("no snapshot: {}", std::string(taken.status().message()));
    lock.lock();
  }
}

}  // namespace varscope::server
