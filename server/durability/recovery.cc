#include "server/durability/recovery.h"

#include <sys/mman.h>

#include <optional>

#include "absl/strings/str_cat.h"
#include "server/durability/convert.h"
#include "server/durability/files.h"
#include "server/durability/frame.h"
#include "server/durability/log.h"
#include "server/durability/snapshot.h"
#include "server/store/apply.h"
#include "server/store/check.h"

namespace varscope::server {
namespace {

// A file's bytes, read through the page cache.
class Mapping {
 public:
  static absl::StatusOr<Mapping> Open(const std::filesystem::path& path) {
    const absl::StatusOr<File> file = File::OpenToRead(path);
    if (!file.ok()) return file.status();
    const absl::StatusOr<size_t> size = file->Size();
    if (!size.ok()) return size.status();
    if (*size == 0) return Mapping(nullptr, 0);
    void* const at = mmap(nullptr, *size, PROT_READ, MAP_PRIVATE, file->fd(), 0);
    if (at == MAP_FAILED) return FileError(path, "map", errno);
    return Mapping(at, *size);
  }
  ~Mapping() {
    if (at_ != nullptr) munmap(at_, size_);
  }
  Mapping(Mapping&& other) noexcept
      : at_(std::exchange(other.at_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  Mapping& operator=(Mapping&&) = delete;
  std::span<const std::byte> bytes() const { return {static_cast<const std::byte*>(at_), size_}; }

 private:
  Mapping(void* at, size_t size) : at_(at), size_(size) {}
  void* at_;
  size_t size_;
};

class Recovery {
 public:
  Recovery(const std::filesystem::path& directory, Store& store, Workers& workers)
      : directory_(directory), store_(store), workers_(workers) {}

  absl::StatusOr<Recovered> Run() {
    if (absl::Status status = LoadSnapshot(); !status.ok()) return status;
    const absl::StatusOr<std::vector<Segment>> segments = ListSegments(directory_);
    if (!segments.ok()) return segments.status();
    for (size_t i = 0; i < segments->size(); ++i) {
      const bool last = i + 1 == segments->size();
      const uint64_t end = last ? UINT64_MAX : (*segments)[i + 1].first;
      if (end <= recovered_.position + 1) continue;  // all of it is in the snapshot
      absl::Status status = Replay((*segments)[i], end, last);
      if (!status.ok()) return status;
    }
    return std::move(recovered_);
  }

 private:
  absl::Status LoadSnapshot() {
    const absl::StatusOr<std::vector<SnapshotFile>> snapshots = ListSnapshots(directory_);
    if (!snapshots.ok()) return snapshots.status();
    for (const SnapshotFile& file : *snapshots) {
      absl::StatusOr<Snapshot> snapshot = ReadSnapshot(file.path);
      if (!snapshot.ok()) {
        recovered_.warnings.push_back(
            absl::StrCat("skipped a snapshot: ", snapshot.status().message()));
        continue;
      }
      absl::Status status = store_.Restore(std::move(snapshot->state));
      if (!status.ok())
        return absl::DataLossError(absl::StrCat(file.path.string(), ": ", status.message()));
      for (const WorkerRecord& worker : snapshot->workers) workers_.Restore(worker);
      recovered_.position = snapshot->position;
      recovered_.snapshot = file.path;
      return absl::OkStatus();
    }
    return absl::OkStatus();
  }

  // Records of `segment` before position `end`, where the next segment takes over.
  absl::Status Replay(const Segment& segment, uint64_t end, bool last) {
    if (segment.first > recovered_.position + 1) {
      return absl::DataLossError(absl::StrCat("changes ", recovered_.position + 1, " to ",
                                              segment.first - 1,
                                              " are missing: the state ends before them and ",
                                              segment.path.string(), " begins after them"));
    }
    const absl::StatusOr<Mapping> mapping = Mapping::Open(segment.path);
    if (!mapping.ok()) return mapping.status();
    const std::span<const std::byte> log = mapping->bytes();
    size_t offset = 0;
    uint64_t expected = segment.first;
    while (expected < end) {
      const std::optional<FramedRecord> frame = ReadFrame(log, offset);
      if (!frame || frame->position != expected) {
        return last ? EndOf(segment, log, offset, expected) : Damage(segment, offset, expected);
      }
      if (frame->position > recovered_.position) {
        if (absl::Status status = Redo(*frame); !status.ok()) return Explain(segment, status);
      }
      offset = frame->end;
      ++expected;
    }
    return absl::OkStatus();
  }

  // The log stops at `offset`: a torn end, or damage.
  absl::Status EndOf(const Segment& segment, std::span<const std::byte> log, size_t offset,
                     uint64_t expected) {
    if (offset == log.size()) return absl::OkStatus();
    if (FindFrame(log, offset, expected)) return Damage(segment, offset, expected);
    recovered_.warnings.push_back(absl::StrCat(
        segment.path.string(), ": dropped ", log.size() - offset, " bytes of a torn end at offset ",
        offset, " (change ", expected, ", which no worker was told is durable)"));
    return absl::OkStatus();
  }

  static absl::Status Damage(const Segment& segment, size_t offset, uint64_t expected) {
    return absl::DataLossError(absl::StrCat(
        segment.path.string(), " is damaged at offset ", offset, ": change ", expected,
        " cannot be read, though it was durable and later ones exist. Nothing was changed. Restore "
        "the file from a copy, or move the log files from this one on away to go back to the state "
        "before them."));
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
    } else if (const auto* batch = std::get_if<CreationBatch>(&*change)) {
      status = store_.Recreate(*batch);
    } else {
      status = RedoPush(std::get<PushedRecord>(*std::move(change)));
    }
    if (!status.ok()) {
      return absl::DataLossError(
          absl::StrCat("change ", frame.position, " cannot be made again: ", status.message()));
    }
    recovered_.position = frame.position;
    ++recovered_.replayed;
    return absl::OkStatus();
  }

  // The ledger may refuse now what it let in then: a push that was under way while its worker
  // connected again, or while later ones overtook it by more than the window. It was applied all
  // the same, and the ledger forgot it at once.
  absl::Status RedoPush(PushedRecord record) {
    Push& push = record.push;
    std::vector<Ledger::Admission> admissions;
    std::vector<PushId> ids = push.others;
    ids.insert(ids.begin(), push.id);
    for (const PushId& id : ids) {
      absl::StatusOr<Ledger::Admission> admission = store_.ledger().Begin(id);
      if (admission.ok() && !admission->earlier()) admissions.push_back(*std::move(admission));
    }
    if (absl::Status status = Check(store_, push); !status.ok()) return status;
    const absl::StatusOr<Applied> applied = ApplyChecked(store_, push, std::move(admissions));
    if (!applied.ok()) return applied.status();
    if (*applied == record.applied) return absl::OkStatus();
    return absl::DataLossError(absl::StrCat("it led to global step ", applied->global_step,
                                            ", at its first time to ", record.applied.global_step,
                                            ", or its variables to other versions"));
  }

  const std::filesystem::path& directory_;
  Store& store_;
  Workers& workers_;
  Recovered recovered_;
};

}  // namespace

absl::StatusOr<Recovered> Recover(const std::filesystem::path& directory, Store& store,
                                  Workers& workers) {
  return Recovery(directory, store, workers).Run();
}

}  // namespace varscope::server
