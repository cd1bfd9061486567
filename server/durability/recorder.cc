#include "server/durability/recorder.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <new>

#include "absl/strings/str_cat.h"
#include "proto/wire/retry_info.h"
#include "server/auth/caller.h"
#include "server/durability/chosen_snapshot.h"
#include "server/durability/convert.h"
#include "server/durability/file_names.h"
#include "server/durability/push_record.h"
#include "server/durability/value_check.h"
#include "server/failpoint.h"

namespace varscope::server {
namespace {

uint64_t FileBytes(Directory& directory, const std::string& name) {
  const absl::StatusOr<std::unique_ptr<ReadableFile>> file = directory.Open(name);
  return file.ok() ? (*file)->size() : 0;
}

// Of all variables of a push.
absl::string_view LongestName(const PushContents& push) {
  absl::string_view longest;
  const auto look = [&](const std::string& name) {
    if (name.size() > longest.size()) longest = name;
  };
  for (const PushStep& step : push.steps) {
    for (const PushUpdate& update : step.updates) look(update.variable->def.name);
  }
  for (const PushAssignment& a : push.assignments) look(a.variable->def.name);
  return longest;
}

const absl::Status* const kNoMemoryForSnapshot = new absl::Status(absl::ResourceExhaustedError(
    "the system has no memory for a snapshot (ulimit -v, or the container's limit); one that is in "
    "the list of snapshots all the same is whole"));
const absl::Status* const kNoMemoryForRollback = new absl::Status(
    absl::ResourceExhaustedError("there is no memory for the rollback; nothing was changed"));

}  // namespace

class Recorder::Entry final : public PushEntry {
 public:
  // `held`: what making the record takes.
  Entry(Recorder& recorder, const PushContents& push, std::span<Variable* const> written,
        MemoryAccount::Hold held)
      : recorder_(recorder),
        check_(ChooseCheck(written, recorder.turn_.fetch_add(1, std::memory_order_relaxed))),
        checked_(check_ ? written[check_->variable] : nullptr),
        record_(push, check_),
        prepared_(1) {
    // What is left of it until it is written. The tensors count themselves.
    held = {};
    prepared_.front().held = MemoryAccount::Process().HoldAnyway(record_.bytes().header.size());
  }

  void ReadValues() noexcept override {
    if (checked_ == nullptr) return;
    checked_->mutex.AssertHeld();
    record_.SetChecksum(ChecksumOf(*checked_, *check_));
  }

  void Append(const PushResult& result) noexcept override {
    record_.SetAnswer(result);
    prepared_.front().record = std::move(record_).Take();
    recorder_.log_.AppendPrepared(std::move(prepared_));
    recorder_.LogGrew();
  }

