#include "server/durability/snapshot.h"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "proto/naming/names.h"
#include "proto/tensor/allocate.h"
#include "proto/tensor/shape_rules.h"
#include "proto/wire/crc32c.h"
#include "server/durability/convert.h"
#include "server/durability/file_names.h"
#include "server/durability/snapshot_head.h"
#include "server/failpoint.h"

namespace varscope::server {
namespace {

constexpr char kTemporary[] = ".tmp";

const absl::Status* const kNoMemoryToWrite = new absl::Status(absl::ResourceExhaustedError(
    "the system has no memory to write a snapshot (ulimit -v, or the container's limit)"));

bool IsNamed(const std::string& file_name) {
  return file_name.size() > kSnapshotPrefix.size() + kPositionDigits;
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
  return DamagedSnapshot(
      path, absl::StrCat("it is the snapshot of change ", position, ", and its name says ", *said,
                         "; it was renamed or copied by somebody"));
}

// A file that is being read: its head was.
struct Opened {
  std::unique_ptr<ReadableFile> file;
  Head head;
};

absl::StatusOr<Opened> Open(
    Directory& directory, const std::string& name,
    TakeFields take = [](const durability::SnapshotHead&) { return absl::OkStatus(); }) {
  absl::StatusOr<std::unique_ptr<ReadableFile>> file = directory.Open(name);
  if (!file.ok()) return file.status();
  absl::StatusOr<Head> head = ReadHead(**file, take);
  if (!head.ok()) return head.status();
  absl::Status status = CheckFileName((*file)->path(), head->fields.position());
  if (!status.ok()) return status;
  return Opened{*std::move(file), *std::move(head)};
}

// Adds what the values take.
absl::Status AddBytes(const std::filesystem::path& path,
                      const std::vector<CapturedVariable>& variables, uint64_t& total) {
  for (const CapturedVariable& v : variables) {
    if (v.first_value != nullptr) continue;
    const absl::StatusOr<uint64_t> bytes = ByteSize(v.definition->dtype, v.definition->shape);
    if (!bytes.ok() || __builtin_add_overflow(total, *bytes, &total)) {
      return DamagedSnapshot(path, "a shape is wrong");
    }
  }
  return absl::OkStatus();
}

// Also looks at what the head says, which `take` is given part by part, as the fields and as the
// state that they are, without values: these fit into the rest of the file.
absl::StatusOr<Opened> OpenState(
    Directory& directory, const std::string& name,
    absl::FunctionRef<void(const durability::SnapshotHead& some, StoreState state)> take) {
  const std::filesystem::path path = directory.PathOf(name);
  uint64_t total = 0;
  absl::StatusOr<Opened> opened =
      Open(directory, name, [&](const durability::SnapshotHead& some) -> absl::Status {
        absl::StatusOr<StoreState> state = server::FromProto(some);
        if (!state.ok()) return DamagedSnapshot(path, state.status().message());
        absl::Status status = AddBytes(path, state->variables, total);
        if (status.ok()) take(some, *std::move(state));
        return status;
      });
  if (!opened.ok() || total == opened->file->left()) return opened;
  return DamagedSnapshot(
      path, absl::StrCat("its values take ", total, " bytes, the file has ", opened->file->left()));
}

// Whatever is deleted on the strength of this file: it can be read.
absl::Status ReadBack(Directory& directory, const std::string& name,
                      const PieceChecksums& written) {
  const absl::StatusOr<Opened> opened =
      OpenState(directory, name, [](const durability::SnapshotHead&, const StoreState&) {});
  if (!opened.ok()) return opened.status();
  return opened->head.pieces == written
             ? absl::OkStatus()
             : DamagedSnapshot(directory.PathOf(name), "its header is not what was written");
}

absl::StatusOr<PieceChecksums> WriteAll(Env& env, Directory& directory, const std::string& name,
                                        const Snapshot& snapshot, size_t head_piece_bytes) {
  absl::StatusOr<std::unique_ptr<WritableFile>> file = directory.Create(name);
  if (!file.ok()) return file.status();
  absl::StatusOr<PieceChecksums> head =
      WriteHead(**file, snapshot, env.WallMicros(), head_piece_bytes);
  absl::Status status = head.status();
  for (const CapturedVariable& v : snapshot.state.variables) {
    // One that is not there is computed again by whoever reads the file.
    if (status.ok() && v.value.byte_size() > 0) status = (*file)->Write(v.value.bytes());
  }
  if (status.ok()) status = (*file)->Sync();
  if (!status.ok()) return status;
  return head;
}

absl::Status WriteAndReadBack(Env& env, Directory& directory, const std::string& name,
                              const Snapshot& snapshot, size_t head_piece_bytes) try {
  const absl::StatusOr<PieceChecksums> head =
      WriteAll(env, directory, name, snapshot, head_piece_bytes);
  return head.ok() ? ReadBack(directory, name, *head) : head.status();
} catch (const std::bad_alloc&) {
  return *kNoMemoryToWrite;
}

// As it was given: what follows the position in the file's name, or all of that.
std::string NameOf(const std::string& file_name) {
  return IsNamed(file_name) ? file_name.substr(kSnapshotPrefix.size() + kPositionDigits + 1)
                            : file_name;
}

SnapshotInfo Describe(Directory& directory, const std::string& file_name) {
  SnapshotInfo info{.name = NameOf(file_name), .path = directory.PathOf(file_name)};
  const absl::StatusOr<Opened> opened = Open(directory, file_name);
  if (!opened.ok()) {
    info.damage = std::string(opened.status().message());
    return info;
  }
  const durability::SnapshotHead& fields = opened->head.fields;
  info.position = fields.position();
  info.time_unix_micros = fields.time_unix_micros();
  info.global_step = fields.global_step();
  info.bytes = opened->file->size();
  info.variables = opened->head.variables;
  return info;
}

}  // namespace

absl::StatusOr<std::string> WriteSnapshot(Env& env, Directory& directory, const Snapshot& snapshot,
                                          size_t head_piece_bytes) {
  std::string name = SnapshotName(snapshot.position);
  if (!snapshot.name.empty()) absl::StrAppend(&name, "-", snapshot.name);
  const std::string temporary = name + kTemporary;
  absl::Status status = directory.Open(name).status();
  const bool replaces = status.ok();
  if (!replaces && !absl::IsNotFound(status)) return status;
  status = WriteAndReadBack(env, directory, temporary, snapshot, head_piece_bytes);
  if (status.ok()) status = directory.Rename(temporary, name);
  if (!status.ok()) {
    directory.Remove(temporary).IgnoreError();
    return status;
  }
  status = directory.Sync();
  if (status.ok()) return name;
  // It might be gone after a power failure. What it replaced, of the same position, had its state.
  const bool stays = replaces || FailpointIsOn(Failpoint::kFailedRollbackStays);
  if (!stays) directory.Remove(name).IgnoreError();
  directory.Sync().IgnoreError();
  return status;
}

absl::StatusOr<Snapshot> ReadSnapshot(Directory& directory, const std::string& name) {
  Snapshot snapshot;
  std::vector<uint32_t> checksums;  // of the values
  const absl::StatusOr<Opened> opened =
      OpenState(directory, name, [&](const durability::SnapshotHead& some, StoreState state) {
        checksums.insert(checksums.end(), some.checksums().begin(), some.checksums().end());
        for (const durability::WorkerRecord& worker : some.workers()) {
          snapshot.workers.push_back(FromProto(worker));
        }
        Append(std::move(state), snapshot.state);
      });
  if (!opened.ok()) return opened.status();
  for (size_t i = 0; i < checksums.size(); ++i) {
    CapturedVariable& v = snapshot.state.variables[i];
    if (v.first_value != nullptr) continue;
    absl::StatusOr<Tensor> value = AllocateAnyway(v.definition->dtype, v.definition->shape);
    if (!value.ok()) return value.status();
    absl::Status status = opened->file->Read({value->mutable_raw(), value->byte_size()});
    if (!status.ok()) return status;
    if (Crc32c(value->bytes()) != checksums[i]) {
      return DamagedSnapshot(opened->file->path(),
                             absl::StrCat("the value of ", v.definition->name, " is wrong"));
    }
    v.value = *std::move(value);
  }
  const durability::SnapshotHead& fields = opened->head.fields;
  snapshot.name = fields.name();
  snapshot.position = fields.position();
  snapshot.rolled_back_to = fields.rolled_back_to();
  snapshot.state.steps.global = fields.global_step();
  for (const durability::GroupStep& group : fields.group_steps()) {
    snapshot.state.steps.groups[group.prefix()] = group.step();
  }
  return snapshot;
}

absl::StatusOr<std::vector<SnapshotFile>> ListSnapshots(Directory& directory) {
  const absl::StatusOr<std::vector<std::string>> names = directory.List();
  if (!names.ok()) return names.status();
  std::vector<SnapshotFile> snapshots;
  for (const std::string& name : *names) {
    const std::optional<uint64_t> position = PositionOf(name);
    if (!position) continue;
    snapshots.push_back({*position, name});
  }
  std::sort(snapshots.begin(), snapshots.end(), [](const SnapshotFile& a, const SnapshotFile& b) {
    if (a.position != b.position) return a.position > b.position;
    return a.name < b.name;
  });
  return snapshots;
}

absl::StatusOr<std::vector<SnapshotInfo>> DescribeSnapshots(Directory& directory) {
  const absl::StatusOr<std::vector<SnapshotFile>> snapshots = ListSnapshots(directory);
  if (!snapshots.ok()) return snapshots.status();
  std::vector<SnapshotInfo> infos;
  for (const SnapshotFile& snapshot : *snapshots) {
    SnapshotInfo info = Describe(directory, snapshot.name);
    // One that was removed meanwhile is none.
    const bool gone =
        !info.damage.empty() && absl::IsNotFound(directory.Open(snapshot.name).status());
    if (!gone) infos.push_back(std::move(info));
  }
  return infos;
}

absl::Status CheckNewName(Directory& directory, const std::string& name) {
  if (name.empty()) return absl::OkStatus();
  if (!IsSnapshotName(name)) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", Printable(name),
                     "' is no name for a snapshot: up to 100 letters, digits, '_', '-', "
                     "not beginning with '",
                     kSnapshotPrefix, "'"));
  }
  const absl::StatusOr<std::vector<SnapshotInfo>> infos = DescribeSnapshots(directory);
  if (!infos.ok()) return infos.status();
  for (const SnapshotInfo& info : *infos) {
    if (info.name != name) continue;
    return absl::AlreadyExistsError(
        absl::StrCat("there is a snapshot '", name, "', ", info.path.string()));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> FindSnapshot(Directory& directory, const std::string& name) {
  const absl::StatusOr<std::vector<SnapshotInfo>> infos = DescribeSnapshots(directory);
  if (!infos.ok()) return infos.status();
  std::vector<std::string> known;
  for (const SnapshotInfo& info : *infos) {
    if (info.name == name && info.damage.empty()) return info.path.filename().string();
    if (info.name == name) return absl::DataLossError(info.damage);
    known.push_back(info.name);
  }
  return absl::NotFoundError(absl::StrCat("no snapshot '", Printable(name), "'; there are: ",
                                          known.empty() ? "none" : absl::StrJoin(known, ", ")));
}

uint64_t TrimSnapshots(Directory& directory, size_t keep, uint64_t newest) {
  const absl::StatusOr<std::vector<SnapshotFile>> snapshots = ListSnapshots(directory);
  if (!snapshots.ok()) return 0;
  uint64_t oldest = 0;
  size_t kept = 0;
  for (const SnapshotFile& file : *snapshots) {
    if (IsNamed(file.name) || file.position > newest || !Open(directory, file.name).ok()) continue;
    if (kept < keep) {
      ++kept;
      oldest = file.position;
    } else {
      directory.Remove(file.name).IgnoreError();
    }
  }
  return oldest;
}

void RemoveUnfinishedSnapshots(Directory& directory) {
  const absl::StatusOr<std::vector<std::string>> names = directory.List();
  if (!names.ok()) return;
  for (const std::string& name : *names) {
    // Another thing than a file is somebody else's.
    if (!PositionOf(name, kTemporary) || !directory.Open(name).ok()) continue;
    directory.Remove(name).IgnoreError();
  }
}

}  // namespace varscope::server
