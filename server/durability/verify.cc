#include "server/durability/verify.h"

#include <algorithm>
#include <span>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "proto/wire/crc32c.h"
#include "server/durability/file_names.h"
#include "server/durability/log.h"
#include "server/durability/read_segment.h"
#include "server/durability/session_secret.h"
#include "server/durability/snapshot.h"

namespace varscope::server {
namespace {

// Text after text; each ends where the next one cannot begin.
void Append(std::string& all, const std::string& text) {
  absl::StrAppend(&all, text.size(), ":", text);
}

std::string Line(const CapturedVariable& v) {
  const VariableDefinition& def = *v.definition;
  std::string line;
  for (const std::string& text : {def.name, def.key, def.primary, def.initializer}) {
    Append(line, text);
  }
  absl::StrAppend(&line, static_cast<int>(def.kind), " ", Name(def.dtype), def.shape.ToString(),
                  " ", def.trainable, " ", def.seed, " ", v.version, " ", v.initialized, " ",
                  ChecksumOf(v));
  return line;
}

std::string Line(const CompletionRecords::Entry& entry) {
  std::string line;
  Append(line, entry.id.worker_id);
  absl::StrAppend(&line, entry.id.incarnation, " ", entry.id.sequence, " ",
                  entry.result.global_step, " ", entry.result.group_step, " ",
                  entry.result.staleness);
  return line;
}

std::string Line(const WorkerRecord& worker) {
  std::string line;
  Append(line, worker.worker_id);
  Append(line, worker.quarantine);
  absl::StrAppend(&line, worker.incarnation, " ", static_cast<int>(worker.state));
  return line;
}

std::string Line(const std::string& key, const std::vector<std::string>& names) {
  std::string line;
  Append(line, key);
  for (const std::string& name : names) Append(line, name);
  return line;
}

std::string Line(const CapturedNames& names) {
  std::string line;
  Append(line, names.key);
  for (const auto& name : names.variables) Append(line, *name);
  return line;
}

uint32_t HashOf(const StoreState& state, const std::vector<WorkerRecord>& workers) {
  std::vector<std::string> lines;
  lines.reserve(state.variables.size());
  for (const CapturedVariable& v : state.variables) lines.push_back(Line(v));
  for (const PartitionedNames& p : state.partitioned) lines.push_back(Line(p.key, p.parts));
  for (const auto* bound : {&state.slots, &state.non_slots}) {
    for (const CapturedNames& b : *bound) lines.push_back(Line(b));
  }
  for (const auto& entry : state.completion_records) lines.push_back(Line(entry));
  for (const WorkerRecord& worker : workers) lines.push_back(Line(worker));
  std::sort(lines.begin(), lines.end());
  std::string all = absl::StrCat("step ", state.steps.global, "\n");
  for (const auto& [group, step] : state.steps.groups) {
    Append(all, group);
    absl::StrAppend(&all, step);
  }
  for (const std::string& line : lines) Append(all, line);
  return Crc32c(std::as_bytes(std::span(all)));
}

// Another one than a server's is left alone.
absl::Status LockExisting(Directory& directory) {
  const absl::StatusOr<std::vector<std::string>> names = directory.List();
  if (!names.ok()) return names.status();
  if (std::find(names->begin(), names->end(), kLockName) == names->end()) {
    return absl::NotFoundError(absl::StrCat(
        directory.path().string(), " is no server's --data-dir: it has no file ", kLockName));
  }
  const absl::Status lock = directory.Lock(kLockName, Directory::LockFile::kExisting);
  // What cannot be locked because it cannot be written is no running server's.
  return absl::IsFailedPrecondition(lock) ? lock : absl::OkStatus();
}

bool IsWholeWithoutName(const VerifiedSnapshot& snapshot) {
  return snapshot.whole.ok() &&
         snapshot.info.path.filename() == SnapshotName(snapshot.info.position);
}

// Nobody needs the log up to there. Recorder::Trim removes it after the snapshots before it, which
// said where a segment may end early. 0: there is none.
uint64_t OldestNeeded(std::span<const VerifiedSnapshot> snapshots) {
  const auto oldest = std::find_if(snapshots.rbegin(), snapshots.rend(), IsWholeWithoutName);
  return oldest == snapshots.rend() ? 0 : oldest->info.position;
}

// The first of `segments`.
absl::Status CheckSegment(Directory& directory, std::span<const Segment> segments,
                          std::span<const VerifiedSnapshot> snapshots) {
  const Segment& segment = segments.front();
  const uint64_t end = segments.size() > 1 ? segments[1].first : UINT64_MAX;
  // The next one may begin with a snapshot, as after a time without a log. Only one without a name:
  // an operator may remove the others.
  const bool begins_anew =
      std::any_of(snapshots.begin(), snapshots.end(), [&](const VerifiedSnapshot& snapshot) {
        return snapshot.info.position + 1 == end && IsWholeWithoutName(snapshot);
      });
  const absl::StatusOr<SegmentEnd> read =
      ReadSegment(directory, begins_anew ? segments.first(1) : segments, end,
                  [](const FramedRecord&, uint64_t) { return absl::OkStatus(); });
  if (!read.ok()) return read.status();
  return read->damaged ? absl::DataLossError(DamageOf(segment, *read)) : absl::OkStatus();
}

absl::Status CheckSecret(Directory& directory) {
  const absl::Status status = ReadSessionSecret(directory).status();
  // Who may read all else may look at it.
  return absl::IsPermissionDenied(status) ? absl::OkStatus() : status;
}

absl::Status ReadFiles(Directory& directory, Verified& out) {
  const absl::StatusOr<std::vector<SnapshotInfo>> snapshots = DescribeSnapshots(directory);
  if (!snapshots.ok()) return snapshots.status();
  for (const SnapshotInfo& info : *snapshots) {
    out.snapshots.push_back(
        {info, ReadSnapshot(directory, info.path.filename().string()).status()});
  }
  out.session_secret = CheckSecret(directory);
  const absl::StatusOr<std::vector<Segment>> segments = ListSegments(directory);
  if (!segments.ok()) return segments.status();
  const uint64_t oldest_needed = OldestNeeded(out.snapshots);
  for (size_t i = 0; i < segments->size(); ++i) {
    const Segment& segment = (*segments)[i];
    VerifiedSegment verified{.path = segment.path, .first = segment.first};
    const absl::StatusOr<std::unique_ptr<ReadableFile>> file =
        directory.Open(SegmentName(segment.first));
    if (file.ok()) verified.bytes = (*file)->size();
    verified.left_over = i + 1 < segments->size() && (*segments)[i + 1].first <= oldest_needed + 1;
    if (!verified.left_over) {
      verified.whole = CheckSegment(directory, std::span(*segments).subspan(i), out.snapshots);
    }
    out.segments.push_back(std::move(verified));
  }
  return absl::OkStatus();
}

}  // namespace

uint32_t ChecksumOf(const CapturedVariable& variable) {
  return variable.value.defined() ? Crc32c(variable.value.bytes()) : 0;
}

absl::StatusOr<Verified> Verify(const std::filesystem::path& path, Env& env,
                                const RecoveryOptions& options) {
  const absl::StatusOr<std::unique_ptr<Directory>> directory =
      env.OpenDirectory(path, IfMissing::kError);
  if (!directory.ok()) return directory.status();
  Verified verified{.recovered = Recovered()};
  absl::Status status = LockExisting(**directory);
  if (status.ok()) status = ReadFiles(**directory, verified);
  if (!status.ok()) return status;
  // It was within its limits when it was written.
  Store store(StoreLimits{0, 0}, env);
  Workers workers;
  RecoveryOptions read_only = options;
  read_only.read_only = true;
  verified.recovered = Recover(**directory, store, workers, env, read_only);
  if (!verified.recovered.ok()) return verified;
  verified.state = Capture(store);
  verified.workers = workers.records();
  verified.hash = HashOf(verified.state, verified.workers);
  return verified;
}

}  // namespace varscope::server