 private:
  Recorder& recorder_;
  const std::optional<ValueCheck> check_;
  const Variable* const checked_;
  PushRecord record_;
  Log::Prepared prepared_;
};

Recorder::Recorder(std::unique_ptr<Directory> directory, RecorderOptions options, Store& store,
                   Workers& workers, uint64_t position, std::optional<uint64_t> snapshot, Env& env)
    : env_(env),
      directory_(std::move(directory)),
      options_(std::move(options)),
      store_(store),
      workers_(workers),
      log_(*directory_,
           {.interval = options_.level == DurabilityLevel::kAsync ? options_.interval
                                                                  : std::chrono::milliseconds(0),
            .retry = options_.retry,
            .failed = [this] { timer_->Wake(); },
            .max_pending_bytes = options_.max_pending_bytes},
           position + 1, env),
      last_snapshot_(position),
      newest_(snapshot),
      snapshot_bytes_(snapshot ? FileBytes(*directory_, SnapshotName(*snapshot)) : 0),
      bytes_at_start_(options_.level == DurabilityLevel::kNone
                          ? 0
                          : BytesAfter(*directory_, snapshot.value_or(0))),
      owes_snapshot_(options_.owes_snapshot && options_.level != DurabilityLevel::kNone) {
  RemoveUnfinishedSnapshots(*directory_);
  store_.catalog.Observe([this](const CreationBatch& batch) { return OnCreated(batch); });
  store_.push_observer = this;
  workers_.Observe([this](const WorkerRecord& worker) { return OnChanged(worker); });
  if (options_.unfinished_rollback) Record(ToRecord(*options_.unfinished_rollback));
  due_ = NextDue();
  seen_ = {store_.changes.count(), StoreBytes()};
  timer_ = env_.StartTimer("snapshots", [this] { return TakeDueSnapshot(); });
}

Recorder::~Recorder() {
  store_.catalog.Observe(nullptr);
  store_.push_observer = nullptr;
  workers_.Observe(nullptr);
  timer_->Stop();
}

void Recorder::WhenDurable(Done done) {
  const bool wait =
      options_.level == DurabilityLevel::kSync && !FailpointIsOn(Failpoint::kAckEarly);
  if (wait) return WhenOnStableStorage(std::move(done));
  done(absl::OkStatus());
}

void Recorder::Record(RecordBytes record) {
  if (options_.level == DurabilityLevel::kNone) return;
  log_.Append(std::move(record));
  LogGrew();
}

Log::Prepared Recorder::PrepareRecord(RecordBytes record) const {
  Log::Prepared prepared;
  if (options_.level == DurabilityLevel::kNone) return prepared;
  prepared.emplace_back().record = std::move(record);
  return prepared;
}

void Recorder::RecordPrepared(Log::Prepared record) noexcept {
  if (record.empty()) return;
  log_.AppendPrepared(std::move(record));
  LogGrew();
}

void Recorder::LogGrew() noexcept {
  // Until then the task has nothing to do.
  if (BytesSinceSnapshot() > wake_at_bytes_) timer_->Wake();
}

uint64_t Recorder::BytesSinceSnapshot() const {
  return bytes_at_start_ + log_.bytes() - bytes_at_snapshot_;
}

absl::Status Recorder::CheckHeader(uint64_t bytes, uint64_t with_others) const {
  const uint64_t most = options_.max_header_bytes / with_others;
  if (options_.level == DurabilityLevel::kNone || bytes <= most) return absl::OkStatus();
  return absl::ResourceExhaustedError(
      absl::StrCat("the names and texts of one change take ", bytes, " bytes in the log, at most ",
                   most, " are possible; nothing was changed. Make it several"));
}

absl::StatusOr<Catalog::Happens> Recorder::OnCreated(const CreationBatch& batch) {
  if (absl::Status status = CheckHeader(MostHeaderBytes(batch)); !status.ok()) return status;
  if (options_.level == DurabilityLevel::kNone) return nullptr;
  const auto prepared = std::make_shared<Log::Prepared>(PrepareRecord(ToRecord(batch)));
  return [this, prepared] { RecordPrepared(std::move(*prepared)); };
}

Workers::Happens Recorder::OnChanged(const WorkerRecord& worker) {
  if (options_.level == DurabilityLevel::kNone) return nullptr;
  return [this, prepared = PrepareRecord(ToRecord(worker))]() mutable {
    RecordPrepared(std::move(prepared));
  };
}

absl::Status Recorder::MayPush(const ValidPush& push, uint64_t with_others) const {
  const PushContents& contents = push.contents();
  absl::Status status = CheckHeader(MostHeaderBytes(contents), with_others);
  if (status.ok()) return status;
  return absl::Status(
      status.code(),
      absl::StrCat(About(LongestName(contents), contents.id.worker_id), status.message()));
}

absl::StatusOr<std::unique_ptr<PushEntry>> Recorder::PreparePush(
    const ValidPush& push, std::span<Variable* const> written) {
  if (options_.level == DurabilityLevel::kNone) return nullptr;
  const PushContents& contents = push.contents();
  // Each name is there for each tensor, and twice while the record is made.
  absl::StatusOr<MemoryAccount::Hold> held =
      MemoryAccount::Process().Reserve(2 * MostHeaderBytes(contents));
  if (!held.ok()) {
    return Prefixed(
        absl::StrCat(About(LongestName(contents), contents.id.worker_id),
                     "for the names of a push in the log, which has one for each tensor, "),
        held.status());
  }
  return std::make_unique<Entry>(*this, contents, written, *std::move(held));
}

uint64_t Recorder::NextPosition() {
  if (options_.level == DurabilityLevel::kNone) return last_snapshot_ + 1;
  rotated_ = log_.Rotate();
  return rotated_.position + (FailpointIsOn(Failpoint::kSnapshotAhead) ? 1 : 0);
}

void Recorder::Keep(const Snapshot& snapshot, const std::string& file) noexcept {
  const bool is_named = !snapshot.name.empty();
  last_snapshot_ = snapshot.position;
  if (!is_named) {
    newest_ = snapshot.position;
    owes_snapshot_ = false;
    if (options_.level != DurabilityLevel::kNone) {
      bytes_at_snapshot_ = bytes_at_start_ + rotated_.bytes;
    }
  }
  try {
    snapshot_bytes_ = FileBytes(*directory_, file);
    if (!is_named) Trim(options_.snapshots_kept);
  } catch (const std::bad_alloc&) {
    // The next one does.
  }
}

void Recorder::Trim(size_t keep) { log_.Trim(TrimSnapshots(*directory_, keep, *newest_)); }

absl::StatusOr<TakenSnapshot> Recorder::TakeSnapshot(const std::string& name) try {
  MutexLock one(snapshot_mutex_);
  absl::Status status = CheckNewName(*directory_, name);
  if (!status.ok()) return directory_->Explain(status);
  const Room room = MakeRoom();
  if (!name.empty() && !room.has_place_for_named()) return NoPlaceFor(name, room);
  Snapshot snapshot{.name = name};
  snapshot.state = Capture(store_, [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(snapshot_mutex_) {
    snapshot.position = NextPosition();
  });
  // Workers that connected after the snapshot's position are in the log as well, which is harmless.
  snapshot.workers = workers_.records();
  const absl::StatusOr<std::string> file = WriteSnapshot(env_, *directory_, snapshot);
  if (file.ok()) Keep(snapshot, *file);
  status = directory_->Explain(file.status());
  if (!status.ok()) return status;
  return TakenSnapshot{name.empty() ? *file : name, directory_->PathOf(*file)};
} catch (const std::bad_alloc&) {
  return *kNoMemoryForSnapshot;
}

absl::StatusOr<std::vector<SnapshotInfo>> Recorder::ListSnapshots() {
  return DescribeSnapshots(*directory_);
}

absl::StatusOr<uint64_t> Recorder::BeginRollback(const std::string& source) {
  if (options_.level == DurabilityLevel::kNone) return last_snapshot_ + 1;
  const uint64_t position = log_.Append(ToRecord(RollbackRecord{.source = source}));
  if (absl::Status status = log_.Flush(); !status.ok()) {
    // It may come onto the disk later.
    Record(ToRecord(RollbackRecord{.source = source, .position = position, .failed = true}));
    return status;
  }
  // What follows is found at once by who looks for it, without all that was before.
  rotated_ = log_.Rotate();
  return position;
}

absl::Status Recorder::WriteRollback(const Snapshot& snapshot) try {
  return WriteSnapshot(env_, *directory_, snapshot).status();
} catch (const std::bad_alloc&) {
  return *kNoMemoryForRollback;
}

// The state of the snapshot is written under a position of its own, so that it is newer than
// whatever was before, and nothing else is as new. Once that file is on stable storage, a restart
// begins with it; until then nothing has changed.
absl::StatusOr<uint64_t> Recorder::Rollback(const std::string& name) {
  MutexLock one(snapshot_mutex_);
  if (absl::Status status = directory_->CheckPath(); !status.ok()) return status;
  absl::StatusOr<ChosenSnapshot> chosen = ChooseSnapshot(*directory_, name);
  if (!chosen.ok()) return chosen.status();
  const uint64_t global_step = chosen->state.steps.global;
  const std::string& source = chosen->source;
  const auto changes = store_.changes.LockOut();
  if (FailpointIsOn(Failpoint::kFenceFirst)) workers_.FenceAll();
  const absl::StatusOr<uint64_t> position = BeginRollback(source);
  if (!position.ok()) return position.status();
  const std::string file = SnapshotName(*position);
  RollbackRecord record{.source = source, .position = *position};
  Log::Prepared done = PrepareRecord(ToRecord(record));
  record.failed = true;
  Log::Prepared failed = PrepareRecord(ToRecord(record));
  Snapshot now{.position = *position,
               .state = std::move(chosen->state),
               .workers = workers_.records(),
               .rolled_back_to = source};
  for (WorkerRecord& worker : now.workers) worker.state = WorkerState::kRolledBack;
  if (absl::Status status = WriteRollback(now); !status.ok()) {
    if (FailpointIsOn(Failpoint::kFailedRollbackStays)) return status;
    // In case that the file is there all the same. Who cannot write this either, cannot undo it.
    RecordPrepared(std::move(failed));
    Said([this] { return log_.Flush(); }).IgnoreError();
    directory_->Remove(file).IgnoreError();
    return status;
  }
  // On the disk it has happened: here it must, too, so nothing of this takes memory. Replay fences
  // off all whose Connect comes before the record.
  chosen->prepared->Install(store_);
  workers_.FenceAll([&] { RecordPrepared(std::move(done)); });

  // Before the first record goes: without both, who connected meanwhile would not be fenced off. An
  // error is the log's, which tries again, and health tells of it.
  Said([this] { return log_.Flush(); }).IgnoreError();
  workers_.TellLost();
  Keep(now, file);
  store_.catalog.ComputeFirstValues();
  spdlog::warn(absl::StrCat("rolled back to snapshot ", name, ", global step ", global_step,
                            "; every worker is fenced off"));
  return global_step;
}

absl::Status Recorder::Health() const { return directory_->Explain(log_.failure()); }

}  // namespace varscope::server
