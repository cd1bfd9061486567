#include "server/durability/recovery.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <span>

#include "absl/strings/str_cat.h"
#include "server/durability/convert.h"
#include "server/durability/file_names.h"
#include "server/durability/frame.h"
#include "server/durability/log.h"
#include "server/durability/log_file.h"
#include "server/durability/push_record.h"
#include "server/durability/read_segment.h"
#include "server/durability/record_bytes.h"
#include "server/durability/snapshot.h"
#include "server/durability/value_check.h"
#include "server/failpoint.h"
#include "server/push/commit.h"
#include "server/store/state.h"

namespace varscope::server {
namespace {

class Recovery {
 public:
  Recovery(Env& env, Directory& directory, Store& store, Workers& workers,
           const RecoveryOptions& options)
      : env_(env),
        directory_(directory),
        store_(store),
        workers_(workers),
        options_(options),
        report_at_(env.Now() + kReportEach) {}

  absl::StatusOr<Recovered> Run() {
    if (absl::Status status = CheckFiles(); !status.ok()) return status;
    if (absl::Status status = LoadSnapshot(); !status.ok()) return status;
    const absl::StatusOr<std::vector<Segment>> segments = ListSegments(directory_);
    if (!segments.ok()) return segments.status();
    for (size_t i = 0; i < segments->size(); ++i) {
      segment_ = absl::StrCat("log segment ", i + 1, " of ", segments->size());
      const uint64_t end = i + 1 < segments->size() ? (*segments)[i + 1].first : UINT64_MAX;
      if (end <= recovered_.position + 1) continue;  // all of it is in the snapshot
      const absl::StatusOr<bool> whole = Replay(std::span(*segments).subspan(i), end);
      if (!whole.ok()) return whole.status();
      if (!*whole) break;
    }
    if (recovered_.unfinished_rollback) workers_.FenceAll();
    // The log may have been behind it (--durability async).
    if (damaged_ && recovered_.position < damaged_->position && !segments->empty()) {
      return absl::DataLossError(absl::StrCat(
          directory_.PathOf(damaged_->name).string(), " is damaged, and the log ends at change ",
          recovered_.position,
          ", before that snapshot: what it had is lost. Nothing was changed. Restore the file from "
          "a copy, or move it away to go back to the state before it."));
    }
    return std::move(recovered_);
  }

 private:
  // Before anything is taken for damage, or for all that there is: whatever has one of the server's
  // names may be what was acknowledged last.
  absl::Status CheckFiles() const {
    const absl::StatusOr<std::vector<Segment>> segments = ListSegments(directory_);
    if (!segments.ok()) return segments.status();
    const absl::StatusOr<std::vector<SnapshotFile>> snapshots = ListSnapshots(directory_);
    if (!snapshots.ok()) return snapshots.status();
    std::vector<std::string> names;
    for (const Segment& segment : *segments) names.push_back(SegmentName(segment.first));
    for (const SnapshotFile& snapshot : *snapshots) names.push_back(snapshot.name);
    for (const std::string& name : names) {
      const absl::StatusOr<std::unique_ptr<ReadableFile>> file = directory_.Open(name);
      if (!file.ok()) return Unreadable(file.status());
      absl::Status status = CheckFormat(**file);
      // Another error is for whoever needs the file.
      if (absl::IsFailedPrecondition(status)) return status;
    }
    return absl::OkStatus();
  }

  static absl::Status Unreadable(const absl::Status& why) {
    return {why.code(),
            absl::StrCat(why.message(),
                         ". By its name it is a part of the state, and nobody knows what it has: "
                         "nothing was changed. Make it readable, or move it away if it is not the "
                         "server's")};
  }

