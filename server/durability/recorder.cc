#include "server/durability/recorder.h"

#include <spdlog/spdlog.h>

#include "server/durability/convert.h"
#include "server/durability/snapshot.h"

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
  if (options_.level == DurabilityLevel::kSync) return OnceOnMedium(std::move(done));
  done(absl::OkStatus());
}

void Recorder::Record(RecordBytes record) {
  if (options_.level != DurabilityLevel::kNone) log_.Append(std::move(record));
}

void Recorder::OnCreated(const CreationBatch& batch) { Record(ToRecord(batch)); }

void Recorder::OnPushed(const Push& push, const Applied& applied) {
  Record(ToRecord(push, applied));
}

absl::StatusOr<std::filesystem::path> Recorder::TakeSnapshot() {
  std::lock_guard one(snapshot_mutex_);
  Snapshot snapshot;
  // Without a log, positions count snapshots.
  snapshot.state = store_.Capture([&] {
    snapshot.position =
        options_.level == DurabilityLevel::kNone ? last_snapshot_ + 1 : log_.Rotate();
  });
  // Workers that connected after the cut are in the log as well, which is harmless.
  snapshot.workers = workers_.records();
  absl::StatusOr<std::filesystem::path> path = WriteSnapshot(options_.directory, snapshot);
  if (!path.ok()) return path;
  last_snapshot_ = snapshot.position;
  log_.Trim(TrimSnapshots(options_.directory, options_.snapshots_kept));
  return path;
}

void Recorder::RunTimer() {
  std::unique_lock lock(timer_mutex_);
  while (!stop_.wait_for(lock, options_.snapshot_interval, [this] { return stopping_; })) {
    lock.unlock();
    const absl::StatusOr<std::filesystem::path> path = TakeSnapshot();
    if (!path.ok()) spdlog::error("no snapshot: {}", std::string(path.status().message()));
    lock.lock();
  }
}

}  // namespace varscope::server
