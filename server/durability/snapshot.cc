#include "server/durability/snapshot.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "proto/naming/names.h"
#include "proto/tensor/allocate.h"
#include "proto/tensor/shape_rules.h"
#include "proto/wire/crc32c.h"
#include "server/durability/convert.h"
#include "server/durability/file_names.h"
#include "server/durability/frame.h"
#include "server/failpoint.h"

namespace varscope::server {
namespace {

constexpr char kTemporary[] = ".tmp";

bool IsNamed(const std::filesystem::path& path) {
  return path.filename().string().size() > kSnapshotPrefix.size() + kPositionDigits;
}

// Writes a head piece by piece, so that it may be of any size.
class HeadWriter {
 public:
  HeadWriter(WritableFile& file, uint64_t position, size_t piece_bytes)
      : file_(file), position_(position), piece_bytes_(piece_bytes) {}

  absl::Status Write(const Snapshot& snapshot, int64_t time_unix_micros) {
    piece_.set_position(position_);
    piece_.set_name(snapshot.name);
    piece_.set_rolled_back_to(snapshot.rolled_back_to);
    piece_.set_time_unix_micros(time_unix_micros);
    const StoreState& state = snapshot.state;
    piece_.set_global_step(state.steps.global);
    piece_.mutable_group_steps()->insert(state.steps.groups.begin(), state.steps.groups.end());
    for (const CapturedVariable& v : state.variables) {
      piece_.add_checksums(v.first_value == nullptr ? Crc32c(v.value.bytes()) : 0);
      Add(v, piece_.add_variables());
    }
    for (const PartitionedNames& names : state.partitioned) Add(names, piece_.add_partitioned());
    for (const StateNames& names : state.slots) Add(names, piece_.add_slots());
    for (const StateNames& names : state.non_slots) Add(names, piece_.add_non_slots());
    for (const WorkerRecord& worker : snapshot.workers) Add(worker, piece_.add_workers());
    for (const CompletionRecords::Entry& entry : state.completion_records)
      Add(entry, piece_.add_completion_records());
    Flush(/*more=*/false);
    return status_;
  }

 private:
  template <typename Part, typename Message>
  void Add(const Part& part, Message* out) {
    ToProto(part, out);
    bytes_ += out->ByteSizeLong();
    if (bytes_ >= piece_bytes_) Flush(/*more=*/true);
  }

  void Flush(bool more) {
    RecordBytes piece;
    piece_.set_more(more);
    if (status_.ok() && !piece_.SerializeToString(&piece.header)) {
      status_ = absl::ResourceExhaustedError(
          absl::StrCat(file_.path().string(), ": a part of the state takes ", piece_.ByteSizeLong(),
                       " bytes in the head, too many to be written"));
    }
    if (status_.ok()) status_ = file_.Write(EncodePrefix(piece, position_, position_));
    if (status_.ok()) status_ = file_.Write(std::as_bytes(std::span(piece.header)));
    piece_.Clear();
    bytes_ = 0;
  }