  absl::Status LoadSnapshot() {
    const absl::StatusOr<std::vector<SnapshotFile>> snapshots = ListSnapshots(directory_);
    if (!snapshots.ok()) return snapshots.status();
    for (const SnapshotFile& file : *snapshots) {
      const absl::StatusOr<bool> undone = IsUndone(file.position);
      if (!undone.ok()) return undone.status();
      if (*undone) {
        if (!options_.read_only) directory_.Remove(file.name).IgnoreError();
        continue;
      }
      absl::StatusOr<Snapshot> snapshot = ReadSnapshot(directory_, file.name);
      // One that cannot be read now may be whole: only a damaged one is none.
      if (!snapshot.ok() && !absl::IsDataLoss(snapshot.status())) return snapshot.status();
      if (!snapshot.ok()) {
        if (!damaged_) damaged_ = file;
        recovered_.warnings.push_back(
            absl::StrCat("skipped a snapshot: ", snapshot.status().message()));
        continue;
      }
      absl::Status status = Restore(store_, std::move(snapshot->state));
      if (!status.ok())
        return absl::DataLossError(
            absl::StrCat(directory_.PathOf(file.name).string(), ": ", status.message()));
      for (const WorkerRecord& worker : snapshot->workers) workers_.Restore(worker);
      began_at_ = recovered_.position = snapshot->position;
      if (snapshot->name.empty()) recovered_.snapshot_position = snapshot->position;
      if (!snapshot->rolled_back_to.empty()) {
        recovered_.unfinished_rollback = {.source = snapshot->rolled_back_to,
                                          .position = snapshot->position};
      }
      recovered_.snapshot = file.name;
      return absl::OkStatus();
    }
    return absl::OkStatus();
  }

  // Records of the first of `segments` before position `end`, where the next one takes over. False
  // when they stop before that, and all that follows is of no consequence.
  absl::StatusOr<bool> Replay(std::span<const Segment> segments, uint64_t end) {
    const Segment& segment = segments.front();
    if (segment.first > recovered_.position + 1) {
      return absl::DataLossError(absl::StrCat("changes ", recovered_.position + 1, " to ",
                                              segment.first - 1,
                                              " are missing: the state ends before them and ",
                                              segment.path.string(), " begins after them"));
    }
    const absl::StatusOr<SegmentEnd> read = ReadSegment(
        directory_, segments, end, [&](const FramedRecord& frame, uint64_t size) -> absl::Status {
          if (absl::Status status = Report(frame.end, size); !status.ok()) return status;
          if (frame.position <= recovered_.position) return absl::OkStatus();
          absl::Status status = Redo(frame);
          return status.ok() ? status : Explain(segment, status);
        });
    if (!read.ok()) return read.status();
    if (read->damaged) return Damage(segment, *read);
    if (read->next < end && read->left > 0) {
      recovered_.warnings.push_back(absl::StrCat(
          segment.path.string(), ": dropped ", read->left, " bytes of a torn end at offset ",
          read->offset, " (change ", read->next, ", which was not acknowledged to any worker)"));
    }
    return read->next == end;
  }

  // Of the segment of which `offset` bytes have been read, at least one record. Cancelled when it
  // is to stop.
  absl::Status Report(uint64_t offset, uint64_t size) {
    if (options_.stop && options_.stop()) {
      return absl::CancelledError(
          absl::StrCat("stopped after change ", recovered_.position, "; nothing was changed"));
    }
    if (!options_.progress || env_.Now() < report_at_) return absl::OkStatus();
    report_at_ = env_.Now() + kReportEach;
    options_.progress(absl::StrCat("change ", recovered_.position, ", ", 100 * offset / size,
                                   " % of ", segment_));
    return absl::OkStatus();
  }

  static absl::Status Damage(const Segment& segment, const SegmentEnd& end) {
    return absl::DataLossError(absl::StrCat(
        DamageOf(segment, end),
        ". Nothing was changed. Restore the file from a copy, or move the log files from this one "
        "on away to go back to the state before them."));
  }

  static absl::Status Explain(const Segment& segment, const absl::Status& status) {
    return absl::DataLossError(absl::StrCat(segment.path.string(), ": ", status.message()));
  }

  absl::Status Redo(const FramedRecord& frame) {
    absl::StatusOr<Change> change = FromRecord(frame.header, frame.body);
    if (!change.ok()) return change.status();
    absl::Status status;
    if (const auto* worker = std::get_if<WorkerRecord>(&*change)) {
      workers_.Restore(*worker);
      if (worker->state == WorkerState::kForgotten) {
        store_.completion_records.Collect(worker->worker_id);
      }
    } else if (const auto* batch = std::get_if<CreationBatch>(&*change)) {
      status = store_.catalog.Recreate(*batch);
      if (FailpointIsOn(Failpoint::kReplayJudges)) status.Update(CheckLimit());
    } else if (const auto* rollback = std::get_if<RollbackRecord>(&*change)) {
      status = RedoRollback(*rollback, frame.position);
    } else {
      status = RedoPush(std::get<LoggedPush>(*change));
    }
    if (!status.ok()) {
      return absl::DataLossError(
          absl::StrCat("change ", frame.position, " cannot be made again: ", status.message()));
    }
    recovered_.position = frame.position;
    ++recovered_.replayed;
    return absl::OkStatus();
  }

  // A failpoint's.
  absl::Status CheckLimit() const {
    uint64_t bytes = 0;
    store_.catalog.Read([&](const NameTable& names) { bytes = names.bytes(); });
    const uint64_t most = store_.catalog.limits().max_total_bytes;
    return bytes <= most ? absl::OkStatus() : absl::ResourceExhaustedError("it does not fit");
  }

  // As it was decided then: nothing is checked that a limit, an option or a newer rule could
  // refuse.
  absl::Status RedoPush(const LoggedPush& logged) {
    absl::StatusOr<ValidPush> push = FromRecord(store_.catalog, logged);
    if (!push.ok()) return push.status();
    const std::vector<Variable*> written = WriteSet(push->contents());
    // Whoever pushed had their values. Those that no push needs are computed while the server
    // serves.
    for (Variable* const variable : written) {
      absl::Status there = store_.catalog.FinishFirstValue(*variable);
      if (!there.ok()) return there;
    }
    CompletionRecords::InFlightPush in_flight_push(store_.completion_records, push->contents().id);
    for (const PushId& id : push->contents().others) {
      in_flight_push.Merge({store_.completion_records, id});
    }
    // No group takes such a push now. Where one once did, its staleness is no number of updates.
    const bool from_the_future = !StalenessOf(*push);
    const absl::StatusOr<PushResult> result =
        Apply(store_, *std::move(push), std::move(in_flight_push));
    if (!result.ok()) return result.status();
    PushResult before = PushResultOf(logged.pushed.answer());
    if (from_the_future) before.staleness = result->staleness;
    if (*result != before) {
      return Mismatch(logged, absl::StrCat("it led to global step ", result->global_step,
                                           ", at its first time to ", before.global_step,
                                           ", or to another step of its group, or staleness"));
    }
    return CheckValues(logged, written);
  }

  absl::Status CheckValues(const LoggedPush& logged, std::span<Variable* const> written) {
    const durability::Check& logged_check = logged.pushed.answer().check();
    if (!logged_check.has_checksum()) return absl::OkStatus();
    if (logged_check.variable() >= written.size()) return DamagedRecord("a variable's number");
    Variable& variable = *written[logged_check.variable()];
    const ValueCheck check{.variable = logged_check.variable(),
                           .bytes = logged_check.bytes(),
                           .offset = logged_check.offset()};
    const MutexLock lock(variable.mutex);
    if (ChecksumOf(variable, check) == logged_check.checksum()) return absl::OkStatus();
    return Mismatch(logged, absl::StrCat("variable ", variable.def.name, " has other bytes at ",
                                         check.offset, " than at its first time"));
  }