  WritableFile& file_;
  const uint64_t position_;
  const size_t piece_bytes_;
  durability::SnapshotHead piece_;
  uint64_t bytes_ = 0;  // of what was added to it
  absl::Status status_;
};

absl::Status WriteAll(Env& env, WritableFile& file, const Snapshot& snapshot,
                      size_t head_piece_bytes) {
  absl::Status status =
      HeadWriter(file, snapshot.position, head_piece_bytes).Write(snapshot, env.WallMicros());
  for (const CapturedVariable& v : snapshot.state.variables) {
    // One that is not there is computed again by whoever reads the file.
    if (status.ok() && v.value.byte_size() > 0) status = file.Write(v.value.bytes());
  }
  return status.ok() ? file.Sync() : status;
}

absl::Status Damaged(const std::filesystem::path& path, absl::string_view what) {
  return absl::DataLossError(absl::StrCat(path.string(), " is damaged: ", what));
}

// Merges the next piece.
absl::Status ReadPiece(ReadableFile& file, durability::SnapshotHead& head) {
  std::array<std::byte, kPrefixBytes> bytes{};
  if (file.left() < kPrefixBytes) return Damaged(file.path(), "it is too short");
  if (absl::Status status = file.Read(bytes); !status.ok()) return status;
  if (absl::Status status = CheckFormat(file.path(), bytes); !status.ok()) return status;
  const std::optional<Prefix> prefix = DecodePrefix(bytes);
  if (!prefix || prefix->header_bytes > file.left())
    return Damaged(file.path(), "its prefix is wrong");
  std::string header(prefix->header_bytes, '\0');
  absl::Status status = file.Read(std::as_writable_bytes(std::span(header)));
  if (!status.ok()) return status;
  head.clear_more();
  if (Crc32c(std::as_bytes(std::span(header))) == prefix->checksum &&
      head.MergeFromString(header) && head.position() == prefix->position) {
    return absl::OkStatus();
  }
  return Damaged(file.path(), "its header is wrong");
}

// Of those that an operator gives.
bool IsSnapshotName(absl::string_view name) {
  return !name.empty() && name.size() <= 100 && !absl::StartsWith(name, kSnapshotPrefix) &&
         std::all_of(name.begin(), name.end(),
                     [](char c) { return absl::ascii_isalnum(c) || c == '_' || c == '-'; });
}

// Whether a file's name is one that a snapshot gets, with `ending` after it: others are somebody
// else's.
std::optional<uint64_t> PositionOf(absl::string_view name, absl::string_view ending = "") {
  const std::optional<uint64_t> position = NumberAfter(kSnapshotPrefix, name);
  if (!position || !absl::ConsumeSuffix(&name, ending)) return std::nullopt;
  name.remove_prefix(kSnapshotPrefix.size() + kPositionDigits);
  if (name.empty()) return position;
  return absl::ConsumePrefix(&name, "-") && IsSnapshotName(name) ? position : std::nullopt;
}

// What a file's name says decides which others are older, and may go: it has to be true. Somebody
// may have copied or renamed it.
absl::Status CheckFileName(const std::filesystem::path& path, uint64_t position) {
  const std::string name = path.filename().string();
  std::optional<uint64_t> said = PositionOf(name);
  if (!said) said = PositionOf(name, kTemporary);
  if (!said || *said == position) return absl::OkStatus();
  return Damaged(
      path, absl::StrCat("it is the snapshot of change ", position, ", and its name says ", *said,
                         "; it was renamed or copied by somebody"));
}

absl::StatusOr<durability::SnapshotHead> ReadHead(ReadableFile& file) {
  durability::SnapshotHead head;
  do {
    if (absl::Status status = ReadPiece(file, head); !status.ok()) return status;
  } while (head.more());
  if (head.checksums_size() != head.variables_size()) {
    return Damaged(file.path(), "checksums are missing");
  }
  if (absl::Status status = CheckFileName(file.path(), head.position()); !status.ok())
    return status;
  return head;
}

// The bytes that the values take; nothing when that is not what the file has.
absl::Status CheckSize(const ReadableFile& file, const StoreState& state) {
  uint64_t total = 0;
  for (const CapturedVariable& v : state.variables) {
    if (v.first_value != nullptr) continue;
    const absl::StatusOr<uint64_t> bytes = ByteSize(v.definition.dtype, v.definition.shape);
    if (!bytes.ok() || __builtin_add_overflow(total, *bytes, &total)) {
      return Damaged(file.path(), "a shape is wrong");
    }
  }
  if (total == file.left()) return absl::OkStatus();
  return Damaged(file.path(),
                 absl::StrCat("its values take ", total, " bytes, the file has ", file.left()));
}

// A file that is being read: its head was.
struct Opened {
  std::unique_ptr<ReadableFile> file;
  durability::SnapshotHead head;
};

absl::StatusOr<Opened> Open(Files& files, const std::filesystem::path& path) {
  absl::StatusOr<std::unique_ptr<ReadableFile>> file = files.Open(path);
  if (!file.ok()) return file.status();
  absl::StatusOr<durability::SnapshotHead> head = ReadHead(**file);
  if (!head.ok()) return head.status();
  return Opened{*std::move(file), *std::move(head)};
}

// The state without its values, which fit into the rest of the file.
absl::StatusOr<StoreState> ReadState(const Opened& opened) {
  absl::StatusOr<StoreState> state = server::FromProto(opened.head);
  if (!state.ok()) return Damaged(opened.file->path(), state.status().message());
  absl::Status status = CheckSize(*opened.file, *state);
  if (!status.ok()) return status;
  return state;
}

// Whatever is deleted on the strength of this file: it can be read.
absl::Status ReadBack(Files& files, const std::filesystem::path& path, const StoreState& written) {
  const absl::StatusOr<Opened> opened = Open(files, path);
  if (!opened.ok()) return opened.status();
  const absl::StatusOr<StoreState> state = ReadState(*opened);
  if (!state.ok()) return state.status();
  const bool whole = state->variables.size() == written.variables.size() &&
                     state->completion_records.size() == written.completion_records.size() &&
                     state->slots.size() == written.slots.size();
  return whole ? absl::OkStatus() : Damaged(path, "a part of its header is missing");
}

// As it was given: what follows the position in the file's name, or all of that.
std::string NameOf(const std::filesystem::path& path) {
  const std::string name = path.filename().string();
  return IsNamed(path) ? name.substr(kSnapshotPrefix.size() + kPositionDigits + 1) : name;
}

SnapshotInfo Describe(Files& files, const std::filesystem::path& path) {
  SnapshotInfo info{.name = NameOf(path), .path = path};
  const absl::StatusOr<Opened> opened = Open(files, path);
  const absl::StatusOr<durability::SnapshotHead> head =
      opened.ok() ? opened->head : absl::StatusOr<durability::SnapshotHead>(opened.status());
  if (!head.ok()) {
    info.damage = std::string(head.status().message());
    return info;
  }
  info.position = head->position();
  info.time_unix_micros = head->time_unix_micros();
  info.global_step = head->global_step();
  info.bytes = opened->file->size();
  info.variables = head->variables_size();
  return info;
}

}  // namespace

absl::StatusOr<std::filesystem::path> WriteSnapshot(Env& env,
                                                    const std::filesystem::path& directory,
                                                    const Snapshot& snapshot,
                                                    size_t head_piece_bytes) {
  std::filesystem::path path = SnapshotPath(directory, snapshot.position);
  if (!snapshot.name.empty()) path += "-" + snapshot.name;
  const std::filesystem::path temporary = path.string() + kTemporary;
  Files& files = env.files();
  absl::Status status = files.Open(path).status();
  const bool replaces = status.ok();
  if (!replaces && !absl::IsNotFound(status)) return status;
  {
    absl::StatusOr<std::unique_ptr<WritableFile>> file = files.Create(temporary);
    status = file.ok() ? WriteAll(env, **file, snapshot, head_piece_bytes) : file.status();
  }
  if (status.ok()) status = ReadBack(files, temporary, snapshot.state);
  if (status.ok()) status = files.Rename(temporary, path);
  if (!status.ok()) {
    files.Remove(temporary).IgnoreError();
    return status;
  }
  status = files.SyncDirectory(directory);
  if (status.ok()) return path;
  // It might be gone after a power failure. What it replaced, of the same position, had its state.
  const bool stays = replaces || FailpointIsOn(Failpoint::kFailedRollbackStays);
  if (!stays) files.Remove(path).IgnoreError();
  files.SyncDirectory(directory).IgnoreError();
  return status;
}

absl::StatusOr<Snapshot> ReadSnapshot(Files& files, const std::filesystem::path& path) {
  absl::StatusOr<Opened> opened = Open(files, path);
  if (!opened.ok()) return opened.status();
  absl::StatusOr<StoreState> state = ReadState(*opened);
  if (!state.ok()) return state.status();
  const durability::SnapshotHead& head = opened->head;
  for (int i = 0; i < head.variables_size(); ++i) {
    CapturedVariable& v = state->variables[i];
    if (v.first_value != nullptr) continue;
    absl::StatusOr<Tensor> value = AllocateAnyway(v.definition.dtype, v.definition.shape);
    if (!value.ok()) return value.status();
    absl::Status status = opened->file->Read({value->mutable_raw(), value->byte_size()});
    if (!status.ok()) return status;
    if (Crc32c(value->bytes()) != head.checksums(i)) {
      return Damaged(path, absl::StrCat("the value of ", v.definition.name, " is wrong"));
    }
    v.value = *std::move(value);
  }
  Snapshot snapshot{head.name(), head.position(), *std::move(state), {}, head.rolled_back_to()};
  for (const durability::WorkerRecord& worker : head.workers()) {
    snapshot.workers.push_back(FromProto(worker));
  }
  return snapshot;
}

absl::StatusOr<std::vector<SnapshotFile>> ListSnapshots(Files& files,
                                                        const std::filesystem::path& directory) {
  const absl::StatusOr<std::vector<std::string>> names = files.List(directory);
  if (!names.ok()) return names.status();
  std::vector<SnapshotFile> snapshots;
  for (const std::string& name : *names) {
    const std::optional<uint64_t> position = PositionOf(name);
    if (!position) continue;
    snapshots.push_back({*position, directory / name});
  }
  std::sort(snapshots.begin(), snapshots.end(), [](const SnapshotFile& a, const SnapshotFile& b) {
    if (a.position != b.position) return a.position > b.position;
    return a.path.filename() < b.path.filename();
  });
  return snapshots;
}

absl::StatusOr<std::vector<SnapshotInfo>> DescribeSnapshots(
    Files& files, const std::filesystem::path& directory) {
  const absl::StatusOr<std::vector<SnapshotFile>> snapshots = ListSnapshots(files, directory);
  if (!snapshots.ok()) return snapshots.status();
  std::vector<SnapshotInfo> infos;
  for (const SnapshotFile& snapshot : *snapshots) {
    SnapshotInfo info = Describe(files, snapshot.path);
    // One that was removed meanwhile is none.
    const bool gone = !info.damage.empty() && absl::IsNotFound(files.Open(snapshot.path).status());
    if (!gone) infos.push_back(std::move(info));
  }
  return infos;
}

absl::Status CheckNewName(Files& files, const std::filesystem::path& directory,
                          const std::string& name) {
  if (name.empty()) return absl::OkStatus();
  if (!IsSnapshotName(name)) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", Printable(name),
                     "' is no name for a snapshot: up to 100 letters, digits, '_', '-', "
                     "not beginning with '",
                     kSnapshotPrefix, "'"));
  }
  const absl::StatusOr<std::vector<SnapshotInfo>> infos = DescribeSnapshots(files, directory);
  if (!infos.ok()) return infos.status();
  for (const SnapshotInfo& info : *infos) {
    if (info.name != name) continue;
    return absl::AlreadyExistsError(
        absl::StrCat("there is a snapshot '", name, "', ", info.path.string()));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::filesystem::path> FindSnapshot(Files& files,
                                                   const std::filesystem::path& directory,
                                                   const std::string& name) {
  const absl::StatusOr<std::vector<SnapshotInfo>> infos = DescribeSnapshots(files, directory);
  if (!infos.ok()) return infos.status();
  std::vector<std::string> known;
  for (const SnapshotInfo& info : *infos) {
    if (info.name == name && info.damage.empty()) return info.path;
    if (info.name == name) return absl::DataLossError(info.damage);
    known.push_back(info.name);
  }
  return absl::NotFoundError(absl::StrCat("no snapshot '", Printable(name), "'; there are: ",
                                          known.empty() ? "none" : absl::StrJoin(known, ", ")));
}

uint64_t TrimSnapshots(Files& files, const std::filesystem::path& directory, size_t keep,
                       uint64_t newest) {
  const absl::StatusOr<std::vector<SnapshotFile>> snapshots = ListSnapshots(files, directory);
  if (!snapshots.ok()) return 0;
  uint64_t oldest = 0;
  size_t kept = 0;
  for (const SnapshotFile& file : *snapshots) {
    if (IsNamed(file.path) || file.position > newest || !Open(files, file.path).ok()) continue;
    if (kept < keep) {
      ++kept;
      oldest = file.position;
    } else {
      files.Remove(file.path).IgnoreError();
    }
  }
  return oldest;
}

void RemoveUnfinishedSnapshots(Files& files, const std::filesystem::path& directory) {
  const absl::StatusOr<std::vector<std::string>> names = files.List(directory);
  if (!names.ok()) return;
  for (const std::string& name : *names) {
    // Another thing than a file is somebody else's.
    if (!PositionOf(name, kTemporary) || !files.Open(directory / name).ok()) continue;
    files.Remove(directory / name).IgnoreError();
  }
}

}  // namespace varscope::server