  absl::Status Mismatch(const LoggedPush& logged, const std::string& what) {
    constexpr uint64_t kMostWarnings = 10;
    const PushId id = PushIdOf(logged.pushed.id());
    const std::string text =
        absl::StrCat("push ", id.sequence, " of worker ", id.worker_id, ": ", what);
    if (!options_.accept_mismatches) {
      return absl::DataLossError(absl::StrCat(
          text,
          ". Whoever wrote the directory computed something else than this machine does, or "
          "memory was damaged. --accept-mismatches starts with what this machine computes"));
    }
    if (++recovered_.mismatches <= kMostWarnings) recovered_.warnings.push_back(text);
    return absl::OkStatus();
  }

  // Whether the snapshot at `position` is of a rollback that failed: the log says so before
  // anything else changes.
  absl::StatusOr<bool> IsUndone(uint64_t position) {
    const absl::StatusOr<std::vector<Segment>> segments = ListSegments(directory_);
    if (!segments.ok()) return segments.status();
    const auto after =
        std::find_if(segments->begin(), segments->end(),
                     [&](const Segment& segment) { return segment.first > position + 1; });
    if (after == segments->begin()) return false;
    absl::StatusOr<LogFile> log = LogFile::Open(directory_, SegmentName(std::prev(after)->first));
    if (!log.ok()) return log.status();
    for (uint64_t offset = 0;;) {
      const absl::StatusOr<std::optional<FramedRecord>> frame = log->Read(offset);
      if (!frame.ok()) return frame.status();
      if (!*frame) return false;
      offset = (*frame)->end;
      if ((*frame)->position <= position) continue;
      const absl::StatusOr<Change> change = FromRecord((*frame)->header, (*frame)->body);
      if (!change.ok()) return change.status();
      const auto* const rollback = std::get_if<RollbackRecord>(&*change);
      if (rollback != nullptr && rollback->position == position) return rollback->failed;
      if (!std::holds_alternative<WorkerRecord>(*change)) return false;
    }
  }

  // Of two records for each rollback (records.proto). The snapshot that it wrote is the one that
  // this began with, unless it is damaged, or newer ones are.
  absl::Status RedoRollback(const RollbackRecord& record, uint64_t position) {
    if (record.failed) return absl::OkStatus();
    const bool begins = record.position == 0;
    const uint64_t own = begins ? position : record.position;
    if (own > began_at_) {
      const absl::StatusOr<bool> undone = IsUndone(own);
      if (!undone.ok() || *undone) return undone.status();
      // Without its file it failed, too.
      if (begins) {
        absl::Status own_file = directory_.Open(SnapshotName(own)).status();
        if (absl::IsNotFound(own_file)) return absl::OkStatus();
        if (!own_file.ok()) return own_file;
      }
      absl::StatusOr<Snapshot> source = ReadSnapshot(directory_, record.source);
      if (!source.ok()) {
        return absl::DataLossError(
            absl::StrCat("the store was rolled back to a snapshot; neither that nor ",
                         directory_.PathOf(SnapshotName(own)).string(),
                         " can be read: ", source.status().message()));
      }
      absl::Status status = Restore(store_, std::move(source->state));
      if (!status.ok()) return status;
      began_at_ = own;
    }
    // At its second record, or at another rollback.
    recovered_.unfinished_rollback.reset();
    workers_.FenceAll();
    return absl::OkStatus();
  }

  static constexpr std::chrono::seconds kReportEach{5};

  Env& env_;
  Directory& directory_;
  Store& store_;
  Workers& workers_;
  const RecoveryOptions& options_;
  Time report_at_;
  std::string segment_;  // that is replayed
  Recovered recovered_;
  std::optional<SnapshotFile> damaged_;  // the newest snapshot that was skipped
  uint64_t began_at_ = 0;  // the position of the snapshot, or rollback, that the state comes from
};

}  // namespace

absl::StatusOr<Recovered> Recover(Directory& directory, Store& store, Workers& workers, Env& env,
                                  const RecoveryOptions& options) {
  return Recovery(env, directory, store, workers, options).Run();
}

}  // namespace varscope::server
